"""The framing of the control socket: JSON-RPC 2.0, a JSON value a line (docs/control-protocol.md)."""

import asyncio
import json
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from csmsd.control.rights import Access
from csmsd.control.rpc import Caller, Json
from csmsd.control.socket_server import ControlServer
from csmsd.settings.sections import Door
from tests.support.control import MAX_LINE, ControlConnection, ControlError
from tests.support.site import Site


async def answer_to(control: ControlConnection, text: str | bytes) -> dict[str, object]:
    await control.line(text)
    answer = await control.receive()
    assert isinstance(answer, dict)
    assert answer["jsonrpc"] == "2.0"
    return answer


@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [
        ("nonsense", -32700, None),
        ('{"jsonrpc":"2.0","id":1,', -32700, None),
        (b"\xff\xfe", -32700, None),
        ("[" * 100_000, -32700, None),
        ("[]", -32600, None),
        ("17", -32600, None),
        ("null", -32600, None),
        ('{"jsonrpc":"2.0","id":1}', -32600, None),
        ('{"jsonrpc":"2.0","id":1,"method":7}', -32600, None),
        ('{"jsonrpc":"2.0","id":"seven","method":"no.such"}', -32601, "seven"),
        ('{"jsonrpc":"2.0","id":2,"method":"tag.show"}', -32602, 2),
        ('{"jsonrpc":"2.0","id":3,"method":"tag.show","params":{"id":1}}', -32602, 3),
        ('{"jsonrpc":"2.0","id":3,"method":"tag.show","params":["A"]}', -32602, 3),
        ('{"jsonrpc":"2.0","id":4,"method":"tag.show","params":{"id":"A","more":1}}', -32602, 4),
        ('{"jsonrpc":"2.0","id":5,"method":"tag.show","params":{"id":"A"}}', 3, 5),
        ('{"jsonrpc":"2.0","id":6,"method":"tag.add","params":{"id":"  "}}', 2, 6),
        ('{"jsonrpc":"2.0","id":7,"method":"transaction.show","params":{"id":99999999999999999999}}', None, 7),
        ('{"jsonrpc":"2.0","id":8,"method":"transaction.list","params":{"since":"never"}}', 2, 8),
        ('{"jsonrpc":"2.0","id":9,"method":"tag.add","params":{"id":"\\ud800"}}', -32602, 9),
        ('{"jsonrpc":"2.0","id":10,"method":"tag.add","params":{"id":"A","note":["\\uDFFF"]}}', -32602, 10),
        ('{"jsonrpc":"2.0","id":11,"method":"log.messages\\uDC00","params":{}}', -32602, 11),
        (json.dumps([{"jsonrpc": "2.0", "id": 12, "method": "tag.list"}] * 1001), -32600, None),
    ],
)
async def test_an_error_has_its_code_and_the_connection_lives(
    shared_site: Site, line: str | bytes, code: int | None, request_id: object
) -> None:
    control = await ControlConnection.open(shared_site.socket)
    answer = await answer_to(control, line)
    error = answer["error"]
    assert isinstance(error, dict)
    assert error["message"]
    assert answer["id"] == request_id
    assert code is None or error["code"] == code
    assert error["code"] != -32603
    assert (await control.call("daemon.info"))["protocol"] == 1
    await control.close()


async def test_blank_lines_are_nothing(site: Site) -> None:
    control = await site.control()
    await control.line("")
    await control.line("   ")
    assert (await control.call("status"))["schema_version"] == 1


async def test_null_parameters_are_none(site: Site) -> None:
    control = await site.control()
    assert "result" in await answer_to(control, '{"jsonrpc":"2.0","id":1,"method":"status","params":null}')


async def test_a_notification_is_carried_out_and_not_answered(site: Site) -> None:
    control = await site.control()
    watcher = await site.watch("tag.changed")
    await control.line('{"jsonrpc":"2.0","method":"tag.add","params":{"id":"A1B2C3"}}')
    await control.line('{"jsonrpc":"2.0","method":"no.such"}')
    await watcher.event("tag.changed")
    assert (await answer_to(control, '{"jsonrpc":"2.0","id":1,"method":"tag.list"}'))["id"] == 1


async def test_a_batch_is_answered_as_one(site: Site) -> None:
    control = await site.control()
    await control.line(
        json.dumps(
            [
                {"jsonrpc": "2.0", "id": 1, "method": "tag.add", "params": {"id": "A"}},
                {"jsonrpc": "2.0", "method": "tag.add", "params": {"id": "B"}},
                {"jsonrpc": "2.0", "id": 2, "method": "no.such"},
                17,
            ]
        )
    )
    answers = await control.receive()
    assert [answer["id"] for answer in answers] == [1, 2, None]
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32601, -32600]
    assert {tag["id"] for tag in (await control.call("tag.list"))["tags"]} == {"A", "B"}


