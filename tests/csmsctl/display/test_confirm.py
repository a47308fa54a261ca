"""Asking before something is destroyed."""

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.csmsctl.terminal import Terminal


@pytest.mark.parametrize(("answer", "code"), [("y\r", 0), ("yes\r", 0), ("\r", 10), ("n\r", 10), ("\x04", 10)])
def test_confirmation_on_a_terminal(csmsctl: Csmsctl, daemon: ScriptedDaemon, answer: str, code: int) -> None:
    daemon.replies["cp"] = {}
    daemon.replies["charge_point.show"] = {"id": "CP1"}
    daemon.replies["charge_point.remove"] = {"changed": True}
    terminal = Terminal(csmsctl, "cp", "remove", "CP1")
    terminal.expect("[y/N]")
    terminal.type(answer)
    assert terminal.end()[0] == code
    asked = [method for method, _ in daemon.requests]
    assert asked == ["charge_point.show", *(["charge_point.remove"] if code == 0 else [])]
