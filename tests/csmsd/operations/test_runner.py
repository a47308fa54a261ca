"""A command is checked, recorded, sent and settled; what stands in its way is said."""

import asyncio
from typing import Any

import pytest

from csmsd.operations.call import Call, RawRequest
from csmsd.operations.options import Options
from csmsd.operations.result import Obstacle, Result
from csmsd.profiles.action import Target
from csmsd.profiles.core.clear_cache import ClearCacheReq
from csmsd.profiles.firmware_management.hosting import Host, Hosting, Protocol
from tests.csmsd.operations.engine import Engine
from tests.csmsd.profiles.scene import SECOND

MINUTE = 60 * SECOND


def only(results: list[Result]) -> Result:
    (result,) = results
    return result


async def test_it_is_recorded_before_it_leaves_and_settled_after(engine: Engine) -> None:
    running = engine.run("reset", type="Soft")
    asked = await engine.links.next()
    assert engine.rows("SELECT id, user, uid, action, request, state, outcome FROM task") == [
        (1, "ann", 1000, "Reset", '{"type":"Soft"}', "recorded", None)
    ]
    assert list(engine.runner.under_way) == [1]
    asked.confirm(status="Rejected")
    assert only(await running) == Result(
        charge_point="CP1",
        action="Reset",
        outcome="rejected",
        status="Rejected",
        request={"type": "Soft"},
        response={"status": "Rejected"},
        duration_ms=7,
        task=1,
    )
    assert engine.rows("SELECT state, outcome, status, response FROM task") == [
        ("settled", "rejected", "Rejected", '{"status":"Rejected"}')
    ]
    assert engine.types("task.") == ["task.created", "task.settled"]
    assert engine.runner.under_way == {}
    assert engine.runner.outcomes == {("Reset", "rejected"): 1}


async def test_several_requests_go_one_after_the_other_until_one_is_not_answered(engine: Engine) -> None:
    running = engine.run("change-configuration", set=["A=1", "B=2", "C=3"])
    (await engine.links.next()).confirm(status="Rejected")  # an answer all the same
    (await engine.links.next()).comes_to("timeout", error="no answer within 30 s", duration_ms=30_000)
    results = await running
    assert [(result.request["key"], result.outcome) for result in results] == [("A", "rejected"), ("B", "timeout")]
    assert engine.links.asked.empty()


async def test_what_makes_no_sense_or_names_what_is_not_there_is_not_sent(engine: Engine) -> None:
    senseless = only(await engine.run("change-configuration", set=["A"]))
    assert (senseless.action, senseless.obstacle) == (None, Obstacle.SENSELESS)
    assert "KEY=VALUE" in (senseless.error or "")
    nothing = only(await engine.run("remote-stop"))
    assert (nothing.action, nothing.outcome, nothing.obstacle) == (None, "not_sent", Obstacle.NOT_THERE)
    assert engine.rows("SELECT * FROM task") == []


async def test_an_objection_holds_unless_it_is_forced(engine: Engine) -> None:
    engine.cp.record.boot_status = "Rejected"
    refused = only(await engine.run("clear-cache"))
    assert (refused.obstacle, refused.request) == (Obstacle.OBJECTION, {})
    assert "--force" not in (refused.error or "")  # how csmsctl spells it is not said here
    running = engine.run("clear-cache", options={"force": True})
    (await engine.links.next()).confirm(status="Accepted")
    assert only(await running).outcome == "accepted"


@pytest.mark.parametrize(
    ("payload", "sent"),
    [({"connectorId": 1}, False), ({"connectorId": 2}, True), ({"connectorId": 0}, False), ({}, False)],
)
async def test_a_transaction_is_not_disturbed_where_that_is_wanted(
    engine: Engine, payload: dict[str, Any], sent: bool
) -> None:
    number = engine.scene.start().payload["transactionId"]
    raw = {"action": "Vendor", "payload": payload}
    running = engine.run("call", options={"force": True, "unless_transaction": True}, **raw)
    if sent:
        (await engine.links.next()).confirm()
        assert only(await running).outcome == "accepted"
    else:
        held = only(await running)
        assert (held.obstacle, held.error) == (
            Obstacle.TRANSACTION,
            f"transaction {number} is active on connector 1",
        )


async def test_nothing_is_begun_while_csmsd_stops_and_a_dry_run_still_tells(engine: Engine) -> None:
    engine.runner.draining = True
    assert only(await engine.run("clear-cache")).obstacle is Obstacle.STOPPING
    assert only(await engine.run("clear-cache", options={"force": True})).obstacle is Obstacle.STOPPING
    planned = only(await engine.run("reset", type="Hard", options={"dry_run": True}))
    assert planned == Result(charge_point="CP1", action="Reset", outcome="not_sent", request={"type": "Hard"})
    assert engine.links.asked.empty()
    assert engine.rows("SELECT * FROM task") == []


async def test_silence_counts_from_its_first_call_until_one_is_answered(engine: Engine) -> None:
    first = engine.scene.now
    for minute in range(2):
        engine.scene.now = first + minute * MINUTE
        running = engine.run("clear-cache")
        (await engine.links.next()).comes_to("timeout", duration_ms=30_000)
        assert only(await running).outcome == "timeout"
        assert engine.cp.unanswered_since == first
    running = engine.run("clear-cache")
    (await engine.links.next()).comes_to("unknown", error="the connection was lost")
    await running
    assert engine.cp.unanswered_since == first  # a lost connection tells nothing of it
    running = engine.run("clear-cache")
    (await engine.links.next()).comes_to("call_error", error="NotSupported")
    await running
    assert engine.cp.unanswered_since is None


