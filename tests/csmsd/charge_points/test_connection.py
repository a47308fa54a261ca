"""One connection under odd conditions: CALLs in both directions at once, silence, repetition, garbage."""

import asyncio
import json
from contextlib import suppress
from time import monotonic
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.plain_websocket import handshake
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Ended, Site
from tests.support.websocket_frames import PING, masked

START = {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 0, "timestamp": "2026-03-01T12:00:00.000Z"}


def command(site: Site, *arguments: str) -> "asyncio.Task[Ended]":
    """A csmsctl that waits for its answer while the test goes on."""
    return asyncio.create_task(site.csmsctl("--json", *arguments))


async def deviations(site: Site, identity: str = "CP1") -> dict[tuple[str, str, str], int]:
    """What `cp show` counts."""
    shown = (await site.json("cp", "show", identity))["charge_points"][0]
    return {(known["action"], known["field"], known["kind"]): known["count"] for known in shown["deviations"]}


async def test_one_call_at_a_time_while_its_own_are_answered(site: Site) -> None:
    charge_point = await site.raw("CP1")
    watcher = await site.watch("task.created")
    first = command(site, "clear-cache", "CP1")
    request = await charge_point.asked("ClearCache")
    second = command(site, "reset", "CP1", "--type", "soft")
    await watcher.event("task.created")
    await watcher.event("task.created")

    assert (await charge_point.heartbeat())[0] == 3
    assert (await charge_point.ask("StartTransaction", START))[0] == 3
    assert charge_point.calls.empty(), "a second CALL before the first one is answered (J 4.1.1)"

    await charge_point.answer(request, {"status": "Accepted"})
    await charge_point.answer(await charge_point.asked("Reset"), {"status": "Accepted"})
    assert [(await first).code, (await second).code] == [0, 0]


async def test_one_charge_point_does_not_wait_for_another(site: Site) -> None:
    silent = await site.raw("CP1")
    quick = await site.charge_point("CP2")
    waiting = command(site, "clear-cache", "CP1")
    request = await silent.asked("ClearCache")
    assert (await site.csmsctl("clear-cache", "CP2")).code == 0
    await quick.request("ClearCache")
    await silent.answer(request, {"status": "Accepted"})
    assert (await waiting).code == 0


async def test_silence_times_out_and_the_late_reply_is_dropped(site: Site) -> None:
    charge_point = await site.raw("CP1")
    ended = await site.csmsctl("--json", "--timeout", "0.5", "clear-cache", "CP1")
    assert ended.code == 8
    assert ended.json["results"][0]["outcome"] == "timeout"
    late = await charge_point.asked("ClearCache")

    running = command(site, "reset", "CP1", "--type", "soft")
    request = await charge_point.asked("Reset")
    await charge_point.answer(late, {"status": "Accepted"})
    await charge_point.answer(request, {"status": "Rejected"})
    assert (await running).json["results"][0]["status"] == "Rejected"

    tasks = (await site.json("task", "list"))["tasks"]
    assert [(task["action"], task["outcome"]) for task in tasks] == [("Reset", "rejected"), ("ClearCache", "timeout")]
    assert (await deviations(site))[("message", "frame", "late_reply")] == 1


async def test_an_answer_that_was_not_asked_for_is_dropped(site: Site) -> None:
    charge_point = await site.raw("CP1")
    await charge_point.frame(3, "never-sent", {"status": "Accepted"})
    await charge_point.frame(4, "never-sent", "GenericError", "", {})
    await charge_point.heartbeat()
    assert (await deviations(site))[("message", "frame", "unexpected_reply")] == 2


async def test_a_call_is_held_until_the_boot_is_answered(site: Site) -> None:
    charge_point = await site.raw("CP1")
    await charge_point.disconnect()
    again = await site.raw("CP1", register=False, boot=False)
    watcher = await site.watch("task.created")
    waiting = command(site, "reset", "CP1", "--type", "soft")
    await watcher.event("task.created")
    await again.heartbeat()
    await again.boot()
    request = await again.asked("Reset")
    assert [frame[0] for frame in again.wire.frames] == [3, 3, 2]
    assert again.wire.frames.index(request) == len(again.wire.frames) - 1
    await again.answer(request, {"status": "Accepted"})
    assert (await waiting).code == 0


async def test_after_a_silent_reconnect_a_call_is_held_for_the_configured_time(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"hold_after_reconnect": 0.8}})
    await (await site.raw("CP1")).disconnect()
    begun = monotonic()
    again = await site.raw("CP1", register=False, boot=False)
    waiting = command(site, "reset", "CP1", "--type", "soft")
    request = await again.asked("Reset")
    assert monotonic() - begun >= 0.8
    await again.answer(request, {"status": "Accepted"})
    assert (await waiting).code == 0


