"""A wall clock that is wrong for a while: nothing is pruned, trimmed or expired because of it, and it is said."""

import asyncio
from itertools import count
from pathlib import Path
from time import monotonic, time
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.clock_shim import MovableClock
from tests.support.raw_charge_point import RawChargePoint
from tests.support.shim import needs_compiler
from tests.support.site import Site

pytestmark = needs_compiler

DAY = 86_400
SETTINGS: dict[str, dict[str, Any]] = {
    "retention": {"transactions_days": 400, "meter_values_days": 400, "keep_unexported": False, "at": "03:30"},
    "store": {"message_log_days": 30},
}
NOON = DAY - (int(time()) - DAY // 2) % DAY  # how far the next noon, UTC, is
_SECONDS = count()
KEPT = "SELECT (SELECT count(*) FROM transactions), (SELECT count(*) FROM meter_value)"


@pytest.fixture
def clock(tmp_path: Path) -> MovableClock:
    return MovableClock(tmp_path)


@pytest.fixture
async def moved(make_site: MakeSite, clock: MovableClock) -> Site:
    """A csmsd whose wall clock is `clock`, with settings that prune what is old; it is noon."""
    site = await make_site(SETTINGS, start=False)
    site.variables = clock.variables
    clock.set(NOON)
    await site.start()
    await site.call("tag.add", id="A1B2C3")
    return site


async def charged(charge_point: RawChargePoint) -> None:
    """A transaction with a reading, from its start to its end, all of it acknowledged."""
    at = f"2026-03-01T12:00:{next(_SECONDS):02d}.000Z"  # else it would be the same once more
    started = await charge_point.ask(
        "StartTransaction", {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 0, "timestamp": at}
    )
    number = started[2]["transactionId"]
    value = {"timestamp": at, "sampledValue": [{"value": "1"}]}
    for action, payload in (
        ("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]}),
        ("StopTransaction", {"transactionId": number, "meterStop": 500, "timestamp": "2026-03-01T13:00:00.000Z"}),
    ):
        assert (await charge_point.ask(action, payload))[0] == 3


async def said(site: Site, text: str, times: int) -> None:
    """Waits until csmsd has said it so often."""
    deadline = monotonic() + 60
    while site.errors().count(text) < times:
        assert monotonic() < deadline, text
        await asyncio.sleep(0.05)


async def logged(site: Site) -> set[str]:
    """The StartTransaction messages that are in the log."""
    messages = (await site.call("log.list", limit=0))["messages"]
    return {message["text"] for message in messages if '"StartTransaction"' in message["text"]}


async def test_a_wrong_clock_prunes_nothing_and_is_told(moved: Site, clock: MovableClock) -> None:
    charge_point = await moved.raw("CP1")
    for nights, years in enumerate((1 / 365, 2, 10), 1):
        await charged(charge_point)
        watcher = await moved.watch("daemon.clock_jumped")
        clock.set(NOON + int(years * 365 * DAY))
        told = (await watcher.event("daemon.clock_jumped"))["data"]["by_s"]
        assert abs(told - years * 365 * DAY) < 5
        await charged(charge_point)
        await said(moved, "nothing is pruned: the clock has jumped", nights)
        clock.set(NOON)
        assert (await watcher.event("daemon.clock_jumped"))["data"]["by_s"] < 0
    clock.set(NOON - DAY)
    await charged(charge_point)
    clock.set(NOON)
    await charged(charge_point)
    assert moved.stored(KEPT) == [(8, 8)]
    assert len(await logged(moved)) == 8

    (problem,) = [one for one in (await moved.json("status", "--problems"))["problems"] if one["charge_point"] is None]
    assert problem["kind"] == "clock_jumped"
    assert "the clock jumped" in problem["text"]
    checked = await moved.csmsctl("check", "--warning", "offline=none")
    assert checked.code == 1
    assert "the clock jumped" in checked.out


async def test_what_an_operator_wants_pruned_waits_as_well(moved: Site, clock: MovableClock) -> None:
    charge_point = await moved.raw("CP1")
    for _ in range(2):
        await charged(charge_point)
    clock.set(NOON + 730 * DAY)
    refused = await moved.csmsctl("--yes", "prune", "transactions")
    assert refused.code == 1
    assert "The clock jumped: nothing is pruned before" in refused.err
    clock.set(NOON - 730 * DAY)  # while a command that was begun before goes on
    code, text = await moved.refused("prune.run", kind="transactions", before="2026-08-01T00:00:00Z")
    assert (code, text.startswith("The clock jumped")) == (1, True), text
    assert moved.stored(KEPT) == [(2, 2)]


@pytest.mark.parametrize("years", [2, -2])
async def test_a_clock_that_is_wrong_from_one_start_to_the_next(moved: Site, clock: MovableClock, years: int) -> None:
    charge_point = await moved.raw("CP1")
    await charged(charge_point)
    for offset in (years * 365 * DAY, 0):
        assert await moved.stop() == 0
        clock.set(NOON + offset)
        await moved.start()
        assert "clock_jumped" in [one["kind"] for one in (await moved.json("status", "--problems"))["problems"]]
        await charged(await moved.raw("CP1", register=False))
    assert await moved.stop() == 0
    await moved.start()  # patience is kept, and the log has been trimmed at each start
    assert "clock_jumped" in [one["kind"] for one in (await moved.json("status", "--problems"))["problems"]]
    assert moved.stored(KEPT) == [(3, 3)]
    assert len(await logged(moved)) == 3


async def test_what_would_expire_outlives_a_jump_that_is_taken_back(moved: Site, clock: MovableClock) -> None:
    charge_point = await moved.raw("CP1")
    await moved.register("CP2")
    clock.set(0)  # that of csmsctl
    watcher = await moved.watch("reservation.expired", "task.expired")
    for number, expires in (("7", "+30m"), ("8", "+8s")):
        line = ("reserve-now", "CP1", "--tag", "A1B2C3", "--connector", number, "--id", number, "--expires", expires)
        reserving = asyncio.create_task(moved.csmsctl(*line, "--force"))
        await charge_point.answer(await charge_point.asked("ReserveNow"), {"status": "Accepted"})
        assert (await reserving).code == 0
    queued = await moved.json("call", "--queue", "1h", "CP2", "ClearCache", "{}")
    assert queued["results"][0]["outcome"] == "queued"
    clock.set(730 * DAY)
    # By the time without the jump; had the other one been ended by it, that would have come first.
    expired = await watcher.event("reservation.expired")
    assert expired["data"]["reservation"] == 8
    clock.set(0)
    states = {one["id"]: one["state"] for one in (await moved.json("reservation", "list"))["reservations"]}
    assert states == {7: "reserved", 8: "expired"}
    assert [one["state"] for one in (await moved.json("task", "list", "--charge-point", "CP2"))["tasks"]] == ["queued"]
