"""Higher security profiles on a running csmsd that may be killed at each step (whitepaper A05)."""

import asyncio
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.csmsd.operations.logins import login, may_log_in
from tests.support.control import ControlConnection
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


async def raised(site: Site, point: RawChargePoint) -> tuple["asyncio.Task[Any]", list[Any], str]:
    """From 0 to 1, up to the request that decides."""
    running = asyncio.create_task(site.csmsctl("cp", "secure", "CP1", "--to", "1", "--wait", "--json", "--yes"))
    asked = await point.asked("ChangeConfiguration")
    assert asked[3]["key"] == "AuthorizationKey"
    key = asked[3]["value"]
    await point.answer(asked, {"status": "Accepted"})
    asked = await point.asked("ChangeConfiguration")
    assert asked[3] == {"key": "SecurityProfile", "value": "1"}
    return running, asked, key


async def fallen_back(site: Site) -> tuple[RawChargePoint, str]:
    """CP1 accepted profile 1 and came with the old one; with the key that it was given."""
    point = await site.raw("CP1")
    running, asked, key = await raised(site, point)
    await point.answer(asked, {"status": "Accepted"})
    await point.disconnect()
    point = await site.raw("CP1", register=False)
    assert (await running).code == 7
    return point, key


async def profile(site: Site) -> tuple[int, str]:
    """The registered profile, and the state of the upgrade."""
    (record,) = (await site.call("charge_point.list", targets=["CP1"]))["charge_points"]
    (upgrade,) = (await site.call("security_upgrade.list", targets=["CP1"]))["security_upgrades"]
    return record["security_profile"], upgrade["state"]


async def test_raised_and_confirmed_by_its_connection(site: Site) -> None:
    point = await site.raw("CP1")
    watcher = await site.watch("security.upgrade")
    running, asked, key = await raised(site, point)
    await point.answer(asked, {"status": "Accepted"})
    await point.disconnect()
    back = await site.raw("CP1", register=False, password=key)
    ended = await running
    assert ended.code == 0, ended.err
    states = [(await watcher.event("security.upgrade"))["data"]["state"]]
    while states[-1] != "confirmed":
        states.append((await watcher.event("security.upgrade"))["data"]["state"])
    assert states[:2] == ["preparing", "asked"]
    assert states[2:] in (["accepted", "confirmed"], ["confirmed"]), "it may be faster than its answer"
    assert await profile(site) == (1, "confirmed")
    await back.disconnect()
    assert not await may_log_in(site, None), "no lower profile any more (A05.FR.09)"
    lowered = await site.csmsctl("cp", "secure", "CP1", "--to", "1", "--yes")
    assert (lowered.code, "A00.FR.005" in lowered.out) == (2, True)


async def test_a_fall_back_is_told_loudly(site: Site) -> None:
    point = await site.raw("CP1")
    running, asked, _ = await raised(site, point)
    await point.answer(asked, {"status": "Accepted"})
    await point.disconnect()
    await site.raw("CP1", register=False)
    ended = await running
    assert (ended.code, "fell back" in ended.err) == (7, True)
    assert await profile(site) == (0, "fell_back")
    (event,) = (await site.json("security-events", "CP1", "--source", "csmsd"))["security_events"]
    assert event["type"] == "SecurityProfileFellBack"
    told = "CP1: fell back from security profile 1: it came back with security profile 0 instead of 1."
    for shows in (("status", "--problems"), ("check", "--ignore", "never_connected")):
        said = " ".join((await site.csmsctl(*shows)).out.split())
        assert "csmsctl cp secure CP1 --to 1 --wait" in said, said
    assert told in said


@pytest.mark.parametrize("status", ["Rejected", "NotSupported"])
async def test_refused_it_stays_as_it_was(site: Site, status: str) -> None:
    point = await site.raw("CP1")
    running, asked, _ = await raised(site, point)
    await point.answer(asked, {"status": status})
    assert (await running).code == 7
    assert await profile(site) == (0, "refused")
    await point.disconnect()
    assert await may_log_in(site, None)


async def test_an_answer_that_says_neither_is_decided_by_its_next_connection(site: Site) -> None:
    point = await site.raw("CP1")
    running, asked, key = await raised(site, point)
    await point.frame(4, asked[1], "InternalError", "no room to say more", {})
    assert (await running).code == 7
    assert await profile(site) == (0, "asked")
    watcher = await site.watch("security.upgrade")
    await point.boot()  # on the connection of before, which says nothing of the next one
    await point.disconnect()
    back = await login(site, key)
    assert back is not None
    assert (await watcher.event("security.upgrade"))["data"]["state"] == "confirmed"
    assert await profile(site) == (1, "confirmed")


@pytest.mark.parametrize("takes", [True, False])
async def test_killed_before_the_answer_it_comes_back_with_either(site: Site, takes: bool) -> None:
    point = await site.raw("CP1")
    running, _, key = await raised(site, point)
    await site.kill()
    await running
    await site.start()
    assert await profile(site) == (0, "asked")
    watcher = await site.watch("security.upgrade")
    back = await login(site, key if takes else None)
    assert back is not None
    state = (await watcher.event("security.upgrade"))["data"]["state"]
    assert state == ("confirmed" if takes else "fell_back")
    assert await profile(site) == ((1, "confirmed") if takes else (0, "fell_back"))
    await back.disconnect()
    assert await may_log_in(site, None) == (not takes)


