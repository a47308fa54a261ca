"""What waits is sent when its charge point may be sent it: in its order, one after the other, never twice."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from csmsd.profiles.action import Steps, Target
from csmsd.profiles.core.clear_cache import ClearCache
from csmsd.profiles.firmware_management.hosting import Host, Hosting, Protocol
from csmsd.profiles.record import Change, Event
from csmsd.store.batch import Done
from tests.csmsd.operations.engine import Engine
from tests.csmsd.profiles.scene import HOUR, SECOND

MINUTE = 60 * SECOND


def change(engine: Engine, number: int, **fields: Any) -> None:
    """Another version of csmsd has kept it."""
    (command,) = [command for command, task in engine.queue.of("CP1") if task.id == number]
    for name, value in fields.items():
        setattr(command, name, value)


async def test_in_their_order_and_one_after_the_other(engine: Engine) -> None:
    for key in "AB":
        await engine.queued("change-configuration", set=[f"{key}=1"])
    engine.back()
    first = await engine.links.next()
    assert first.payload["key"] == "A"
    assert engine.links.asked.empty()
    first.confirm(status="Rejected")
    assert (await engine.until("task.delivered"))["outcome"] == "rejected"
    (await engine.links.next()).confirm(status="Accepted")
    assert await engine.until("task.delivered") == {
        "task": 2, "action": "ChangeConfiguration", "outcome": "accepted", "tasks": [2],
    }  # fmt: skip
    assert engine.rows("SELECT id, user, outcome, part_of FROM task") == [
        (1, "ann", "rejected", None),
        (2, "ann", "accepted", None),
    ]


async def reset(engine: Engine, status: str) -> None:
    """A Reset is answered, and another command waits after it."""
    await engine.queued("reset", type="Soft")
    await engine.queued("clear-cache")
    engine.back()
    (await engine.links.next()).confirm(status=status)
    await engine.until("task.delivered")


async def test_after_an_accepted_reset_nothing_is_sent_before_it_is_back(engine: Engine) -> None:
    await reset(engine, "Accepted")
    engine.scene.now += 5 * SECOND
    engine.queue.ready()
    assert await engine.stays_unasked()
    engine.back()
    assert (await engine.links.next()).action == "ClearCache"


async def test_one_that_accepts_a_reset_and_stays_is_asked_again_after_a_minute(engine: Engine) -> None:
    await reset(engine, "Accepted")
    engine.scene.now += MINUTE
    engine.queue.ready()
    assert await engine.stays_unasked()
    engine.scene.now += 1
    engine.queue.ready()
    assert (await engine.links.next()).action == "ClearCache"


async def test_a_reset_that_is_refused_holds_nothing_up(engine: Engine) -> None:
    await reset(engine, "Rejected")
    assert (await engine.links.next()).action == "ClearCache"


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_one_that_is_not_accepted_is_sent_nothing(engine: Engine, status: Any) -> None:
    await engine.queued("clear-cache")
    engine.cp.record.boot_status = status
    engine.back()
    assert await engine.stays_unasked()
    engine.cp.record.boot_status = "Accepted"
    engine.queue.ready()
    await engine.links.next()


async def test_what_waits_for_a_transaction_is_overtaken_and_sent_when_it_ends(engine: Engine) -> None:
    number = engine.scene.start().payload["transactionId"]
    await engine.store(*[engine.cp.transactions.active()[0]])
    held = {"timeout": 30.0, "uid": 1000, "user": "ann", "unless_transaction": True}
    engine.links.away.add("cp1")
    await engine.enqueue("unlock-connector", options=held, connector=1)
    await engine.queued("clear-cache")
    engine.live.site.policies.hold_after_reconnect = 5
    engine.back()
    (await engine.links.next()).confirm(status="Accepted")
    assert (await engine.until("task.delivered"))["action"] == "ClearCache"
    engine.scene.now += 10 * SECOND
    engine.queue.ready()
    assert await engine.stays_unasked()
    engine.scene.stop(number)
    engine.bus.publish(Event("transaction.stopped", "CP1", {}))
    assert (await engine.links.next()).action == "UnlockConnector"


async def test_one_that_has_just_come_may_have_begun_a_transaction_that_it_has_not_told_of(engine: Engine) -> None:
    held = {"unless_transaction": True}
    engine.links.away.add("cp1")
    await engine.enqueue("unlock-connector", options=held, connector=1)
    engine.live.site.policies.hold_after_reconnect = 5
    engine.back()
    engine.scene.now += 5 * SECOND - 1
    engine.queue.ready()
    assert await engine.stays_unasked()
    engine.scene.now += 1
    engine.queue.ready()
    assert (await engine.links.next()).action == "UnlockConnector"


async def test_what_is_over_when_its_turn_comes_is_given_up_and_not_sent(engine: Engine) -> None:
    """The one before it was answered late."""
    await engine.queued("clear-cache")
    await engine.queued("get-configuration", MINUTE)
    engine.back()
    first = await engine.links.next()
    engine.scene.now += MINUTE
    first.confirm(status="Accepted")
    assert (await engine.until("task.expired"))["action"] == "GetConfiguration"
    assert engine.links.asked.empty()
    assert [event.data["action"] for event in engine.told if event.type == "task.created"] == ["ClearCache"]


async def test_what_is_over_when_its_turn_comes_is_given_up_without_delay(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only when the queue looks at everything again."""
    monkeypatch.setattr("csmsd.operations.queue._LONGEST_SLEEP_SECONDS", HOUR)
    await engine.queued("clear-cache")
    await engine.queued("get-configuration", MINUTE)
    engine.back()
    first = await engine.links.next()
    engine.scene.now += MINUTE
    first.confirm(status="Accepted")
    assert (await engine.until("task.expired"))["action"] == "GetConfiguration"


