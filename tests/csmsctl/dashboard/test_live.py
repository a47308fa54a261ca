"""`watch`, live."""

import signal

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.csmsctl.terminal import Terminal


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
        assert process.wait(60) == 130