async def test_without_tls_nobody_is_raised_to_a_profile_with_it(site: Site) -> None:
    point = await site.raw("CP1")
    ended = await site.csmsctl("cp", "secure", "CP1", "--to", "2", "--yes")
    assert (ended.code, "needs TLS" in ended.out) == (2, True)
    await site.asked_nothing(point)


@pytest.mark.parametrize(
    ("kind", "to"), [({"transport": "plain"}, 2), ({"transport": "any", "client_certificate": "none"}, 3)]
)
async def test_nobody_is_raised_to_what_its_own_port_does_not_take(
    make_site: MakeSite, kind: dict[str, str], to: int
) -> None:
    """It keeps host and port."""
    site = await make_site({"server": {"listeners": [{"address": "127.0.0.1:0", **kind}]}})
    await site.call("certificate.init", organization="My CPO", names=["127.0.0.1"])
    site.listen = (await site.call("daemon.info"))["listen"][1]
    point = await site.raw("CP1")
    (result,) = (await site.call("charge_point.secure", targets=["CP1"], to=to))["results"]
    assert (result["outcome"], "server.listeners" in result["error"]) == ("not_sent", True)
    await site.asked_nothing(point)


async def states_to(watcher: ControlConnection, last: str) -> list[str]:
    """Each state of an upgrade once, to that one."""
    found: list[str] = []
    while not found or found[-1] != last:
        state = (await watcher.event("security.upgrade"))["data"]["state"]
        found += [state] if state not in found else []
    return found


async def test_what_takes_effect_with_a_reboot_is_not_decided_before_it(site: Site) -> None:
    """A link that is lost in between says nothing."""
    point = await site.raw("CP1")
    watcher = await site.watch("security.upgrade")
    running, asked, key = await raised(site, point)
    await point.answer(asked, {"status": "RebootRequired"})
    await states_to(watcher, "accepted")
    await point.disconnect()
    for _ in range(2):
        point = await site.raw("CP1", register=False, boot=False)
        await point.heartbeat()
        await point.disconnect()
    back = await site.raw("CP1", register=False, password=key)
    assert await states_to(watcher, "confirmed") == ["confirmed"]
    assert (await running).code == 0
    await back.disconnect()


async def test_one_that_comes_back_from_its_reboot_as_before_has_fallen_back(site: Site) -> None:
    point = await site.raw("CP1")
    watcher = await site.watch("security.upgrade")
    running, asked, _ = await raised(site, point)
    await point.answer(asked, {"status": "RebootRequired"})
    await states_to(watcher, "accepted")
    again = await site.call("charge_point.secure", targets=["CP1"], to=1)
    assert "csmsctl reset CP1 --type soft" in again["results"][0]["error"]
    await point.disconnect()
    await site.raw("CP1", register=False)
    assert await states_to(watcher, "fell_back") == ["fell_back"]
    assert (await running).code == 7


async def test_one_that_is_removed_meanwhile_leaves_nothing_behind(site: Site) -> None:
    point = await site.raw("CP1")
    running = asyncio.create_task(site.call("charge_point.secure", targets=["CP1"], to=1))
    asked = await point.asked("ChangeConfiguration")
    await site.call("charge_point.remove", id="CP1")
    (result, *_) = (await running)["results"]
    assert asked[3]["key"] == "AuthorizationKey"
    assert result["outcome"] != "accepted"
    await site.register("CP1")
    assert (await site.call("security_upgrade.list"))["security_upgrades"] == []


async def test_another_attempt_that_comes_to_nothing_keeps_nobody_out(site: Site) -> None:
    """Who fell back may have been another in its place, and so who refuses, while it uses its new profile already."""
    point, key = await fallen_back(site)
    again = asyncio.create_task(site.call("charge_point.secure", targets=["CP1"], to=1))
    await point.answer(await point.asked("ChangeConfiguration"), {"status": "Rejected"})
    await again
    assert await profile(site) == (0, "fell_back")
    await point.disconnect()
    back = await site.raw("CP1", register=False, password=key)
    await back.heartbeat()
    while await profile(site) != (1, "confirmed"):
        await back.heartbeat()
    await back.disconnect()


async def test_another_attempt_to_a_higher_one_keeps_out_nobody_who_has_taken_the_first(site: Site) -> None:
    await site.call("certificate.init", organization="My CPO", names=["127.0.0.1"])
    point, key = await fallen_back(site)
    again = asyncio.create_task(site.call("charge_point.secure", targets=["CP1"], to=2))
    await point.answer(await point.asked("GetInstalledCertificateIds"), {"status": "NotFound"})
    await point.answer(await point.asked("InstallCertificate"), {"status": "Accepted"})
    asked = await point.asked("ChangeConfiguration")
    assert asked[3] == {"key": "SecurityProfile", "value": "2"}
    await point.answer(asked, {"status": "Accepted"})
    await again
    await point.disconnect()
    back = await site.raw("CP1", register=False, password=key)
    while await profile(site) != (1, "fell_back"):
        await back.heartbeat()
    await back.disconnect()
    assert not await may_log_in(site, None), "no lower profile any more (A05.FR.09)"
