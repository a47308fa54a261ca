"""The client on a real socket: what goes wrong, and what the user is told then."""

import contextlib
import os
import socket
import threading
from pathlib import Path

import pytest

from csmsctl.failure import DENIED, NOT_THERE, OTHER, TIMED_OUT, UNREACHABLE, USAGE, Failure
from csmsctl.link.client import Client
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Hangup, Params, Peer, RpcError, ScriptedDaemon, Silence


def failure_of(csmsctl: Csmsctl, *arguments: str) -> tuple[int, str, str]:
    """Exit code, message and next step; the code of process and document agree."""
    ended = csmsctl(*arguments, "--json")
    assert ended.code == ended.error["code"]
    assert ended.out == ""
    return ended.code, ended.error["message"], ended.error["next"] or ""


def test_no_socket(csmsctl: Csmsctl) -> None:
    code, message, next_step = failure_of(csmsctl, "status", "--socket", "/nowhere/csmsd.sock")
    assert code == UNREACHABLE
    assert "/nowhere/csmsd.sock" in message
    assert "systemctl status csmsd" in next_step


def test_nobody_listens(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    stale = daemon.path.with_name("stale.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stale))
    code, message, _ = failure_of(csmsctl, "status", "--socket", str(stale))
    assert code == UNREACHABLE
    assert "csmsd has ended" in message


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_permission_denied(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.path.chmod(0)
    assert failure_of(csmsctl, "status")[0] == DENIED


def test_permission_denied_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(Failure) as failed:
        Client(Path("/run/csmsd/csmsd.sock"))
    assert failed.value.code == DENIED
    assert "group csms" in (failed.value.next_step or "")


def test_silence_times_out(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def be_silent(_peer: Peer, _params: Params) -> None:
        raise Silence

    daemon.replies["status"] = be_silent
    code, message, next_step = failure_of(csmsctl, "status", "--timeout", "0.2")
    assert code == TIMED_OUT
    assert "0.2 s" in message
    assert "--timeout" in next_step


def test_a_hangup_is_not_a_timeout(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def hang_up(_peer: Peer, _params: Params) -> None:
        raise Hangup

    daemon.replies["status"] = hang_up
    assert failure_of(csmsctl, "status")[0] == UNREACHABLE


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


def test_not_the_protocol(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def talk_http(peer: Peer, _params: Params) -> None:
        peer.send_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        raise Silence

    daemon.replies["status"] = talk_http
    code, message, _ = failure_of(csmsctl, "status")
    assert code == OTHER
    assert "protocol" in message


def test_long_lines_in_pieces(daemon: ScriptedDaemon) -> None:
    long = "x" * 3_000_000
    daemon.replies["echo"] = lambda _peer, params: params
    with Client(daemon.path) as client:
        assert client.call("echo", {"text": long}) == {"text": long}


def test_a_line_without_end_is_refused(daemon: ScriptedDaemon) -> None:
    def pour(peer: Peer) -> None:
        with contextlib.suppress(OSError):  # the client hangs up in the middle of it
            peer.send_raw(b"x" * 9_000_000)

    def flood(peer: Peer, _params: Params) -> None:
        threading.Thread(target=pour, args=(peer,), daemon=True).start()
        raise Silence

    daemon.replies["status"] = flood
    with Client(daemon.path) as client, pytest.raises(Failure, match="longer than the protocol allows"):
        client.call("status")


def test_too_much_to_send(daemon: ScriptedDaemon) -> None:
    with Client(daemon.path) as client, pytest.raises(Failure, match="at most"):
        client.call("status", {"targets": ["x" * 9_000_000]})


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


def test_wait_ready_waits_for_the_socket(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["daemon.info"] = samples.info()
    late = daemon.path.with_name("late.sock")
    with csmsctl.start("daemon", "wait-ready", "--socket", str(late), "--timeout", "20") as process:
        late.symlink_to(daemon.path)
        assert process.wait(20) == 0
    ended = csmsctl("daemon", "wait-ready", "--socket", "/nowhere/s", "--timeout", "0.2", "--json")
    assert ended.code == TIMED_OUT


def test_wait_ready_waits_until_charge_points_can_connect(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["daemon.info"] = samples.info() | {"listen": []}
    ended = csmsctl("daemon", "wait-ready", "--timeout", "0.3", "--json")
    assert ended.code == TIMED_OUT
    assert "listen" in ended.error["message"]