async def test_its_time_may_run_out_while_it_waits_for_other_calls(engine: Engine) -> None:
    await engine.queued("clear-cache", ttl=20)
    engine.links.busy = True
    engine.back()
    await engine.links.next()
    engine.scene.now += 20
    assert (await engine.until("task.expired"))["action"] == "ClearCache"
    assert engine.rows("SELECT state, outcome FROM task") == [("expired", "not_sent")]
    assert engine.rows("SELECT * FROM queued_command") == []


async def test_one_that_is_cancelled_while_it_waits_for_other_calls_is_over(engine: Engine) -> None:
    number = await engine.queued("clear-cache")
    engine.links.busy = True
    engine.back()
    await engine.links.next()
    assert await engine.queue.cancel(number, "ben")
    assert (await engine.until("task.delivered"))["outcome"] == "not_sent"
    assert engine.rows("SELECT state, outcome FROM task") == [("cancelled", "not_sent")]
    assert engine.rows("SELECT * FROM queued_command") == []
    assert not engine.queue.waits(number)
    assert await engine.stays_unasked()


async def test_its_time_may_run_out_while_it_is_recorded(engine: Engine) -> None:
    await engine.queued("clear-cache", MINUTE)

    def late(event: object) -> None:
        engine.scene.now += MINUTE

    end = engine.bus.subscribe(late, ("task.created",))
    engine.back()
    await engine.until("task.expired")
    end()
    assert engine.links.asked.empty()
    assert engine.rows("SELECT state FROM task") == [("expired",)]


async def test_one_that_went_away_at_that_moment_gets_it_when_it_is_back(engine: Engine) -> None:
    await engine.queued("clear-cache")
    engine.back()
    (await engine.links.next()).comes_to("not_connected", error="the connection was lost")
    engine.links.away.add("cp1")
    while engine.rows("SELECT state FROM task") != [("queued",)]:
        await engine.until_idle()
    assert engine.rows("SELECT task FROM queued_command") == [(1,)]
    engine.back()
    (await engine.links.next()).confirm(status="Accepted")
    await engine.until("task.delivered")
    assert engine.rows("SELECT id, state, outcome FROM task") == [(1, "settled", "accepted")]


async def test_of_several_requests_the_rest_are_parts_and_the_row_goes_with_the_last(engine: Engine) -> None:
    await engine.queued("change-configuration", set=["A=1", "B=2"])
    engine.back()
    (await engine.links.next()).confirm(status="Accepted")
    last = await engine.links.next()
    assert engine.rows("SELECT task FROM queued_command") == [(1,)]
    last.confirm(status="Rejected")
    assert await engine.until("task.delivered") == {
        "task": 1, "action": "ChangeConfiguration", "outcome": "rejected", "tasks": [1, 2],
    }  # fmt: skip
    assert engine.rows("SELECT id, part_of FROM task") == [(1, None), (2, 1)]
    assert engine.rows("SELECT * FROM queued_command") == []


async def test_it_is_over_although_its_row_cannot_be_taken_away(engine: Engine) -> None:
    """After a restart it is told that its end is not known; it is never sent again."""
    await engine.queued("change-configuration", set=["A=1", "B=2"])
    engine.back()
    (await engine.links.next()).confirm(status="Accepted")
    last = await engine.links.next()
    engine.refuse("DELETE ON queued_command")
    last.confirm(status="Accepted")
    assert (await engine.until("task.delivered"))["tasks"] == [1, 2]
    assert len(engine.queue) == 0
    assert engine.rows("SELECT task FROM queued_command") == [(1,)]


async def test_what_is_refused_when_its_turn_comes_is_over_and_says_why(engine: Engine) -> None:
    number = engine.scene.start().payload["transactionId"]
    task = await engine.queued("remote-stop", transaction=number)
    engine.scene.stop(number)
    engine.back()
    assert await engine.until("task.settled") == {
        "task": task, "action": "RemoteStopTransaction", "outcome": "not_sent", "status": None,
    }  # fmt: skip
    assert engine.rows("SELECT state, outcome, error FROM task") == [
        ("settled", "not_sent", f"transaction {number} is stopped already")
    ]
    assert engine.links.asked.empty()


