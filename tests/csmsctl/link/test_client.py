"""The client on a real socket: what goes wrong, and what the user is told then."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest

from csmsctl.failure import DENIED, NOT_THERE, OTHER, REJECTED, TIMED_OUT, UNREACHABLE, USAGE, Failure
from csmsctl.link import client as client_module
from csmsctl.link import connection
from csmsctl.link.client import Client, progress_for_client, request_of_client, result_for_client
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.link.failures import failure_of
from tests.csmsctl.scripted_daemon import Params, Peer, RpcError, ScriptedDaemon, Silence


def test_silence_times_out(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def be_silent(_peer: Peer, _params: Params) -> None:
        raise Silence

    daemon.replies["status"] = be_silent
    code, message, next_step = failure_of(csmsctl, "status", "--timeout", "0.2")
    assert code == TIMED_OUT
    assert "0.2 s" in message
    assert "--timeout" in next_step


@pytest.mark.parametrize(
    ("code", "ended_with"),
    [
        (1, OTHER),
        (2, USAGE),
        (3, NOT_THERE),
        (4, DENIED),
        (5, OTHER),  # not the daemon's to say
        (7, REJECTED),
        (8, OTHER),
        (-32600, USAGE),
        (-32602, USAGE),
        (-32603, OTHER),
        (-32700, OTHER),
        ("3", OTHER),
        (None, OTHER),
    ],
)
def test_errors_of_the_daemon(daemon: ScriptedDaemon, code: Any, ended_with: int) -> None:
    def fail(_peer: Peer, _params: Params) -> None:
        raise RpcError(code, "No charge point CP9.", "See csmsctl cp list")

    daemon.replies["status"] = fail
    with Client(daemon.path) as client, pytest.raises(Failure) as failed:
        client.call("status")
    told = (failed.value.code, failed.value.message, failed.value.next_step)
    assert told == (ended_with, "No charge point CP9.", "See csmsctl cp list")


def test_a_method_that_the_daemon_does_not_know(daemon: ScriptedDaemon) -> None:
    def fail(_peer: Peer, _params: Params) -> None:
        raise RpcError(-32601, "method not found")

    daemon.replies["status"] = fail
    with Client(daemon.path) as client, pytest.raises(Failure) as failed:
        client.call("status")
    assert (failed.value.code, failed.value.message) == (OTHER, "csmsd does not know the method status.")


@pytest.mark.parametrize(
    ("error", "message", "next_step"),
    [
        ("no object", "the daemon gave no reason", None),
        ({}, "the daemon gave no reason", None),
        ({"code": 3, "message": None, "data": "x"}, "the daemon gave no reason", None),
        ({"code": 3, "message": "No.", "data": {"next": 7}}, "No.", None),
        ({"code": 3, "message": "No.", "data": {"next": "Look."}}, "No.", "Look."),
    ],
)
def test_errors_in_whatever_form(error: object, message: str, next_step: str | None) -> None:
    with pytest.raises(Failure) as failed:
        result_for_client({"id": 1, "error": error}, "status")
    assert (failed.value.message, failed.value.next_step) == (message, next_step)


def test_a_result_is_an_object() -> None:
    assert result_for_client({"id": 1, "result": {"a": 1}}, "status") == {"a": 1}
    assert result_for_client({"id": 1, "result": [1]}, "status") == {"result": [1]}
    assert result_for_client({"id": 1}, "status") == {"result": None}


@pytest.mark.parametrize(
    ("params", "keep_null", "sent"),
    [
        (None, False, None),
        ({"a": None}, False, None),
        ({"a": None, "b": 0}, False, {"b": 0}),
        ({"a": None, "b": 0}, True, {"a": None, "b": 0}),
    ],
)
def test_null_is_sent_only_where_it_has_a_meaning(params: Any, keep_null: bool, sent: Any) -> None:
    request = {"jsonrpc": "2.0", "id": 7, "method": "tag.set"}
    expected = request if sent is None else request | {"params": sent}
    assert request_of_client(7, "tag.set", params, keep_null=keep_null) == expected


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ({"method": "operation.result", "params": {"request": 7}}, 7),
        ({"method": "event", "params": {"request": 7}}, None),
        ({"method": "operation.result", "params": [7]}, None),
        ({"method": "operation.result"}, None),
    ],
)
def test_whose_progress_a_notification_tells(message: Any, number: object) -> None:
    assert progress_for_client(message) == number


def test_the_daemons_words_reach_the_user_harmlessly(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def fail(_peer: Peer, _params: Params) -> None:
        raise RpcError(3, "No charge point \x1b[31m\ud800.", "See csmsctl cp list")

    daemon.replies["charge_point.show"] = fail
    ended = csmsctl("cp", "show", "CP9")
    assert ended.code == NOT_THERE
    assert ended.err == "csmsctl: No charge point \\x1b[31m\\ud800.\nSee csmsctl cp list\n"


def test_notifications_wait_while_an_answer_is_awaited(daemon: ScriptedDaemon) -> None:
    def answer(peer: Peer, _params: Params) -> Params:
        peer.notify("event", {"number": 1})
        peer.send({"id": 999, "result": "of somebody else"})
        return {"last": 1}

    daemon.replies["event.subscribe"] = answer
    with Client(daemon.path) as client:
        assert client.call("event.subscribe") == {"last": 1}
        notification = client.next_notification(0)
        assert notification is not None
        assert notification["params"] == {"number": 1}
        assert client.next_notification(0) is None


def test_progress_prolongs_the_wait(daemon: ScriptedDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times 20 seconds by the clock of the client, which waits for 30."""
    ahead = 0.0
    taken = threading.Semaphore(0)
    for module in (client_module, connection):
        monkeypatch.setattr(module, "monotonic", lambda: monotonic() + ahead)

    def slowly(peer: Peer, _params: Params) -> Params:
        for _ in range(4):
            peer.progress([samples.result()])
            assert taken.acquire(timeout=60)
        return {"results": []}

    seen: list[Params] = []

    def take(progress: Params) -> None:
        nonlocal ahead
        seen.append(progress)
        ahead += 20
        taken.release()

    daemon.replies["operation.run"] = slowly
    with Client(daemon.path) as client:
        client.call("operation.run", timeout=30, on_progress=take)
    assert [progress["done"] for progress in seen] == [1, 1, 1, 1]


