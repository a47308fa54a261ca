"""Tables and the pager on a terminal."""

from pathlib import Path

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.csmsctl.terminal import Terminal


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
