"""`watch` in a terminal that is one: tmux, when it is there."""

import signal
import subprocess
from collections.abc import Iterator

import pytest

from csmsctl.dashboard.keys_and_screen import keys_pressed
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.support.tmux import Tmux, has, terminal


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"qs/", ["q", "s", "/"]),
        (b"\x1b[A\x1b[B\x1bOA", ["up", "down", "up"]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[F", ["pgup", "pgdn", "home", "end"]),
        (b"\x1b", ["esc"]),
        (b"\x1b\x1b[A", ["esc", "up"]),
        (b"\r\n\x7f", ["enter", "enter", "backspace"]),
        (b"\x1b[15;2~x", ["x"]),  # a key that nobody knows
        ("ü漢".encode(), ["ü", "漢"]),
        (b"\xff", []),
        (b"\x1b[1", []),
    ],
)
def test_keys_are_read_from_what_a_terminal_sends(data: bytes, read: list[str]) -> None:
    assert keys_pressed(data) == read


@pytest.fixture
def tmux(csmsctl: Csmsctl) -> Iterator[Tmux]:
    with terminal(csmsctl.environment, 80, 20) as tmux:
        yield tmux


def test_keys_sizes_and_a_csmsd_that_comes_back(tmux: Tmux, csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    many = [samples.charge_point(f"CP{number}", connectors=[samples.connector(1)]) for number in range(1, 41)]
    faulted = samples.charge_point(
        "CP99",
        connectors=[samples.connector(1, status="Faulted")],
        problems=[samples.problem("faulted", charge_point="CP99", severity="critical", text="Faulted: wet")],
    )
    charging = samples.charge_point("CP50", connectors=[samples.connector(2, transaction=7, power_w=3000.0)])
    reading = {"measurand": "Power.Active.Import", "unit": "W", "value": "3000"}
    replies = {
        "event.subscribe": {"subscription": 1, "last": 5},
        "status": samples.status(*many, charging, faulted),
        "transaction.meter": {"meter_values": [{"time": "2026-01-31T10:00:00.000Z", "samples": [reading]}]},
    }
    daemon.replies |= replies
    tmux.run("watch")
    tmux.until(lambda screen: has("1-11 of 42")(screen) and screen[4].split()[:3] == ["!", "CP99", "1"])
    tmux.until(has("███"))  # what was measured before
    assert daemon.params("transaction.meter") == {"id": 7, "limit": 120}

    tmux.type("sj")
    tmux.until(lambda screen: screen[4].split()[:1] == ["CP1"] and has("CP2 connector 1: Available")(screen))
    tmux.type("/cp4\n")
    tmux.until(has("1-2 of 2  /cp4"))
    tmux.type("a")
    tmux.until(has("1-11 of 42"))

    tmux.resize(120, 30)
    tmux.until(lambda screen: has("1-21 of 42")(screen) and "PROBLEM" in screen[3])
    tmux.resize(50, 10)
    tmux.until(lambda screen: len(screen) <= 10 and max(map(len, screen)) <= 50 and has("of 42")(screen))

    peer = daemon.wait_for("status")
    daemon.replies.clear()
    peer.hang_up()
    tmux.until(has("csmsd cannot be reached since"))
    daemon.replies |= replies
    tmux.until(lambda screen: not has("cannot be reached")(screen) and has("of 42")(screen))

    assert tmux.alternate
    tmux.type("q")
    tmux.until(has("ended with 0"))
    assert not tmux.alternate


def test_the_terminal_is_put_back_when_it_is_terminated(tmux: Tmux, csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "event.subscribe": {"subscription": 1, "last": 5},
        "status": samples.status(samples.charge_point()),
        "transaction.meter": {"meter_values": []},
    }
    tmux.run("watch")
    tmux.until(has("Charging"))
    subprocess.run(["kill", f"-{signal.SIGTERM}", str(tmux.child())], check=True)
    tmux.until(has("ended with 143"))
    assert not tmux.alternate
    tmux.type("stty -a\n")
    settings = " ".join(tmux.until(has("echoctl")))
    assert "-icanon" not in settings
    assert " -echo " not in settings
