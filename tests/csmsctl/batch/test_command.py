"""Batches against a scripted daemon: order, what runs at the same time, and what happens when something breaks."""

import json
import select
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.csmsctl import samples
from tests.csmsctl.batch.running import results
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Hangup, Params, Peer, ScriptedDaemon, Silence


class Gate:
    """Answers `tag.add` and `tag.block` only when it is told to."""

    def __init__(self, daemon: ScriptedDaemon) -> None:
        self._waiting: dict[str, tuple[Peer, Any]] = {}
        self._asked = threading.Condition()
        self.peers: set[Peer] = set()
        daemon.replies |= {"tag.add": self._hold, "tag.block": self._hold}

    def _hold(self, peer: Peer, params: Params) -> None:
        with self._asked:
            self._waiting[params["id"]] = (peer, peer.number)
            self.peers.add(peer)
            self._asked.notify_all()
        raise Silence

    def wait_for(self, *tags: str) -> None:
        with self._asked:
            assert self._asked.wait_for(lambda: set(tags) <= self._waiting.keys(), timeout=60), self._waiting.keys()

    @property
    def waiting(self) -> list[str]:
        return sorted(self._waiting)

    def open(self, tag: str) -> None:
        peer, number = self._waiting.pop(tag)
        peer.send({"id": number, "result": {"changed": True, "tag": {"id": tag}}})


@pytest.fixture
def gate(daemon: ScriptedDaemon) -> Gate:
    return Gate(daemon)