async def test_a_batch_of_notifications_is_not_answered(site: Site) -> None:
    control = await site.control()
    await control.line('[{"jsonrpc":"2.0","method":"status"}]')
    assert (await answer_to(control, '{"jsonrpc":"2.0","id":1,"method":"status"}'))["id"] == 1


async def test_a_line_may_have_eight_mebibytes(site: Site) -> None:
    control = await site.control()
    request = {"jsonrpc": "2.0", "id": 1, "method": "tag.add", "params": {"id": "A", "note": ""}}
    room = MAX_LINE - len(json.dumps(request)) - 1
    request["params"] = {"id": "A", "note": "x" * room}
    line = json.dumps(request)
    assert len(line) + 1 == MAX_LINE
    assert "result" in await answer_to(control, line)


async def test_a_longer_line_is_refused_and_the_connection_closed(site: Site) -> None:
    control = await ControlConnection.open(site.socket)
    sending = asyncio.create_task(control.line("x" * (MAX_LINE + 1)))
    answer = await control.receive()
    assert answer["error"]["code"] == -32600
    assert str(MAX_LINE) in answer["error"]["message"]
    await asyncio.gather(sending, return_exceptions=True)
    with suppress(ConnectionError):
        assert await control.receive() is None
    await control.close()
    assert (await site.csmsctl("status")).code == 0


async def test_who_closes_his_side_is_still_answered(site: Site) -> None:
    control = await site.control()
    control.writer.write(b'{"jsonrpc":"2.0","id":1,"method":"status"}')  # without an end of line, as `echo -n` has it
    control.writer.write_eof()
    assert (await control.receive())["id"] == 1
    assert await control.receive() is None


async def test_answers_come_as_they_are_ready(site: Site) -> None:
    charge_point = await site.raw("CP1")
    control = await site.control()
    slow = {"command": "clear-cache", "targets": ["CP1"]}
    await control.line(json.dumps({"jsonrpc": "2.0", "id": "slow", "method": "operation.run", "params": slow}))
    request = await charge_point.asked("ClearCache")
    assert (await answer_to(control, '{"jsonrpc":"2.0","id":"quick","method":"status"}'))["id"] == "quick"
    await charge_point.answer(request, {"status": "Accepted"})
    progress = await control.receive()
    assert (progress["method"], progress["params"]["request"], progress["params"]["done"]) == (
        "operation.result",
        "slow",
        1,
    )
    assert (await control.receive())["id"] == "slow"


async def test_a_subscription_ends_when_it_is_told_to(site: Site) -> None:
    control = await site.control()
    subscription = (await control.call("event.subscribe", types=["tag.changed"]))["subscription"]
    await site.call("tag.add", id="A")
    await control.event("tag.changed")
    assert await control.call("unsubscribe", subscription=subscription) == {}
    await site.call("tag.add", id="B")
    assert (await control.call("tag.show", id="B"))["id"] == "B"  # nothing came between
    with pytest.raises(ControlError) as caught:
        await control.call("unsubscribe", subscription=subscription)
    assert caught.value.code == 2


async def test_a_character_in_two_escapes_is_one(site: Site) -> None:
    control = await site.control()
    line = '{"jsonrpc":"2.0","id":1,"method":"tag.add","params":{"id":"A","note":"\\ud83d\\ude97"}}'
    assert "result" in await answer_to(control, line)
    assert (await site.call("tag.list"))["tags"][0]["note"] == "\U0001f697"


async def test_who_goes_while_its_request_is_carried_out_follows_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else what it was to be told would be kept for it until csmsd ends."""
    begun, goes_on = asyncio.Event(), asyncio.Event()
    ended: list[str] = []
    all_ended = asyncio.Event()

    def mistaken() -> None:
        raise RuntimeError("a mistake")

    async def follow(parameters: object, caller: Caller) -> Json:
        for when in ("before", "after"):
            caller.subscribe(mistaken)
            caller.subscribe(lambda when=when: ended.append(when))  # type: ignore[misc]
            begun.set()
            await goes_on.wait()
        caller.subscribe(all_ended.set)
        return {}

    nobody: Any = None
    directory = tempfile.TemporaryDirectory(prefix="csms-")  # a path that a socket may have
    door = Door("all", Path(directory.name) / "s.sock", "csms", 0o600, named=True)
    server = ControlServer({"follow": follow}, Access(door, (door,)), nobody, nobody)
    await server.open()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(door.path))
        client.sendall(b'no JSON\n{"jsonrpc":"2.0","id":1,"method":"follow"}\n')
        await begun.wait()
        # Closed with something unread, which is more than an end.
    async with asyncio.timeout(30):
        while server._clients:  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0.001)
        assert ended == ["before"]
        goes_on.set()
        await all_ended.wait()
    assert ended == ["before", "after"]
    assert caplog.text.count("RuntimeError: a mistake") == 2
    await server.close()
    directory.cleanup()
