"""A site from nothing to mutual TLS, with simulated charge points: raised step by step, fallen back, kept out."""

import pytest

from tests.conftest import MakeSite
from tests.support.simulator import simulator
from tests.support.site import Site

ORGANIZATION = "My CPO"


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    """With a certificate authority of its own, and so with TLS."""
    made = await make_site({"ocpp": {"hold_after_reconnect": 0}})
    await made.json("cert", "init", "--name", "localhost", "--name", "127.0.0.1", "--organization", ORGANIZATION)
    return made


async def profile(site: Site, identity: str) -> tuple[int, str]:
    """The registered profile, and how the last attempt to raise it went."""
    (record,) = (await site.call("charge_point.list", targets=[identity]))["charge_points"]
    (upgrade,) = (await site.call("security_upgrade.list", targets=[identity]))["security_upgrades"]
    return record["security_profile"], upgrade["state"]


async def test_from_nothing_to_mutual_tls(site: Site) -> None:
    await site.register("CP1")
    async with simulator(site, "CP1"):
        for to in (1, 2, 3):
            ended = await site.csmsctl("cp", "secure", "CP1", "--to", str(to), "--wait", "--yes")
            assert ended.code == 0, ended.out + ended.err
            assert await profile(site, "CP1") == (to, "confirmed")
        (issued,) = (await site.call("certificate.list", kind="charge_point"))["certificates"]
        assert (issued["charge_point"], issued["common_name"], issued["state"]) == ("CP1", "CP1", "used")
        assert (await site.csmsctl("trigger-message", "CP1", "--message", "Heartbeat")).code == 0


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
