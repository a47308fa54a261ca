"""Where output goes, and what happens when it cannot go there."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon, Silence

LAZY = ("rich", "prompt_toolkit", "asyncio", "msgspec", "csmsd", "websockets")


@pytest.mark.parametrize(
    ("words", "unneeded", "commands"),
    [
        (["status", "--json"], LAZY, {"csmsctl.commands.status"}),
        (["__complete", "cp", "show", "C"], LAZY, {"csmsctl.commands.charge_points"}),
        (["--help"], ("rich.table", "prompt_toolkit", "asyncio"), None),
    ],
    ids=["status --json", "completion", "help"],
)
def test_nothing_is_imported_that_is_not_needed(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str], unneeded: tuple[str, ...], commands: set[str] | None
) -> None:
    daemon.replies["status"] = samples.status(samples.charge_point())
    daemon.replies["complete"] = {"values": [["CP1", "Available"]]}
    program = (
        "import sys, json\n"
        "from csmsctl.__main__ import run\n"
        f"code = run({words})\n"
        "print(json.dumps([code, sorted(sys.modules)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=csmsctl.environment
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert [
        name for name in modules if name.startswith(tuple(f"{part}." for part in unneeded)) or name in unneeded
    ] == []
    if commands is not None:
        assert {name for name in modules if name.startswith("csmsctl.commands.")} == commands


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["rest"], "Did you mean reset"),
        (["cp", "shw"], "Did you mean show"),
        (["reset", "CP1"], "Missing option '--type'"),
        (["reset", "CP1", "--typ", "soft"], "No such option"),
        (["cp"], "there are list, show, add"),
        (["--timeout", "x", "status"], "--timeout wants seconds"),
        (["tx", "show", "x"], "'x' is not a valid int"),
    ],
)
def test_usage_errors(csmsctl: Csmsctl, words: list[str], message: str) -> None:
    ended = csmsctl(*words)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""
    error = csmsctl(*words, "--json").error
    assert error["code"] == 2
    assert message in error["message"]


def test_help_and_version(csmsctl: Csmsctl) -> None:
    ended = csmsctl()
    assert ended.code == 0
    assert ended.out == csmsctl("--help").out
    panels = ("Core:", "Remote trigger:", "Any profile:", "Records:", "Daemon:", "Global options")
    places = [ended.out.index(panel) for panel in panels]
    assert places == sorted(places)
    assert csmsctl("--version").out.startswith("csmsctl ")
    assert "Example:\n    csmsctl cp add CP1" in csmsctl("cp", "add", "--help").out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_letters_that_the_locale_lacks(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tag.show"] = samples.tag(note="Müller \ud800 日本")
    ended = csmsctl("tag", "show", "A1", PYTHONIOENCODING="ascii")
    assert "M\\xfcller \\ud800 \\u65e5\\u672c" in ended.out
    ended = csmsctl("tag", "show", "A1", "--json", PYTHONIOENCODING="ascii")
    assert ended.document["tags"][0]["note"] == "Müller \ud800 日本"


@pytest.mark.parametrize("words", [["tx", "list"], ["tx", "list", "--json"], ["tx", "export"], ["--help"]])
def test_head(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str]) -> None:
    many = [samples.transaction(number) for number in range(999, 0, -1)]
    daemon.replies["transaction.list"] = {"schema_version": 1, "transactions": many}
    with csmsctl.start(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("words", [["tx", "list"], ["tx", "list", "--json"], ["tx", "export"], ["status", "--json"]])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_full_disk(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str]) -> None:
    many = [samples.transaction(number) for number in range(999, 0, -1)]
    daemon.replies |= {
        "transaction.list": {"schema_version": 1, "transactions": many},
        "status": samples.status(samples.charge_point()),
    }
    with Path("/dev/full").open("w") as full, csmsctl.start(*words, stdout=full) as process:
        assert process.stderr is not None
        assert process.wait(20) == 1
        errors = process.stderr.read()
    assert "No space left on device" in errors
    assert errors.count("\n") == 1
    if words[0] == "tx" and "export" in words:
        assert csmsctl("tx", "export", "--output", "/dev/full").code == 1


def test_standard_output_is_closed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["status"] = samples.status()
    command = " ".join([*csmsctl.command("status"), ">&-", "2>&-"])
    assert subprocess.run(["sh", "-c", command], env=csmsctl.environment, check=False, timeout=20).returncode == 0


def test_input_that_is_no_text(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    file = tmp_path / "latin1.csv"
    file.write_bytes("id,note\nA1,Müller\n".encode("latin-1"))
    ended = csmsctl("tag", "import", str(file), "--json")
    assert (ended.code, ended.error["message"]) == (2, "The input is not UTF-8 (byte 12).")
    daemon.replies["tag.show"] = samples.tag()
    with csmsctl.start("tag", "show", b"\xff\x1b".decode(errors="surrogateescape")) as process:
        assert process.wait(20) == 0
    assert daemon.params("tag.show") == {"id": "\udcff\x1b"}


def test_an_answer_that_nobody_expected(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tag.list"] = {"cards": []}
    ended = csmsctl("tag", "list")
    assert (ended.code, ended.out) == (1, "")
    assert "of one version" in ended.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(csmsctl: Csmsctl, daemon: ScriptedDaemon, number: signal.Signals, code: int) -> None:
    def be_silent(_peer: Peer, _params: Params) -> None:
        raise Silence

    daemon.replies["operation.run"] = be_silent
    with csmsctl.start("clear-cache", "CP1") as process:
        daemon.wait_for("operation.run")
        process.send_signal(number)
        assert process.wait(20) == code
        assert process.stderr is not None
        errors = process.stderr.read()
    assert "Traceback" not in errors
    assert ("csmsctl task list" in errors) == (number == signal.SIGINT)


# --- on a terminal


class Terminal:
    """csmsctl on a pseudo-terminal of 80 by 24."""

    def __init__(self, csmsctl: Csmsctl, *words: str) -> None:
        self._master, slave = pty.openpty()
        import fcntl
        import struct
        import termios

        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = csmsctl.environment | {"TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            csmsctl.command(*words), stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.seen = ""

    def expect(self, condition: str | Callable[[str], bool]) -> str:
        """All that was shown, once it holds the text."""
        end = time.monotonic() + 20
        while not (condition in self.seen if isinstance(condition, str) else condition(self.seen)):
            assert time.monotonic() < end, f"{condition!r} does not appear in {self.seen!r}"
            if not self._read():
                break
        assert condition in self.seen if isinstance(condition, str) else condition(self.seen), self.seen
        return self.seen

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> tuple[int, str]:
        """The exit code, and all that was shown."""
        while self._read():
            pass
        code = self.process.wait(20)
        os.close(self._master)
        return code, self.seen

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 20)[0]:
            return False
        try:
            read = os.read(self._master, 65536)
        except OSError:  # Linux: the other side is closed
            return False
        self.seen += read.decode(errors="replace")
        return bool(read)


@pytest.mark.parametrize(("answer", "code"), [("y\r", 0), ("yes\r", 0), ("\r", 10), ("n\r", 10), ("\x04", 10)])
def test_confirmation_on_a_terminal(csmsctl: Csmsctl, daemon: ScriptedDaemon, answer: str, code: int) -> None:
    daemon.replies["cp"] = {}
    daemon.replies["charge_point.remove"] = {"changed": True}
    terminal = Terminal(csmsctl, "cp", "remove", "CP1")
    terminal.expect("[y/N]")
    terminal.type(answer)
    assert terminal.end()[0] == code
    assert bool(daemon.requests) == (code == 0)


def test_what_was_confirmed_is_what_is_sent(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def answer(_peer: Peer, params: Params) -> Params:
        outcome = "not_sent" if params.get("dry_run") else "accepted"
        return {"schema_version": 1, "results": [samples.result(name, outcome) for name in ("CP1", "CP2")]}

    daemon.replies["operation.run"] = answer
    terminal = Terminal(csmsctl, "reset", "--all", "--type", "soft")
    terminal.expect("Reset CP1, CP2? [y/N]")
    terminal.type("y\r")
    assert terminal.end()[0] == 0
    assert daemon.params("operation.run")["targets"] == ["CP1", "CP2"]


def test_tables_on_a_terminal(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    evil = samples.charge_point("CP2", vendor="\x1b]0;owned\x07", note="[red]x[/red] :smile:", connectors=[])
    daemon.replies["charge_point.list"] = {"schema_version": 1, "charge_points": [samples.charge_point(), evil]}
    code, seen = Terminal(csmsctl, "cp", "list").end()
    assert code == 0
    assert "CHARGE POINT" in seen
    assert "\x1b]0" not in seen
    assert "2026-01-31 12:00:00" in seen  # local time, TZ is UTC in the tests
    code, seen = Terminal(csmsctl, "cp", "list", "--color", "never").end()
    assert "\x1b[3" not in seen
    daemon.replies["charge_point.show"] = evil
    code, seen = Terminal(csmsctl, "cp", "show", "CP2").end()
    assert "[red]x[/red] :smile:" in seen
    assert "\\x1b]0;owned\\x07" in seen


def test_the_pager_shows_what_is_longer_than_the_terminal(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    many = [samples.transaction(number) for number in range(60, 0, -1)]
    daemon.replies["transaction.list"] = {"schema_version": 1, "transactions": many}
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\nprintf 'paged: '; wc -l\n")
    pager.chmod(0o755)
    csmsctl.environment["PAGER"] = str(pager)
    assert "paged: 61" in Terminal(csmsctl, "tx", "list").end()[1]
    assert "paged:" not in Terminal(csmsctl, "tx", "list", "--no-pager").end()[1]


def test_progress_shows_only_when_there_is_something_to_wait_for(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    import threading

    shown = threading.Event()

    def slowly(peer: Peer, _params: Params) -> Params:
        peer.progress([samples.result()])
        shown.wait(20)
        return {"schema_version": 1, "results": [samples.result()]}

    daemon.replies["operation.run"] = slowly
    terminal = Terminal(csmsctl, "clear-cache", "CP1")
    terminal.expect("waiting for answers")
    shown.set()
    code, seen = terminal.end()
    assert code == 0
    assert "Accepted" in seen


# --- streams


def test_watch_on_a_terminal(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "event.subscribe": {"subscription": 1, "last": 5},
        "status": samples.status(samples.charge_point()),
    }
    terminal = Terminal(csmsctl, "watch", "CP1")
    terminal.expect("Charging")
    peer = daemon.wait_for("status")
    changed = samples.charge_point(connectors=[samples.connector(1, status="Faulted", error_code="GroundFailure")])
    daemon.replies["status"] = samples.status(changed)
    peer.notify("event", samples.event(6))
    terminal.expect("GroundFailure")
    terminal.type("q")
    code, seen = terminal.end()
    assert code == 0
    assert seen.count("\x1b[?1049h") == seen.count("\x1b[?1049l") == 1  # the screen is given back


def test_watch_says_that_the_daemon_is_gone(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "event.subscribe": {"subscription": 1, "last": 5},
        "status": samples.status(samples.charge_point()),
    }
    terminal = Terminal(csmsctl, "watch")
    terminal.expect("Charging")
    peer = daemon.wait_for("status")
    daemon.replies.clear()
    peer.hang_up()
    terminal.expect("csmsd cannot be reached since")
    terminal.type("q")
    assert terminal.end()[0] == 0


def test_watch_without_a_terminal_prints_changes(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "event.subscribe": {"subscription": 1, "last": 5},
        "status": samples.status(samples.charge_point()),
    }
    with csmsctl.start("watch") as process:
        assert process.stdout is not None
        first = [process.stdout.readline(), process.stdout.readline()]
        assert "CP1  1  Available" in first[0]
        assert "CP1  2  Charging  7  A1  7.360" in first[1]
        changed = samples.charge_point(connected=False)
        daemon.replies["status"] = samples.status(changed)
        daemon.wait_for("status").notify("event", samples.event(6))
        assert "CP1  1  offline (was Available)" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_log(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    messages = [samples.message(1, text='[2,"1","Heartbeat",{"\x1b":1}]'), samples.message(2, direction="out")]
    daemon.replies |= {
        "log.list": {"schema_version": 1, "messages": messages},
        "log.subscribe": {"subscription": 1},
    }
    ended = csmsctl("log", "CP1", "--since", "2026-01-01T00:00:00Z", "--limit", "7")
    assert ended.out.splitlines()[0] == '2026-01-31T10:00:00.000Z  CP1  <  [2,"1","Heartbeat",{"\\x1b":1}]'
    assert daemon.params("log.list") == {"targets": ["CP1"], "since": "2026-01-01T00:00:00.000Z", "limit": 7}
    assert csmsctl("log", "--json").document["messages"] == messages
    assert csmsctl("log", "--csv").out.splitlines()[0] == "id,time,charge_point,direction,text"
    assert csmsctl("log", "--csv", "--no-headers").out.splitlines()[1].startswith("2,2026-01-31T10:00:00.000Z,CP1,out,")
    with csmsctl.start("log", "-f", "--json") as process:
        assert process.stdout is not None
        assert [json.loads(process.stdout.readline())["id"] for _ in range(2)] == [1, 2]
        peer = daemon.wait_for("log.subscribe")
        peer.notify("message", samples.message(2))  # was in the list already
        peer.notify("message", samples.message(3))
        assert json.loads(process.stdout.readline()) == {"schema_version": 1, **samples.message(3)}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143


def test_events(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "event.list": {"schema_version": 1, "events": [samples.event(1), samples.event(2)]},
        "event.subscribe": {"subscription": 1, "last": 9},
    }
    assert csmsctl("events", "--type", "connector.status").out.count("connector.status") == 2
    assert daemon.params("event.list") == {"types": ["connector.status"], "limit": 100}
    assert '"{""connector"":1' in csmsctl("events", "--csv").out.splitlines()[1]
    csmsctl("events", "--after", "1", "--json")
    assert daemon.params("event.list") == {"after": 1, "limit": 0}
    with csmsctl.start("events", "-f", "--after", "1", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        peer = daemon.wait_for("event.subscribe")
        assert daemon.params("event.subscribe") == {"after": 1}
        peer.notify("event", samples.event(5))
        assert json.loads(process.stdout.readline())["number"] == 5
        peer.notify("lagged", {"subscription": 1, "last": 8})
        assert process.wait(20) == 1
        assert json.loads(process.stderr.read())["error"]["next"] == "Go on with: csmsctl events -f --after 8"


def test_following_ends_when_nobody_reads_any_more(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """`csmsctl events -f | head -1` on a site where nothing happens."""
    daemon.replies |= {
        "event.subscribe": {"subscription": "s1", "last": 1},
        "event.list": {"schema_version": 1, "events": [samples.event(1)]},
    }
    with csmsctl.start("events", "-f", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() != ""
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def test_a_file_that_cannot_be_written_goes_by_its_own_name(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tag.list"] = {"tags": [samples.tag(id="A1")]}
    ended = csmsctl("tag", "export", "--output", "/nowhere/tags.csv")
    assert (ended.code, ended.err) == (1, "csmsctl: /nowhere/tags.csv: No such file or directory.\n")