async def test_a_repeated_call_gets_the_answer_of_the_first(site: Site) -> None:
    charge_point = await site.raw("CP1")
    first = await charge_point.ask("StartTransaction", START, unique_id="same")
    second = await charge_point.ask("StartTransaction", START, unique_id="same")
    assert second == first
    assert (await deviations(site))[("message", "frame", "repeated_call")] == 1


async def test_a_start_under_another_id_is_the_same_transaction(site: Site) -> None:
    charge_point = await site.raw("CP1")
    first = await charge_point.ask("StartTransaction", START)
    second = await charge_point.ask("StartTransaction", START)
    assert second[2] == first[2]
    assert second[1] != first[1]
    assert len((await site.json("tx", "list"))["transactions"]) == 1


async def test_an_id_is_echoed_as_it_came(site: Site) -> None:
    charge_point = await site.raw("CP1")
    for unique_id in (17, "", "x" * 40):
        assert (await charge_point.ask("Heartbeat", unique_id=unique_id))[1] == unique_id


async def test_garbage_is_counted_and_survived(site: Site) -> None:
    charge_point = await site.raw("CP1")
    for text in ("", "   ", "nonsense", '[2,"1","Heart', "{}", "[]", "[9]", '[9,"1",{}]', "null", '"2"', "[2,[],{}]"):
        await charge_point.send(text)
    assert (await charge_point.heartbeat())[0] == 3
    counted = await deviations(site)
    assert counted[("message", "frame", "not_json")] == 2
    assert counted[("message", "frame", "unknown_message_type")] == 2
    assert counted[("message", "frame", "not_a_frame")] == 4
    assert counted[("message", "frame", "bad_unique_id")] == 1
    shown = (await site.csmsctl("cp", "show", "CP1")).out
    assert "not_json" in shown


async def test_counters_outlive_a_restart(site: Site) -> None:
    charge_point = await site.raw("CP1")
    await charge_point.send("nonsense")
    await charge_point.heartbeat()
    await charge_point.disconnect()
    assert await site.stop() == 0
    await site.start()
    assert (await deviations(site))[("message", "frame", "not_json")] == 1


async def test_one_that_sends_little_but_garbage_is_cut(site: Site) -> None:
    charge_point = await site.raw("CP1")
    for _ in range(61):
        await charge_point.send("garbage")
    assert (await charge_point.closed())[0] == 1008


async def test_hostile_payloads_are_answered_or_dropped(site: Site) -> None:
    charge_point = await site.raw("CP1")
    deep = "[" * 100_000 + "]" * 100_000
    await charge_point.send(deep)
    for text in (
        '[2,"h1","DataTransfer",{"vendorId":"x","data":"\\ud800"}]',
        '[2,"h2","DataTransfer",{"vendorId":"x","data":' + "[" * 2000 + "]" * 2000 + "}]",
        '[2,"h3","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":' + "9" * 40 + ',"timestamp":"x"}]',
        '[2,"h4","MeterValues",{"connectorId":99999999999999999999,"meterValue":[]}]',
        '[2,"h5","StatusNotification",{"connectorId":1e400,"errorCode":"NoError","status":"Available"}]',
        '[2,"h6","BootNotification",{"chargePointVendor":"\\u001b[31m[bold]","chargePointModel":"\\u0000"}]',
    ):
        await charge_point.send(text)
    for unique_id in ("h3", "h4", "h5", "h6"):
        await charge_point.answer_to(unique_id)
    assert (await charge_point.heartbeat())[0] == 3
    shown = await site.csmsctl("cp", "show", "CP1")
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert (await site.json("log", "CP1"))["messages"]