def test_another_version_is_told_with_verbose(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"status": samples.status(), "daemon.info": samples.info(version="99.0")}
    assert "99.0" not in csmsctl("status", "--json").err
    ended = csmsctl("status", "--json", "-v")
    assert "csmsd is 99.0" in ended.err
    assert ended.document["schema_version"] == 1


def test_wait_ready_waits_until_charge_points_can_connect(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    silent = samples.info() | {"listen": []}
    answers = [silent, silent, samples.info()]
    daemon.replies["daemon.info"] = lambda _peer, _params: answers.pop(0)
    assert csmsctl("daemon", "wait-ready", "--timeout", "60").code == 0
    assert answers == []

    daemon.replies["daemon.info"] = silent
    ended = csmsctl("daemon", "wait-ready", "--timeout", "0.3", "--json")
    assert ended.code == TIMED_OUT
    assert "was not ready within 0.3 s" in ended.error["message"]


def test_a_call_can_be_ended_from_another_thread(daemon: ScriptedDaemon) -> None:
    def be_silent(_peer: Peer, _params: Params) -> None:
        raise Silence

    daemon.replies["status"] = be_silent
    with Client(daemon.path, 20) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.call, "status")
        daemon.wait_for("status")
        client.abort()
        with pytest.raises(Failure) as failed:
            waiting.result(10)
    assert failed.value.code == UNREACHABLE
