"""Commands that wait: kept on disk, in their order, so many, until their time is up or somebody gives them up."""

import asyncio

import pytest

from csmsd.operations.queue import MAX_QUEUED, CommandQueue
from csmsd.operations.result import Obstacle
from csmsd.profiles.record import Event
from tests.csmsd.operations.engine import Engine
from tests.csmsd.profiles.scene import HOUR, SECOND


async def test_it_waits_on_disk_with_what_it_was_asked_for(engine: Engine) -> None:
    engine.links.away.add("cp1")
    (result,) = await engine.enqueue("reset", HOUR, type="Soft")
    assert (result.outcome, result.task, result.expires_at) == ("queued", 1, engine.scene.now + HOUR)
    assert engine.rows("SELECT id, user, state, outcome, request FROM task") == [
        (1, "ann", "queued", "queued", '{"type":"Soft"}')
    ]
    assert engine.rows("SELECT task, command, parameters FROM queued_command") == [(1, "reset", '{"type": "Soft"}')]
    assert [(command.task, task.id) for command, task in engine.queue.of("CP1")] == [(1, 1)]
    assert engine.queue.waits(1)
    assert not engine.queue.waits(2)
    assert engine.types("task.") == ["task.queued"]


async def test_one_whose_charge_point_is_here_is_sent_at_once(engine: Engine) -> None:
    running = engine.enqueue("clear-cache")
    (await engine.links.next()).confirm(status="Accepted")
    (result,) = await running
    assert (result.outcome, result.task) == ("accepted", 1)
    assert len(engine.queue) == 0
    assert engine.rows("SELECT * FROM queued_command") == []


async def test_what_was_sent_is_waited_for_however_long_it_had_to_wait_for_others(engine: Engine) -> None:
    running = engine.enqueue("clear-cache", options={"timeout": 0.01})
    asked = await engine.links.next()
    done, _ = await asyncio.wait([running], timeout=0.1)
    assert not done
    asked.confirm(status="Accepted")
    (result,) = await running
    assert (result.outcome, result.task) == ("accepted", 1)


async def test_what_speaks_against_it_is_told_at_once(engine: Engine) -> None:
    engine.links.away.add("cp1")
    (result,) = await engine.enqueue("remote-stop", transaction=99)
    assert result.obstacle is Obstacle.NOT_KNOWN
    assert len(engine.queue) == 0


async def test_a_charge_point_has_so_many_and_no_more(engine: Engine) -> None:
    for number in range(MAX_QUEUED):
        await engine.queued("data-transfer", vendor=str(number))
    (result,) = await engine.enqueue("clear-cache")
    assert (result.obstacle, result.error) == (Obstacle.QUEUE_FULL, "100 commands are queued for it already")
    assert result.action == "ClearCache"
    assert len(engine.queue) == MAX_QUEUED