async def test_codes_of_refusals(site: Site) -> None:
    charge_point = await site.raw("CP1")
    for action, payload, code in (
        ("NoSuchAction", {}, "NotImplemented"),
        ("Reset", {"type": "Soft"}, "NotSupported"),
        ("Authorize", {"idTag": ["A"]}, "TypeConstraintViolation"),
        (
            "StatusNotification",
            {"connectorId": "one", "errorCode": "NoError", "status": "Available"},
            "TypeConstraintViolation",
        ),
    ):
        answer = await charge_point.ask(action, payload)
        assert answer[:1] + answer[2:3] == [4, code], action


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({}, "unreadable answer: OccurenceConstraintViolation: status"),
        ({"status": ["Accepted"]}, "unreadable answer: TypeConstraintViolation: status"),
        ([], "unreadable answer: FormationViolation: payload"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_none(site: Site, answer: object, why: str) -> None:
    """Whether it was carried out is not known; the payload is there to be looked at, and the connection goes on."""
    charge_point = await site.raw("CP1")
    running = command(site, "reset", "CP1", "--type", "soft")
    await charge_point.answer(await charge_point.asked("Reset"), answer)
    ended = await running
    (result,) = ended.json["results"]
    assert (ended.code, result["outcome"], result["response"]) == (7, "call_error", answer)
    assert result["error"].startswith(why)
    await site.asked_nothing(charge_point)


async def test_an_odd_answer_is_read_and_counted(site: Site) -> None:
    charge_point = await site.raw("CP1")
    running = command(site, "reset", "CP1", "--type", "soft")
    await charge_point.answer(await charge_point.asked("Reset"), {"status": "Accepted", "more": 1})
    assert (await running).code == 0
    assert (await deviations(site))[("Reset.conf", "more", "unknown_field")] == 1


async def test_a_null_payload_is_an_empty_one(site: Site) -> None:
    charge_point = await site.raw("CP1")
    await charge_point.send('[2,"n1","Heartbeat",null]')
    assert (await charge_point.answer_to("n1"))[0] == 3


async def test_strict_refuses_what_is_tolerated_otherwise(site: Site) -> None:
    charge_point = await site.raw("CP1")
    odd: dict[str, dict[str, Any]] = {
        "StatusNotification": {"connectorId": "1", "errorCode": "NoError", "status": "Available"},
        "Authorize": {"idTag": "A", "vendorField": 1},
        "MeterValues": {
            "connectorId": 1,
            "meterValue": [{"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [{"value": 7}]}],
        },
    }
    for action, payload in odd.items():
        assert (await charge_point.ask(action, payload))[0] == 3, action
    tolerated = await deviations(site)
    assert {action for action, _, _ in tolerated} == set(odd)

    assert (await site.csmsctl("cp", "set", "CP1", "--strict")).code == 0
    for action, payload in odd.items():
        answer = await charge_point.ask(action, payload)
        assert answer[0] == 4, action
    assert (await charge_point.ask("Authorize", {"idTag": "A"}))[0] == 3


async def test_a_message_that_is_too_long_ends_the_connection_only(make_site: MakeSite) -> None:
    site = await make_site({"server": {"max_message_bytes": 10_000}})
    charge_point = await site.raw("CP1")
    await charge_point.send(json.dumps([2, "1", "DataTransfer", {"vendorId": "x", "data": "y" * 10_000}]))
    assert (await charge_point.closed())[0] == 1009
    again = await site.raw("CP1", boot=False)
    await again.heartbeat()
    problems = (await site.json("status", "--problems"))["problems"]
    assert [problem["kind"] for problem in problems if problem["charge_point"] == "CP1"] == ["message_too_long"]


async def test_a_stop_may_be_longer_than_other_requests(site: Site) -> None:
    charge_point = await site.raw("CP1")
    begun = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}
    number = (await charge_point.ask("StartTransaction", begun))[2]["transactionId"]
    values = [
        {"timestamp": f"2026-03-01T12:{place // 60 % 60:02d}:{place % 60:02d}Z", "sampledValue": [{"value": "1"}]}
        for place in range(3000)
    ]
    refused = await charge_point.ask("MeterValues", {"connectorId": 1, "meterValue": values})
    assert (refused[0], refused[2], "131072" in refused[3]) == (4, "FormationViolation", True)
    (kept,) = (await site.json("tx", "orphans"))["orphans"]
    assert kept["reason"] == "refused: FormationViolation"
    stop = {"transactionId": number, "meterStop": 500, "timestamp": "2026-03-01T13:00:00Z", "transactionData": values}
    assert (await charge_point.ask("StopTransaction", stop))[0] == 3
    assert (await site.call("transaction.show", id=number))["state"] == "stopped"


async def test_a_peer_that_gives_no_sign_of_life_is_cut(make_site: MakeSite) -> None:
    site = await make_site({"server": {"ping_interval": 0.5, "ping_timeout": 0.5}})
    await site.register("CP1")
    watcher = await site.watch("charge_point.connected", "charge_point.disconnected")
    host, port = site.listen.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"GET /ocpp/CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    await watcher.event("charge_point.connected")
    ended = await watcher.event("charge_point.disconnected")  # nobody answers the ping
    assert "no sign of life" in ended["data"]["reason"]
    writer.close()


async def test_a_charge_point_that_vanishes_with_a_call_open_leaves_its_outcome_unknown(site: Site) -> None:
    charge_point = await site.raw("CP1")
    waiting = command(site, "reset", "CP1", "--type", "hard")
    await charge_point.asked("Reset")
    await charge_point.vanish()
    result = (await waiting).json["results"][0]
    assert result["outcome"] == "unknown"
    assert (await site.csmsctl("reset", "CP1", "--type", "hard")).code == 6


async def test_the_queue_has_an_end(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"call_queue": 1}})
    charge_point = await site.raw("CP1")
    watcher = await site.watch("task.created")
    first = command(site, "clear-cache", "CP1")
    request = await charge_point.asked("ClearCache")
    second = command(site, "clear-cache", "CP1")
    await watcher.event("task.created")
    await watcher.event("task.created")
    third = await command(site, "clear-cache", "CP1")
    assert third.json["results"][0]["outcome"] == "not_sent"
    assert third.code == 1
    await charge_point.answer(request, {"status": "Accepted"})
    await charge_point.answer(await charge_point.asked("ClearCache"), {"status": "Accepted"})
    assert [(await first).code, (await second).code] == [0, 0]


