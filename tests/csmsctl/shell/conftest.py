"""A shell whose keyboard is a pipe, with a csmsd that knows some charge points."""

from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.shell.console import Console
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon
from tests.csmsctl.shell.answers import FIGURES, IDENTITIES, RunShell


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


@pytest.fixture
def completing(daemon: ScriptedDaemon, monkeypatch: pytest.MonkeyPatch) -> ScriptedDaemon:
    monkeypatch.setattr("csmsctl.arguments.candidates._PATIENCE", 30.0)  # this process may stand still for 0.3 s

    def answer(_peer: Peer, params: Params) -> Params:
        known = {"targets": IDENTITIES, "charge_points": IDENTITIES, "tags": [["A1", "Ada"]]}.get(params["kind"], [])
        prefix = params.get("prefix", "")
        return {"values": [pair for pair in known if pair[0].startswith(prefix)]}

    daemon.replies["complete"] = answer
    return daemon
