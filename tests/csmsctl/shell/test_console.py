"""The shell, its keyboard a pipe: what its lines do."""

import json
import signal

import pytest

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon
from tests.csmsctl.shell.answers import RunShell, history


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
