"""New keys on a running csmsd that may be killed at each step (whitepaper A01)."""

import asyncio
import json
import re
from typing import Any

import pytest

from tests.csmsd.operations.logins import login, may_log_in
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

KEY = "0123456789abcdef"


async def keyed(site: Site) -> RawChargePoint:
    await site.register("CP1", password=KEY)
    return await site.raw("CP1", register=False, password=KEY)


async def asked_for_key(site: Site, point: RawChargePoint) -> tuple["asyncio.Task[Any]", list[Any], str]:
    running = asyncio.create_task(site.csmsctl("cp", "rotate-key", "CP1", "--json", "--yes"))
    asked = await point.asked("ChangeConfiguration")
    assert asked[3]["key"] == "AuthorizationKey"
    key = asked[3]["value"]
    assert re.fullmatch("[0-9a-f]{40}", key)
    return running, asked, key


@pytest.mark.parametrize(
    ("status", "old", "new"), [("Accepted", False, True), ("Rejected", True, False), ("NotSupported", True, False)]
)
async def test_the_answer_says_which_key_is_good(site: Site, status: str, old: bool, new: bool) -> None:
    point = await keyed(site)
    running, asked, key = await asked_for_key(site, point)
    await point.answer(asked, {"status": status})
    ended = await running
    assert (ended.code == 0) == new
    assert key not in ended.out + ended.err
    await point.disconnect()
    assert (await may_log_in(site, KEY), await may_log_in(site, key)) == (old, new)
    assert await may_log_in(site, bytes.fromhex(key).decode()) == new, "as text as well"
    for table in ("task", "charge_point"):
        assert key not in json.dumps(site.stored(f"SELECT * FROM {table}"))
    assert key not in (await site.csmsctl("log", "CP1")).out


async def test_an_answer_that_says_neither_leaves_both_good(site: Site) -> None:
    point = await keyed(site)
    running, asked, key = await asked_for_key(site, point)
    await point.answer(asked, {"status": "Stored"})
    assert (await running).code == 7
    await point.disconnect()
    assert (await may_log_in(site, KEY), await may_log_in(site, key)) == (True, True)


@pytest.mark.parametrize("uses", ["old", "new"])
async def test_killed_before_the_answer_both_are_good_until_one_is_used(site: Site, uses: str) -> None:
    point = await keyed(site)
    running, _, key = await asked_for_key(site, point)
    await site.kill()
    await running
    await site.start()
    used, other = (KEY, key) if uses == "old" else (key, KEY)
    assert await may_log_in(site, KEY), "a login with the old one decides nothing yet"
    watcher = await site.watch("charge_point.booted")
    back = await login(site, used)
    assert back is not None
    await back.boot()
    await watcher.event("charge_point.booted")
    while site.stored("SELECT password_hash_next FROM charge_point") != [(None,)]:
        await back.heartbeat()
    await back.disconnect()
    assert not await may_log_in(site, other)
    assert await may_log_in(site, used)


async def test_the_new_key_may_be_faster_than_the_answer(site: Site) -> None:
    point = await keyed(site)
    running, _, key = await asked_for_key(site, point)
    back = await login(site, key)
    assert back is not None
    await running
    await back.boot()
    await back.disconnect()
    assert not await may_log_in(site, KEY)
    assert await may_log_in(site, key)


async def test_a_boot_on_the_connection_of_before_says_nothing_of_the_key(site: Site) -> None:
    """Some say it again after their configuration has changed."""
    point = await keyed(site)
    running, asked, key = await asked_for_key(site, point)
    await point.frame(4, asked[1], "InternalError", "", {})
    assert (await running).code == 7
    watcher = await site.watch("charge_point.booted")
    await point.boot()
    await watcher.event("charge_point.booted")
    await point.disconnect()
    back = await login(site, KEY)
    assert back is not None
    await back.disconnect()
    assert await may_log_in(site, key)


async def test_who_has_no_key_is_raised_and_not_given_another(site: Site) -> None:
    point = await site.raw("CP1")
    ended = await site.csmsctl("cp", "rotate-key", "CP1", "--yes")
    assert (ended.code, "cp secure CP1 --to 1" in " ".join(ended.out.split())) == (2, True)
    await site.asked_nothing(point)


async def test_one_without_a_profile_that_asks_for_it_is_given_another_where_the_first_was_lost(site: Site) -> None:
    """At profile 0 no login shows whether it has it: it must not be asked to."""
    point = await site.raw("CP1")
    running = asyncio.create_task(site.csmsctl("cp", "secure", "CP1", "--to", "1", "--yes"))
    lost = (await point.asked("ChangeConfiguration"))[3]["value"]
    await site.kill()
    await running
    await site.start()
    (upgrade,) = (await site.call("security_upgrade.list", targets=["CP1"]))["security_upgrades"]
    assert (upgrade["state"], "a new key was on its way to it" in upgrade["reason"]) == ("interrupted", True)
    point = await site.raw("CP1", register=False)
    running = asyncio.create_task(site.csmsctl("cp", "secure", "CP1", "--to", "1", "--yes"))
    asked = await point.asked("ChangeConfiguration")
    assert (asked[3]["key"], asked[3]["value"] != lost) == ("AuthorizationKey", True)
    await point.answer(asked, {"status": "Accepted"})
    await point.answer(await point.asked("ChangeConfiguration"), {"status": "Accepted"})
    assert (await running).code == 0
    await point.disconnect()
    assert await may_log_in(site, asked[3]["value"])
    assert not await may_log_in(site, None)


@pytest.mark.parametrize("queued", [{}, {"queue_s": 60}], ids=["now", "queued"])
async def test_no_way_leads_around_it(site: Site, queued: dict[str, int]) -> None:
    """Whatever is forced, and however it is spelled: a key or a profile that one end alone has locks it out."""
    point = await keyed(site)
    for number, action in enumerate(("ChangeConfiguration", "changeconfiguration")):
        for field, key in (("key", "AuthorizationKey"), ("KEY", " authorization_key")):
            payload = {field: key, "value": "0123456789abcdeX"}
            answer = await site.call(
                "operation.call", targets=["CP1"], action=action, payload=payload, force=True, **queued
            )
            (result,) = answer["results"]
            assert (result["outcome"], "cp rotate-key CP1" in result["error"]) == ("not_sent", True), number
            assert "--force" not in result["error"]
        payload = {"key": "SecurityProfile", "value": "0"}
        answer = await site.call(
            "operation.call", targets=["CP1"], action=action, payload=payload, force=True, **queued
        )
        assert "A00.FR.005" in answer["results"][0]["error"]
    typed = {"set": ["HeartbeatInterval=60", "AuthorizationKey=0123456789abcdeX"]}
    answer = await site.call(
        "operation.run", targets=["CP1"], command="change-configuration", parameters=typed, force=True, **queued
    )
    assert "cp rotate-key CP1" in answer["results"][0]["error"]
    await site.asked_nothing(point)
    assert "0123456789abcdeX" not in json.dumps(site.stored("SELECT * FROM task"))
    assert await may_log_in(site, KEY)