async def test_one_that_is_queued_already_is_not_queued_again(engine: Engine) -> None:
    engine.links.away.add("cp1")
    await engine.enqueue("reset", HOUR, type="Soft")
    (again,) = await engine.enqueue("reset", HOUR // 2, type="Soft")
    assert (again.outcome, again.task, again.error) == ("queued", 1, "already queued as task 1")
    assert again.expires_at == engine.scene.now + HOUR  # the later end holds
    (longer,) = await engine.enqueue("reset", 2 * HOUR, type="Soft")
    assert (longer.task, longer.expires_at) == (1, engine.scene.now + 2 * HOUR)
    until = engine.scene.now + 2 * HOUR
    assert engine.rows("SELECT id, expires_at FROM task") == [(1, until)]
    assert engine.rows("SELECT task, expires_at FROM queued_command") == [(1, until)]
    assert engine.types("task.") == ["task.queued"]


async def test_only_the_last_of_the_line_is_equal_in_effect(engine: Engine) -> None:
    engine.links.away.add("cp1")
    for kind in ("Operative", "Inoperative", "Operative"):
        await engine.enqueue("change-availability", HOUR, connector=1, type=kind)
    await engine.enqueue("change-availability", HOUR, connector=1, type="Operative", options={"force": True})
    await engine.enqueue("change-availability", HOUR, connector=2, type="Operative")
    idle = {"unless_transaction": True}
    await engine.enqueue("change-availability", HOUR, connector=2, type="Operative", options=idle)
    assert [task.id for _, task in engine.queue.of("CP1")] == [1, 2, 3, 4, 5, 6]


async def test_one_that_cannot_be_kept_longer_is_told_and_waits_as_long_as_before(engine: Engine) -> None:
    engine.links.away.add("cp1")
    await engine.enqueue("clear-cache", HOUR)
    engine.refuse("UPDATE ON queued_command")
    (result,) = await engine.enqueue("clear-cache", 2 * HOUR)
    assert result.obstacle is Obstacle.NOT_QUEUED
    assert (result.error or "").startswith("it is queued as task 1, ")
    ((command, _),) = engine.queue.of("CP1")
    assert command.expires_at == engine.scene.now + HOUR


@pytest.mark.parametrize("closed", [False, True])
async def test_one_that_cannot_be_stored_does_not_wait(engine: Engine, closed: bool) -> None:
    engine.links.away.add("cp1")
    engine.refuse("INSERT ON queued_command")
    if closed:
        await engine.writer.close()
    (result,) = await engine.enqueue("clear-cache")
    assert (result.outcome, result.obstacle) == ("not_sent", Obstacle.NOT_QUEUED)
    assert (result.error or "").startswith("it could not be stored: ")
    assert len(engine.queue) == 0
    assert engine.types("task.") == []


@pytest.mark.parametrize(
    ("away", "outcome", "error"),
    [
        (True, "not_connected", "it was not connected until 2026-03-01T13:00:00.000Z"),
        (False, "not_sent", "it could not be sent until 2026-03-01T13:00:00.000Z"),
    ],
)
async def test_it_is_given_up_when_its_time_is_up(engine: Engine, away: bool, outcome: str, error: str) -> None:
    number = await engine.queued("clear-cache")
    engine.cp.record.boot_status = "Pending"
    if not away:
        engine.links.away.clear()
    engine.scene.now += HOUR - 1
    engine.queue.ready()
    engine.scene.now += 1
    engine.queue.ready()
    assert await engine.until("task.expired") == {"task": number, "action": "ClearCache", "outcome": outcome}
    assert engine.rows("SELECT state, outcome, error, settled_at FROM task") == [
        ("expired", outcome, error, engine.scene.now)
    ]
    assert engine.rows("SELECT * FROM queued_command") == []
    assert len(engine.queue) == 0


async def test_one_that_cannot_be_given_up_now_is_given_up_later(engine: Engine) -> None:
    await engine.queued("clear-cache", SECOND)
    engine.refuse("DELETE ON queued_command")
    engine.scene.now += SECOND
    engine.queue.ready()
    # The store is tried, refuses, and has memory loaded anew: the queue is no part of that.
    before = engine.live.site
    while engine.live.site is before:
        await engine.until_idle()
    assert len(engine.queue) == 1
    engine.allow()
    engine.queue.ready()
    await engine.until("task.expired")
    assert len(engine.queue) == 0


async def test_an_operator_cancels_it(engine: Engine) -> None:
    number = await engine.queued("clear-cache")
    assert await engine.queue.cancel(number, "ben")
    assert engine.rows("SELECT state, outcome, error FROM task") == [("cancelled", "not_sent", "cancelled by ben")]
    assert (await engine.until("task.cancelled"))["reason"] == "cancelled by ben"
    assert not await engine.queue.cancel(number, "ben")
    assert not await engine.queue.cancel(99, "ben")


async def test_it_goes_with_its_charge_point_and_is_not_for_the_next_of_that_name(engine: Engine) -> None:
    await engine.queued("clear-cache")
    engine.links.away.clear()
    engine.bus.publish(Event("charge_point.removed", "cp1", {}))
    await engine.until("task.cancelled")
    assert engine.rows("SELECT state, error FROM task") == [("cancelled", "the charge point was removed")]
    assert engine.links.asked.empty()


async def test_after_a_restart_it_waits_on_and_what_was_begun_is_not_repeated(engine: Engine) -> None:
    first = await engine.queued("clear-cache")
    second = await engine.queued("change-configuration", set=["A=1", "B=2"])
    (_, waiting), (command, begun) = engine.queue.of("CP1")
    begun.state = "recorded"
    kept = [(engine.queue.of("CP1")[0][0], waiting), (command, begun)]
    again = CommandQueue(engine.live, engine.links, engine.runner, engine.live.site.policies)
    await again.load(kept)
    assert [task.id for _, task in again.of("cp1")] == [first]
    assert engine.rows(f"SELECT part_of, state, outcome, error FROM task WHERE id > {second}") == [
        (
            second,
            "settled",
            "not_sent",
            "csmsd ended before this command was over: what may have been left of it was not sent",
        )
    ]
    assert engine.rows("SELECT task FROM queued_command") == [(first,)]