async def test_what_it_named_may_be_gone_by_then(engine: Engine) -> None:
    engine.scene.start()
    await engine.queued("remote-stop", connector=1)
    engine.scene.stop(engine.cp.transactions.active()[0].id)
    engine.back()
    await engine.until("task.settled")
    ((error,),) = engine.rows("SELECT error FROM task")
    assert error.startswith("No transaction runs on connector 1 of CP1")


async def test_a_command_of_another_version_is_over(engine: Engine) -> None:
    number = await engine.queued("clear-cache")
    change(engine, number, command="telepathy")
    engine.back()
    await engine.until("task.settled")
    assert engine.rows("SELECT state, outcome, error FROM task") == [("settled", "not_sent", "No command telepathy.")]


async def test_a_fault_of_ours_ends_it_and_holds_nothing_up(engine: Engine) -> None:
    number = await engine.queued("clear-cache")
    await engine.queued("get-configuration")
    change(engine, number, command="call", parameters=json.dumps({"payload": {}}))
    engine.back()
    await engine.until("task.settled")
    assert engine.rows("SELECT error FROM task WHERE id = 1") == [("internal error: 'action'",)]
    assert (await engine.links.next()).action == "GetConfiguration"


async def test_what_cannot_be_ended_on_disk_waits_on(engine: Engine) -> None:
    number = await engine.queued("clear-cache")
    change(engine, number, command="telepathy")
    engine.refuse("DELETE ON queued_command")
    before = engine.live.site
    engine.back()
    while engine.live.site is before:
        await engine.until_idle()
    assert engine.queue.waits(number)
    engine.allow()
    engine.queue.ready()
    await engine.until("task.settled")
    assert not engine.queue.waits(number)


async def test_who_gave_what_cannot_be_ended_on_disk_is_told_that_it_waits(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    transaction = engine.scene.started()
    await engine.store(transaction)
    before_it = engine.enqueue("clear-cache")
    asked = await engine.links.next()
    running = engine.enqueue("remote-stop", transaction=transaction.id)
    await engine.until("task.queued")
    await engine.until("task.queued")
    engine.scene.stop(transaction)
    await engine.store(transaction)
    engine.refuse("DELETE ON queued_command")
    asked.confirm(status="Accepted")
    await before_it
    (result,) = await asyncio.wait_for(running, 30)
    assert result.outcome == "queued"
    assert "could not be worked off" not in caplog.text


async def test_what_has_nothing_to_send_any_more_is_over(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(operation: ClearCache, target: Target) -> Steps:
        yield from ()

    await engine.queued("clear-cache")
    monkeypatch.setattr(ClearCache, "steps", nothing)
    engine.back()
    await engine.until("task.settled")
    assert engine.rows("SELECT state, outcome, error FROM task") == [("settled", "not_sent", "nothing was to be sent")]


async def test_while_csmsd_stops_nothing_is_begun(engine: Engine) -> None:
    await engine.queued("clear-cache")
    engine.runner.draining = True
    engine.back()
    await engine.until_idle()
    assert engine.links.asked.empty()
    assert engine.queue.waits(1)


async def test_what_is_only_not_possible_now_waits_on(engine: Engine) -> None:
    engine.live.site.firmware.hosting = Hosting({"http": Host(9080, "csms")}, lambda: "t" * 32)
    number = await engine.queued("get-diagnostics")
    later = await engine.queued("clear-cache")
    tried = asyncio.Event()

    async def refuse(protocol: Protocol) -> str | None:
        tried.set()
        raise OSError("address in use")

    async def open_host(protocol: Protocol) -> str | None:
        return None

    engine.runner.open_host = refuse
    engine.back()
    await asyncio.wait_for(tried.wait(), 30)
    engine.runner.open_host = open_host
    while engine.queue.waits(number) and engine.links.asked.empty():
        engine.queue.ready()
        await engine.until_idle()
    assert engine.rows("SELECT state, error FROM task") == [("recorded", None), ("queued", None)]
    assert engine.queue.waits(later)  # it does not overtake
    assert (await engine.links.next()).action == "GetDiagnostics"
    assert engine.links.asked.empty()


async def test_what_is_being_cancelled_is_not_sent(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its charge point comes back while that is on its way to the disk."""
    number = await engine.queued("clear-cache")
    held: list[tuple[Sequence[Change], Done]] = []
    monkeypatch.setattr(engine.writer, "submit", lambda changes, done: held.append((changes, done)))
    cancelling = asyncio.create_task(engine.queue.cancel(number, "ben"))
    await asyncio.sleep(0)
    monkeypatch.undo()
    engine.back()
    unasked = await engine.stays_unasked()
    engine.writer.submit(*held.pop())
    assert await cancelling
    assert unasked
    assert engine.rows(f"SELECT state FROM task WHERE id = {number}") == [("cancelled",)]
