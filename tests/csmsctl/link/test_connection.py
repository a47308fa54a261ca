"""The wire to csmsd on a real socket: what breaks, and what the user is told then."""

import contextlib
import grp
import os
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from csmsctl.failure import DENIED, OTHER, UNREACHABLE, Failure
from csmsctl.link.client import Client
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.link.failures import failure_of
from tests.csmsctl.scripted_daemon import Hangup, Params, Peer, ScriptedDaemon, Silence


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


@pytest.mark.parametrize("group", ["nogroup", "root"])
def test_permission_denied_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, group: str) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    entry = grp.getgrnam(group)
    monkeypatch.setattr(grp, "getgrgid", lambda _number: entry)
    monkeypatch.setattr(Path, "stat", lambda _path: SimpleNamespace(st_gid=entry.gr_gid))

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(Failure) as failed:
        Client(tmp_path / "nobody-sees-it" / "csmsd.sock")
    assert failed.value.code == DENIED
    helps = failed.value.next_step or ""
    assert ("usermod -aG nogroup" in helps) == (group == "nogroup")  # never one that is not its own
    assert ("Its owner may" in helps) == (group == "root")


def test_a_hangup_is_not_a_timeout(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def hang_up(_peer: Peer, _params: Params) -> None:
        raise Hangup

    daemon.replies["status"] = hang_up
    assert failure_of(csmsctl, "status")[0] == UNREACHABLE


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