async def test_a_waiting_command_can_be_cancelled_and_a_sent_one_cannot(site: Site) -> None:
    charge_point = await site.raw("CP1")
    watcher = await site.watch("task.created")
    first = command(site, "clear-cache", "CP1")
    request = await charge_point.asked("ClearCache")
    sent = (await watcher.event("task.created"))["data"]["task"]
    second = command(site, "reset", "CP1", "--type", "soft")
    queued = (await watcher.event("task.created"))["data"]["task"]
    assert (await site.csmsctl("task", "cancel", str(sent))).code == 7
    assert (await site.csmsctl("task", "cancel", str(queued))).code == 0
    assert (await second).json["results"][0]["outcome"] == "not_sent"
    await charge_point.answer(request, {"status": "Accepted"})
    assert (await first).code == 0
    await site.asked_nothing(charge_point)


async def test_requests_beyond_the_limit_wait_their_turn(site: Site) -> None:
    """A backlog sent at once, more than csmsd takes at a time: all of it is answered, in any order."""
    charge_point = await site.raw("CP1")
    for number in range(200):
        reading = {"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [{"value": str(number)}]}
        await charge_point.frame(2, f"m{number}", "MeterValues", {"connectorId": 1, "meterValue": [reading]})
    for number in range(200):
        assert (await charge_point.answer_to(f"m{number}"))[0] == 3
    assert len(site.stored("SELECT id FROM meter_value")) == 200


async def test_behind_a_long_request_nothing_is_taken_before_it_is_answered(site: Site) -> None:
    """Of 1 MiB each, 32 of them would be too much."""
    charge_point = await site.raw("CP1")
    values = [{"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [{"value": "1" * 400}] * 20}] * 20
    stop = {"transactionId": 7, "meterStop": 5, "timestamp": "2026-03-01T13:00:00Z", "transactionData": values}
    for number in range(5):
        await charge_point.frame(2, f"long-{number}", "StopTransaction", stop | {"meterStop": number})
        await charge_point.frame(2, f"short-{number}", "Heartbeat", {})
    for number in range(5):
        assert (await charge_point.answer_to(f"short-{number}"))[0] == 3
    answered = [frame[1] for frame in charge_point.wire.frames if frame[1] != "cp-1"]
    assert answered == [f"{kind}-{number}" for number in range(5) for kind in ("long", "short")]


async def test_another_connection_is_not_needed_to_be_seen_as_offline(site: Site) -> None:
    watcher = await site.watch("charge_point.disconnected")
    charge_point = await site.raw("CP1")
    await charge_point.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
    await charge_point.vanish()
    gone = (await watcher.event("charge_point.disconnected"))["time"]
    shown = (await site.json("status", "CP1"))["charge_points"][0]
    assert (shown["connected"], shown["connectors"][0]["status"]) == (False, "Charging")
    assert shown["last_seen_at"] <= shown["offline_since"] <= gone
    assert shown["problems"][0]["since"] == shown["offline_since"]
    again = await RawChargePoint.connect(site.url("CP1"))
    assert (await site.json("status", "CP1"))["charge_points"][0]["connected"] is True
    await again.disconnect()


async def test_of_one_that_is_cut_since_it_reads_no_pong_the_reason_is_told(site: Site) -> None:
    await site.register("CP1")
    watcher = await site.watch("charge_point.disconnected")
    host, _, port = site.listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(handshake("CP1"))
    await reader.readuntil(b"\r\n\r\n")
    pings = masked(PING, bytes(125)) * 2_000
    with suppress(ConnectionError):
        for _ in range(200):
            writer.write(pings)
            await writer.drain()
    assert (await watcher.event("charge_point.disconnected"))["data"]["reason"] == "it does not read what it is sent"
    writer.close()