async def test_one_that_waits_for_others_can_be_withdrawn_and_one_that_was_sent_cannot(engine: Engine) -> None:
    engine.links.busy = True
    running = engine.run("clear-cache")
    await engine.links.next()
    assert not engine.runner.cancel(2)
    assert engine.runner.cancel(1)
    assert only(await running).outcome == "not_sent"
    assert engine.rows("SELECT state, outcome FROM task") == [("cancelled", "not_sent")]

    engine.links.busy = False
    running = engine.run("clear-cache")
    asked = await engine.links.next()
    assert not engine.runner.cancel(2)
    asked.confirm(status="Accepted")
    assert only(await running).outcome == "accepted"
    assert not engine.runner.cancel(2)
    assert engine.rows("SELECT state FROM task WHERE id = 2") == [("settled",)]


async def test_a_disk_that_refuses_keeps_nobody_from_a_command_and_its_news_is_told(engine: Engine) -> None:
    """What matters is that a transaction can be stopped."""
    number = engine.scene.start().payload["transactionId"]
    engine.refuse("INSERT ON task")
    running = engine.run("remote-stop", transaction=number)
    (await engine.links.next()).confirm(status="Accepted")
    assert only(await running).outcome == "accepted"
    assert engine.types("task.") == ["task.created", "task.settled"]
    assert engine.rows("SELECT * FROM task") == []


async def test_what_cannot_be_stored_changes_nothing_in_memory(engine: Engine) -> None:
    running = engine.run("change-configuration", set=["HeartbeatInterval=60"])
    asked = await engine.links.next()
    await engine.writer.close()
    asked.confirm(status="Accepted")
    assert only(await running).outcome == "accepted"
    assert engine.cp.configuration == {}


async def test_what_has_to_be_followed_is_not_sent_unrecorded(engine: Engine) -> None:
    fields = {"location": "ftp://h/f", "retrieve_date": "2026-03-01T12:00:00Z"}
    engine.refuse("INSERT ON task")
    result = only(await engine.run("update-firmware", **fields))
    assert (result.obstacle, result.error) == (
        Obstacle.NOT_RECORDED,
        "it could not be recorded, so it was not sent",
    )
    assert engine.types("task.") == engine.types("firmware.") == []
    await engine.writer.flush()
    assert engine.live.site.firmware.updates.current("CP1") is None  # memory is as the disk is
    engine.allow()
    await engine.writer.close()  # nothing can be stored any more
    assert only(await engine.run("update-firmware", **fields)).obstacle is Obstacle.NOT_RECORDED
    assert engine.live.site.firmware.updates.current("CP1") is None


async def test_a_file_host_is_opened_before_a_charge_point_is_sent_there(engine: Engine) -> None:
    engine.live.site.firmware.hosting = Hosting({"http": Host(9080, "csms")}, lambda: "t" * 32)
    engine.cp.record.boot_status = "Accepted"
    opened: list[str] = []

    async def refuse(protocol: Protocol) -> str | None:
        raise OSError("address in use")

    async def stop(protocol: Protocol) -> str | None:
        engine.runner.draining = True
        return None

    async def note(protocol: Protocol) -> str | None:
        opened.append(protocol)
        return "opened"

    engine.runner.open_host = refuse
    result = only(await engine.run("get-diagnostics"))
    assert (result.obstacle, result.error) == (Obstacle.NO_FILE_HOST, "address in use")
    engine.runner.open_host = stop
    assert only(await engine.run("get-diagnostics")).obstacle is Obstacle.STOPPING
    engine.runner.draining = False
    engine.runner.open_host = note
    running = engine.run("get-diagnostics")
    (await engine.links.next()).confirm(fileName="d.zip")
    assert only(await running).note == "opened"
    assert opened == ["http"]
    engine.links.away.add("cp1")
    assert only(await engine.run("get-diagnostics", options={"force": True})).outcome == "not_connected"
    assert opened == ["http"]


async def test_the_results_are_reported_one_by_one_and_nothing_follows_when_that_is_wanted(engine: Engine) -> None:
    reported: list[Result] = []

    def steps(target: Target) -> Any:
        yield ClearCacheReq()
        yield RawRequest("Vendor", b"{}")

    options = Options(timeout=1.0, stopped=lambda: bool(reported))
    running = asyncio.create_task(engine.runner.run_for(engine.cp, steps, options, reported.append))
    (await engine.links.next()).confirm(status="Accepted")
    assert await running == reported
    assert [result.action for result in reported] == ["ClearCache"]


async def test_why_it_has_no_effect_yet_is_a_note_and_why_it_was_refused_an_error(engine: Engine) -> None:
    engine.scene.started()
    scheduled = "when transaction 1 has ended"
    running = engine.run("change-availability", connector=1, type="Inoperative")
    (await engine.links.next()).confirm(status="Scheduled")
    result = only(await running)
    assert (result.outcome, result.note, result.error) == ("accepted", scheduled, None)
    running = engine.run("reset", type="Soft")
    (await engine.links.next()).confirm(status="Rejected")
    result = only(await running)
    assert (result.outcome, result.note) == ("rejected", None)
    assert "transaction 1 runs" in (result.error or "")
    assert engine.rows("SELECT error FROM task") == [(None,), (result.error,)]


async def test_a_mistake_in_the_explanation_loses_no_answer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explain(self: Call, end: object, target: object) -> str:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(Call, "why", explain)
    running = engine.run("reset", type="Soft")
    (await engine.links.next()).confirm(status="Rejected")
    result = only(await running)
    assert (result.outcome, result.status, result.error) == ("rejected", "Rejected", None)
    assert engine.rows("SELECT state, outcome FROM task") == [("settled", "rejected")]
    assert "the answer to Reset cannot be explained" in caplog.text
