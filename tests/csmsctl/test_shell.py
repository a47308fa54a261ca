"""The shell, its keyboard a pipe: what lines do, what is completed, and what is remembered."""

import json
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from csmsctl.arguments.options import GlobalOptions
from csmsctl.lines.words import commands_in
from csmsctl.shell.completer import LineCompleter
from csmsctl.shell.console import Console
from csmsctl.shell.figures import Figures
from csmsctl.shell.fuzzy import matching
from csmsctl.shell.history import LineHistory, history_file
from csmsctl.tree import root
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon

FIGURES = {
    "schema_version": 1,
    "version": "0.1.0",
    "started_at": "2026-11-25T12:00:00.000Z",
    "connected": 2,
    "charge_points": 3,
    "active_transactions": 1,
    "power_w": 11_040.0,
    "open_tasks": 0,
    "queued_commands": 0,
    "problems": 0,
    "store": "ok",
}
IDENTITIES = [["NORTH-01", "Charging"], ["NORTH-07", "Available"], ["SOUTH-07", "offline"], ["two words", "offline"]]

RunShell = Callable[..., None]


@pytest.fixture
def run_shell(daemon: ScriptedDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunShell:
    """Types the text into a shell and waits until it has ended, at the end of the text at the latest."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    daemon.replies["daemon.figures"] = FIGURES

    def run(text: str, **options: object) -> None:
        given = GlobalOptions(socket=daemon.path, **options)  # type: ignore[arg-type]
        screen = DummyOutput()
        with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=screen):
            keyboard.send_text(text + "\x04")
            Console(given, keyboard=keyboard, screen=screen).run()

    return run


def history() -> list[str]:
    return [json.loads(line) for line in history_file().read_text().splitlines()]


def test_lines_run_one_after_the_other(
    run_shell: RunShell, daemon: ScriptedDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.replies["tag.show"] = samples.tag(id="A1")
    run_shell("tag show A1\rcsmsctl tag show A1 --json\r# nothing\r\rnonsense\rexit\rtag show A2\r")
    shown = capsys.readouterr()
    assert "id:" in shown.out
    assert json.loads(shown.out[shown.out.index("{") :])["tags"][0]["id"] == "A1"
    assert "No such command 'nonsense'" in shown.err
    assert [params["id"] for method, params in daemon.requests if method == "tag.show"] == ["A1", "A1"]


def test_global_options_hold_for_every_line(
    run_shell: RunShell, daemon: ScriptedDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.replies["tag.list"] = {"tags": [samples.tag(id="A1")]}
    run_shell("tag list\rtag list --csv\rtag shw\r", json=True)
    shown = capsys.readouterr()
    first, *rest = shown.out.splitlines()
    assert json.loads(first)["tags"]
    assert rest[0].startswith("id,")
    assert json.loads(shown.err.splitlines()[-1])["error"]["code"] == 2


def test_json_over_several_lines(run_shell: RunShell, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"operation.call": {"results": []}, "tag.add": {"changed": True}}
    run_shell('call CP1 Reset {\r"type": "Soft"\r}\r{"command": "tag add",\r"tag": "A1"}\r')
    assert daemon.params("operation.call")["payload"] == {"type": "Soft"}
    assert daemon.params("tag.add") == {"id": "A1"}
    assert history() == ['call CP1 Reset {\n"type": "Soft"\n}', '{"command": "tag add",\n"tag": "A1"}']


def test_several_commands_are_pasted(run_shell: RunShell, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"operation.call": {"results": []}, "tag.add": {"changed": True}}
    pasted = 'tag add A1\n# it\'s a comment\ncall CP1 Reset {\n "type": "Soft"\n}\ntag add A2'
    run_shell(f"\x1b[200~{pasted}\x1b[201~\r")
    asked = [(method, params.get("id")) for method, params in daemon.requests if method != "daemon.figures"]
    assert asked == [("tag.add", "A1"), ("operation.call", None), ("tag.add", "A2")]


def test_a_line_that_stays_open_says_what_is_missing(run_shell: RunShell, capsys: pytest.CaptureFixture[str]) -> None:
    run_shell("tag add 'A1\r\r")
    assert "The quotation mark ' is not closed." in capsys.readouterr().err


def test_ctrl_c_takes_back_the_line_and_not_the_shell(run_shell: RunShell, daemon: ScriptedDaemon) -> None:
    daemon.replies["tag.add"] = {"changed": True}
    run_shell("tag add A1\x03tag add A2\r")
    assert [params["id"] for method, params in daemon.requests if method == "tag.add"] == ["A2"]


def test_ctrl_c_ends_the_command_and_not_the_shell(
    run_shell: RunShell, daemon: ScriptedDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_peer: Peer, _params: Params) -> Params:
        signal.raise_signal(signal.SIGINT)
        return {"results": []}

    daemon.replies |= {"operation.run": interrupt, "tag.add": {"changed": True}}
    run_shell("clear-cache CP1\rtag add A1\r")
    assert "Interrupted. What was sent is not taken back" in capsys.readouterr().err
    assert daemon.params("tag.add") == {"id": "A1"}


def test_help_and_nesting(run_shell: RunShell, capsys: pytest.CaptureFixture[str]) -> None:
    run_shell("help tag add\rhelp\rshell\rquit\rnonsense\r")
    shown = capsys.readouterr()
    assert "Usage: csmsctl tag add" in shown.out
    assert "In the shell also" in shown.out
    assert "This is the shell already" in shown.err
    assert "nonsense" not in shown.err


def test_no_terminal(csmsctl: Csmsctl) -> None:
    ended = csmsctl("shell", stdin="status\n")
    assert ended.code == 2
    assert "csmsctl batch" in ended.err


# --- history


def test_secrets_are_not_remembered(run_shell: RunShell, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"operation.run": {"results": []}, "operation.call": {"results": []}}
    secret = "0123456789abcdef"
    run_shell(
        "clear-cache CP1\r"
        f"change-configuration CP1 --set AuthorizationKey={secret}\r"
        f'call CP1 ChangeConfiguration {{"key": "AuthorizationKey", "value": "{secret}"}}\r'
        f'{{"command": "change-configuration", "targets": ["CP1"], "set": "AuthorizationKey={secret}"}}\r'
        f"rpc charge_point.add {{\"password\": \"{secret}\r\r"
        f"get-diagnostics CP1 --location ftp://me:{secret}@host/\r"
    )  # fmt: skip
    assert sum(method.startswith("operation") for method, _ in daemon.requests) == 5
    assert history() == ["clear-cache CP1"]


def test_the_history_is_its_owners_and_ends_somewhere(tmp_path: Path) -> None:
    path = tmp_path / "csmsctl" / "history"
    lines = LineHistory(path)
    for number in range(4001):
        lines.append_string(f"tag show A{number}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)  # as somebody's backup left it
    read = list(LineHistory(path).load_history_strings())
    assert (len(read), read[0], read[-1]) == (2000, "tag show A4000", "tag show A2001")
    assert len(path.read_text().splitlines()) == 2000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_history_that_cannot_be_kept_or_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('not JSON\n{"a": 1}\n"tag list"\n')
    assert list(LineHistory(tmp_path / "file").load_history_strings()) == ["tag list"]
    lines = LineHistory(tmp_path / "file" / "history")
    lines.append_string("tag list")
    assert lines.get_strings() == ["tag list"]


# --- completion


@pytest.fixture
def completing(daemon: ScriptedDaemon) -> ScriptedDaemon:
    def answer(_peer: Peer, params: Params) -> Params:
        known = {"targets": IDENTITIES, "charge_points": IDENTITIES, "tags": [["A1", "Ada"]]}.get(params["kind"], [])
        prefix = params.get("prefix", "")
        return {"values": [pair for pair in known if pair[0].startswith(prefix)]}

    daemon.replies["complete"] = answer
    return daemon


def completed(daemon: ScriptedDaemon, line: str) -> list[tuple[str, str]]:
    """What the line would become, and what is said of it."""
    completer = LineCompleter(GlobalOptions(socket=daemon.path), root())
    return [
        (line[: len(line) + found.start_position] + found.text, found.display_meta_text)
        for found in completer.get_completions(Document(line), CompleteEvent())
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cp show ", [f"cp show {line}" for line in ("NORTH-01", "NORTH-07", "SOUTH-07", "'two words'")]),
        ("cp show no7", ["cp show NORTH-07"]),
        ("cp show 07", ["cp show NORTH-07", "cp show SOUTH-07"]),
        ("cp show 'NORTH-07", ["cp show NORTH-07"]),
        ("cp show two", ["cp show 'two words'"]),
        ("cp show 'two w", ["cp show 'two words'"]),
        ("csmsctl cp show so", ["csmsctl cp show SOUTH-07"]),
        ("clear-cache NORTH-01 s7", ["clear-cache NORTH-01 SOUTH-07"]),
        ("remote-start NORTH-01 --tag=", ["remote-start NORTH-01 --tag=A1"]),
        ("remote-start NORTH-01 --cnn", ["remote-start NORTH-01 --connector"]),
        ("reset NORTH-01 --type=so", ["reset NORTH-01 --type=Soft"]),
        ("unlckc", ["unlock-connector"]),
        ("exi", ["exit"]),
        ("help tag a", ["help tag add"]),
        ("tag show A1\ncp show no7", ["tag show A1\ncp show NORTH-07"]),
        ("cp show \\\nno7", ["cp show NORTH-07"]),
        ("tag show A1 \\", []),
        ('call NORTH-01 Reset {"type', []),
        ("nonsense ", []),
    ],
)
def test_completion(completing: ScriptedDaemon, line: str, expected: list[str]) -> None:
    found = [whole for whole, _ in completed(completing, line)]
    assert found[: len(expected)] == expected
    assert bool(found) == bool(expected)


def test_completion_shows_what_is_going_on(completing: ScriptedDaemon) -> None:
    assert completed(completing, "cp show NORTH-01") == [("cp show NORTH-01", "Charging")]


def test_completion_does_not_ask_for_every_letter(completing: ScriptedDaemon) -> None:
    completer = LineCompleter(GlobalOptions(socket=completing.path), root())
    for end in range(len("cp show "), len("cp show north") + 1):
        assert list(completer.get_completions(Document("cp show north"[:end]), CompleteEvent()))
    assert len(completing.requests) == 1


def test_completion_finds_what_is_beyond_the_first_hundreds(daemon: ScriptedDaemon) -> None:
    def answer(_peer: Peer, params: Params) -> Params:
        known = ["CP-X-1-9", "CP19"] if params.get("letters") == "p19" else [f"CP{number:04}" for number in range(500)]
        return {"values": [[identity, ""] for identity in known]}

    daemon.replies["complete"] = answer
    assert completed(daemon, "cp show p19") == [("cp show CP19", ""), ("cp show CP-X-1-9", "")]
    assert completed(daemon, "remote-start CP1 --tag=p19")[0] == ("remote-start CP1 --tag=CP19", "")


@pytest.mark.parametrize("typed", ["cp show no7\t\r", "cp show no7\t --json\r", "cp sho\t NO\t7\r"])
def test_what_is_typed_after_tab_stands_behind_what_it_found(
    run_shell: RunShell, completing: ScriptedDaemon, typed: str
) -> None:
    """However fast it is typed."""
    run_shell(typed)
    assert completing.params("charge_point.show") == {"id": "NORTH-07"}


def test_completion_of_files(daemon: ScriptedDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my tags.csv").touch()
    assert completed(daemon, "tag import ~/mt") == [("tag import ~/'my tags.csv'", "")]
    assert completed(daemon, f"tag import {tmp_path}/csv") == [(f"tag import '{tmp_path}/my tags.csv'", "")]


def test_completion_without_csmsd(daemon: ScriptedDaemon) -> None:
    daemon.close()
    assert completed(daemon, "cp show ") == []
    assert [whole for whole, _ in completed(daemon, "cp sho")] == ["cp show"]


def test_fuzzy_order() -> None:
    values = [(value, "") for value in ("C-X-P", "MYCP", "cp-2", "CXP", "CPX", "other")]
    assert [value for value, _ in matching("cp", values)] == ["cp-2", "CPX", "MYCP", "CXP", "C-X-P"]
    assert matching("", values) == values


# --- the toolbar


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_figures(daemon: ScriptedDaemon) -> None:
    daemon.replies["daemon.figures"] = FIGURES
    figures = Figures(daemon.path)
    figures.start(lambda: None)

    def text() -> str:
        return "".join(part for _, part in figures.parts())

    try:
        wait_until(lambda: text() == " 2 of 3 connected  1 transaction  11.0 kW ")
        assert figures.news() is None
        troubles = {"started_at": "later", "problems": 2, "open_tasks": 1, "queued_commands": 3, "store": "failing"}
        daemon.replies["daemon.figures"] = FIGURES | troubles
        daemon.wait_for("daemon.figures").hang_up()
        wait_until(lambda: "the store is failing" in text())
        assert text().endswith(" 11.0 kW  2 problems  1 command under way  3 queued ")
        assert figures.news() == "csmsd was restarted; connected again."
        assert figures.news() is None
        peer = daemon.wait_for("daemon.figures")
        daemon.close()
        peer.hang_up()
        wait_until(lambda: text().startswith(" csmsd is not reachable: There is no socket at "))
    finally:
        figures.stop()


@pytest.mark.parametrize(
    ("text", "complete", "rest"),
    [
        ("a\nb\n", ["a", "b"], ""),
        ("\n # it's\na 'b\nc'\n", ["a 'b\nc'"], ""),
        ("a\nb {\n", ["a"], "b {\n"),
        ("a \\\nb", ["a \\\nb"], ""),
    ],
)
def test_commands_in_a_text(text: str, complete: list[str], rest: str) -> None:
    assert commands_in(text) == (complete, rest)