class Running:
    """A batch under way, its lines typed one by one."""

    def __init__(self, csmsctl: Csmsctl, *arguments: str) -> None:
        self.process = csmsctl.start("batch", "-", *arguments, stdin=subprocess.PIPE)

    def type(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def next(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self) -> tuple[int, list[Any], str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture
def running(csmsctl: Csmsctl) -> Iterator[Running]:
    batch = Running(csmsctl)
    yield batch
    batch.process.kill()
    batch.process.wait()
    for stream in (batch.process.stdin, batch.process.stdout, batch.process.stderr):
        assert stream is not None
        if not stream.closed:
            stream.close()


def test_results_keep_the_order_of_the_lines_over_one_connection(running: Running, gate: Gate) -> None:
    running.type("tag add A1", "tag add A2", "tag add A3")
    gate.wait_for("A1", "A2", "A3")
    for tag in ("A3", "A2", "A1"):
        gate.open(tag)
    code, found, err = running.end()
    assert [(line["line"], line["result"]["tag"]["id"]) for line in found] == [(1, "A1"), (2, "A2"), (3, "A3")]
    assert found[0] == {
        "schema_version": 1,
        "line": 1,
        "command": ["tag", "add", "A1"],
        "exit_code": 0,
        "result": {"schema_version": 1, "changed": True, "tag": {"id": "A1"}},
        "error": None,
    }
    assert (code, err) == (0, "3 done, 0 failed\n")
    assert len(gate.peers) == 1


def test_results_come_while_the_input_goes_on(running: Running, gate: Gate) -> None:
    for tag in ("A1", "A2"):
        running.type("# the next one", f"tag add {tag}")
        gate.wait_for(tag)
        gate.open(tag)
        assert running.next()["result"]["tag"]["id"] == tag
    running.type("tag show")
    assert running.next()["exit_code"] == 2
    assert running.end()[0] == 9


def test_a_line_about_the_same_thing_waits(running: Running, gate: Gate) -> None:
    running.type("tag add A1", "tag add a1 --note again", "tag add A2")
    gate.wait_for("A1")
    assert gate.waiting == ["A1"]
    gate.open("A1")
    assert running.next()["line"] == 1
    gate.wait_for("a1", "A2")
    gate.open("a1")
    gate.open("A2")
    assert running.end()[0] == 0


def test_identities_that_look_like_globs(running: Running, daemon: ScriptedDaemon) -> None:
    """They run together as others do; csmsd is asked once for each."""

    def hold(_peer: Peer, _params: Params) -> None:
        raise Silence

    def charge_points(_peer: Peer, params: Params) -> Params:
        return {"charge_points": [samples.charge_point(*params["targets"])]}

    daemon.replies |= {"charge_point.list": charge_points, "operation.run": hold}
    running.type("clear-cache DE*ABC*E1", "clear-cache DE*ABC*E2", "clear-cache DE*ABC*E1")
    peer = daemon.wait_for("operation.run", times=2)
    asked = [params["targets"] for method, params in daemon.requests if method == "operation.run"]
    assert sorted(asked) == [["DE*ABC*E1"], ["DE*ABC*E2"]]
    peer.hang_up()


@pytest.mark.parametrize(("number", "ends_with"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted(running: Running, gate: Gate, number: signal.Signals, ends_with: int) -> None:
    running.type("tag add A1", "tag add A2", "tag block A1")
    gate.wait_for("A1", "A2")
    gate.open("A1")
    assert running.next()["exit_code"] == 0
    running.process.send_signal(number)
    code, [under_way, *not_run], err = running.end()
    assert code == ends_with
    assert (under_way["line"], under_way["exit_code"]) == (2, 130)
    assert "may have been carried out" in under_way["error"]["message"]
    for line in not_run:  # as far as it was read
        assert (line["line"], line["exit_code"]) == (3, None)
        assert "Not run" in line["error"]["message"]
    assert err.startswith("1 done, 1 failed")
    assert f"interrupted: of the lines after {2 + len(not_run)} none was begun" in err
    assert gate.waiting == ["A2"]


def test_fail_fast(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tag.add"] = {"changed": True}
    code, found = results(csmsctl, "tag add A1\ntag add\ntag add A3\n{\ntag add A5", "--fail-fast", "--parallel", "1")
    assert code == 9
    assert [line["exit_code"] for line in found] == [0, 2, None, None, None]
    assert found[2]["error"]["message"] == "Not run: line 2 failed."
    assert [params["id"] for _, params in daemon.requests] == ["A1"]


def test_a_daemon_that_comes_back(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def hang_up(_peer: Peer, _params: Params) -> None:
        raise Hangup

    daemon.replies |= {"tag.add": {"changed": True}, "tag.remove": hang_up}
    code, found = results(csmsctl, "tag add A1\ntag remove A1 --yes\ntag add A2\n")
    assert code == 9
    assert [line["exit_code"] for line in found] == [0, 5, 0]


def test_a_daemon_that_is_restarted_is_waited_for(running: Running, daemon: ScriptedDaemon) -> None:
    """What it had been asked for is not asked for again; what it had not is not lost."""

    def end(_peer: Peer, _params: Params) -> None:
        daemon.close()
        raise Hangup

    daemon.replies |= {"tag.remove": end}
    running.type("tag remove A1 --yes", *[f"tag add A{number}" for number in range(100)])
    assert running.next()["exit_code"] == 5
    assert running.process.stdout is not None
    assert select.select([running.process.stdout], [], [], 0.3)[0] == []  # nothing fails meanwhile
    again = ScriptedDaemon(daemon.path, {"tag.add": {"changed": True}})
    try:
        code, found, _ = running.end()
    finally:
        again.close()
    assert code == 9
    assert {line["exit_code"] for line in found} == {0}
    assert [method for method, _ in again.requests] == 100 * ["tag.add"]


def test_a_daemon_that_stays_away(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def end(_peer: Peer, _params: Params) -> None:
        daemon.close()
        raise Hangup

    daemon.replies["tag.remove"] = end
    lines = "tag remove A1 --yes\n" + "".join(f"tag add A{number}\n" for number in range(100))
    code, found = results(csmsctl, lines, "--timeout", "3")
    assert code == 9
    assert {(line["exit_code"], line["error"]["message"][:18]) for line in found[1:]} == {(5, "There is no socket")}


def test_no_daemon(csmsctl: Csmsctl) -> None:
    ended = csmsctl("batch", "-", "--socket", "/nowhere/s", stdin="tag add A1\n")
    assert (ended.code, ended.out) == (5, "")
    assert "/nowhere/s" in ended.err


def test_files_that_cannot_be_read(csmsctl: Csmsctl, tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "nothing"):
        ended = csmsctl("batch", str(file))
        assert (ended.code, ended.out) == (2, "")
        assert "cannot be read" in ended.err
    ended = csmsctl("batch", "/dev/zero")
    assert (ended.code, ended.err) == (2, "csmsctl: Line 1 is longer than 8388608 bytes.\n")
    (tmp_path / "empty").write_text("# nothing, with a byte order mark\n\n", "utf-8-sig")
    assert csmsctl("batch", str(tmp_path / "empty")).code == 0


def test_a_reader_that_goes_away(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tag.add"] = {"changed": True}
    batch = csmsctl.start("batch", "-", stdin=subprocess.PIPE)
    assert batch.stdin is not None
    assert batch.stdout is not None
    batch.stdin.write("tag add A1\n")
    batch.stdin.flush()
    assert batch.stdout.readline()
    batch.stdout.close()
    batch.stdin.write("tag add A2\n")
    batch.stdin.flush()
    assert batch.wait(60) == 1  # not all of it was done, although the input goes on
    batch.stdin.close()
    assert batch.stderr is not None
    assert "Nobody reads the results any more" in batch.stderr.read()
    batch.stderr.close()


def test_standard_input_that_is_closed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """The connection to csmsd must not be taken for it."""
    command = shlex.join(csmsctl.command("batch", "-"))
    done = subprocess.run(
        ["sh", "-c", f"{command} <&-"], env=csmsctl.environment, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_results_are_json(csmsctl: Csmsctl) -> None:
    assert csmsctl("batch", "-", "--csv", stdin="tag list\n").code == 2
