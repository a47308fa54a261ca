"""A site from nothing to mutual TLS, with simulated charge points: raised step by step, fallen back, kept out."""

import asyncio
import re
import shlex
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import MakeSite
from tests.support.ports import free_port
from tests.support.raw_charge_point import RawChargePoint
from tests.support.simulator import simulator
from tests.support.site import ROOT, Site

ORGANIZATION = "My CPO"


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    """With a certificate authority of its own, and so with TLS."""
    made = await make_site({"ocpp": {"hold_after_reconnect": 0}})
    await with_certificates(made)
    return made


async def with_certificates(site: Site) -> None:
    await site.call("certificate.init", organization=ORGANIZATION, names=["localhost", "127.0.0.1"])


async def profile(site: Site, identity: str) -> tuple[int, str]:
    """The registered profile, and how the last attempt to raise it went."""
    (record,) = (await site.call("charge_point.list", targets=[identity]))["charge_points"]
    (upgrade,) = (await site.call("security_upgrade.list", targets=[identity]))["security_upgrades"]
    return record["security_profile"], upgrade["state"]


def commands(page: str) -> list[str]:
    """The four of the section that tells of securing a site."""
    text = (ROOT / page).read_text("utf-8")
    section = text[text.index("\n## Securing a site") :]
    block = next(part for part in re.split(r"\n\s*\n", section) if part.startswith("    csmsctl cert init"))
    return [re.sub(r"\s+#.*", "", line).strip() for line in block.splitlines()]


async def test_from_nothing_to_mutual_tls_in_four_commands(make_site: MakeSite, tmp_path: Path) -> None:
    """As the page has them; only the box has other names, and the file of the key lies elsewhere."""
    site = await make_site({"ocpp": {"hold_after_reconnect": 0}})
    lines = commands("docs/security.md")
    assert (len(lines), commands("README.md")) == (4, lines)
    for identity in ("CP1", "CP2"):
        await site.register(identity, labels=["garage"])
    here = {"csms.local": "localhost", "192.168.1.10": "127.0.0.1", "csms-ca.key": str(tmp_path / "csms-ca.key")}
    async with simulator(site, "CP1", "CP2"):
        for line in lines:
            program, *words = shlex.split(line)
            assert program == "csmsctl"
            ended = await site.csmsctl(*(here.get(word, word) for word in words), "--yes")
            assert ended.code == 0, (line, ended.out + ended.err)
        for identity in ("CP1", "CP2"):
            assert await profile(site, identity) == (3, "confirmed")
        assert (await site.csmsctl("trigger-message", "@garage", "--message", "Heartbeat", "--yes")).code == 0
        found = await site.json("status", "--problems")
        assert found["problems"] == []
    issued = (await site.call("certificate.list", kind="charge_point"))["certificates"]
    assert {(one["charge_point"], one["common_name"], one["state"]) for one in issued} == {
        ("CP1", "CP1", "used"),
        ("CP2", "CP2", "used"),
    }
    assert (tmp_path / "csms-ca.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidStatus):
        await RawChargePoint.connect(site.url("CP1"))


async def test_one_profile_after_the_other(site: Site) -> None:
    await site.register("CP1")
    async with simulator(site, "CP1"):
        for to in (1, 2, 3):
            ended = await site.csmsctl("cp", "secure", "CP1", "--to", str(to), "--wait", "--yes")
            assert ended.code == 0, ended.out + ended.err
            assert await profile(site, "CP1") == (to, "confirmed")


async def test_killed_on_the_way_it_comes_back_and_the_next_attempt_brings_it_there(make_site: MakeSite) -> None:
    """Whether it has its new certificate by then or not."""
    site = await make_site({"ocpp": {"hold_after_reconnect": 0}}, start=False)
    address = f"127.0.0.1:{free_port()}"  # it comes back there
    site.flags = ["--listen", address]
    await site.start()
    site.listen = address
    await with_certificates(site)
    await site.register("CP1")
    async with simulator(site, "CP1"):
        watcher = await site.watch("certificate.changed")
        running = asyncio.create_task(site.csmsctl("cp", "secure", "CP1", "--to", "3", "--yes"))
        await watcher.event("certificate.changed")
        await site.kill()
        await running
        await site.start()
        watcher = await site.watch("charge_point.connected")
        while (await site.call("charge_point.list", targets=["CP1"]))["charge_points"][0]["connected"] is False:
            await watcher.event("charge_point.connected")
        if (await profile(site, "CP1"))[0] == 0:
            ended = await site.csmsctl("cp", "secure", "CP1", "--to", "3", "--wait", "--yes")
            assert ended.code == 0, ended.out + ended.err
        assert await profile(site, "CP1") == (3, "confirmed")


async def test_a_key_is_rotated_over_tls(site: Site) -> None:
    await site.register("CP1")
    async with simulator(site, "CP1"):
        assert (await site.csmsctl("cp", "secure", "CP1", "--to", "2", "--wait", "--yes")).code == 0
        watcher = await site.watch("charge_point.connected")
        assert (await site.csmsctl("cp", "rotate-key", "CP1", "--yes")).code == 0
        await watcher.event("charge_point.connected", "CP1")


async def test_one_that_cannot_connect_falls_back_and_it_is_told(site: Site) -> None:
    """Its key is wrong: it finds its way in with the profile of before, and nothing else is lost."""
    await site.register("CP1")
    async with simulator(site, "CP1", options=("--misbehave", "wrong-key")):
        ended = await site.csmsctl("cp", "secure", "CP1", "--to", "1", "--wait", "--yes")
        assert (ended.code, "fell back" in ended.err) == (7, True), ended.err
        assert await profile(site, "CP1") == (0, "fell_back")
    (event,) = (await site.json("security-events", "CP1", "--type", "SecurityProfileFellBack"))["security_events"]
    assert event["source"] == "csmsd"


async def test_an_expired_certificate_lets_nobody_in(site: Site) -> None:
    await site.register("CP1")
    async with simulator(site, "CP1", options=("--misbehave", "expired-certificate")):
        ended = await site.csmsctl("cp", "secure", "CP1", "--to", "3", "--wait", "--yes")
        assert ended.code == 7, ended.err
        assert (await profile(site, "CP1"))[0] == 0


async def test_the_name_of_another_gets_no_certificate(site: Site) -> None:
    """B boots with the serial number of A, and asks for a certificate with it."""
    for identity in ("SIM-1", "CP1"):
        await site.register(identity)
    async with simulator(site, "SIM-1"):
        pass
    async with simulator(site, "CP1", options=("--misbehave", "other-serial")):
        ended = await site.csmsctl("cp", "secure", "CP1", "--to", "3", "--yes")
        assert ended.code != 0
        assert (await site.call("certificate.list", kind="charge_point"))["certificates"] == []
