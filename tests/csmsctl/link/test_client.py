"""The client on a real socket: what goes wrong, and what the user is told then."""

import threading

import pytest

from csmsctl.failure import DENIED, NOT_THERE, OTHER, TIMED_OUT, USAGE, Failure
from csmsctl.link.client import Client
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
        (5, OTHER),
        (-32601, OTHER),
        (-32602, USAGE),
        (-32603, OTHER),
        (-32700, OTHER),
    ],
)
def test_errors_of_the_daemon(daemon: ScriptedDaemon, code: int, ended_with: int) -> None:
    def fail(_peer: Peer, _params: Params) -> None:
        raise RpcError(code, "No charge point CP9.", "See csmsctl cp list")

    daemon.replies["status"] = fail
    with Client(daemon.path) as client, pytest.raises(Failure) as failed:
        client.call("status")
    assert failed.value.code == ended_with


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


def test_progress_prolongs_the_wait(daemon: ScriptedDaemon) -> None:
    pause = threading.Event()

    def slowly(peer: Peer, _params: Params) -> Params:
        for _ in range(3):
            pause.wait(0.2)
            peer.progress([samples.result()])
        return {"results": []}

    daemon.replies["operation.run"] = slowly
    seen: list[Params] = []
    with Client(daemon.path) as client:
        client.call("operation.run", timeout=0.5, on_progress=seen.append)
    assert [progress["done"] for progress in seen] == [1, 1, 1]


def test_another_version_is_told_with_verbose(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"status": samples.status(), "daemon.info": samples.info(version="99.0")}
    assert "99.0" not in csmsctl("status", "--json").err
    ended = csmsctl("status", "--json", "-v")
    assert "csmsd is 99.0" in ended.err
    assert ended.document["schema_version"] == 1


def test_wait_ready_waits_until_charge_points_can_connect(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["daemon.info"] = samples.info() | {"listen": []}
    ended = csmsctl("daemon", "wait-ready", "--timeout", "0.3", "--json")
    assert ended.code == TIMED_OUT
    assert "listen" in ended.error["message"]
