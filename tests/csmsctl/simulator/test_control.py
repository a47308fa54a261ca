"""The commands on standard input."""

import pytest

from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.control import NotUnderstood, control_usage, understand_control_line
from tests.csmsctl.simulator.central_system import NOON, booted


def test_commands_do_what_they_say() -> None:
    central_system = booted()
    point = central_system.charge_point

    def say(line: str) -> None:
        understood = understand_control_line(line, {"SIM-1": point})
        assert understood is not None
        central_system.act(understood[1])

    say("plug SIM-1 1")
    say("present SIM-1 1 TAG  # the driver")
    assert central_system.status() == "Charging"
    say("unplug SIM-1 1")
    assert central_system.status() == "Available"
    say("fault SIM-1 0 highTemperature")
    assert central_system.status(0) == "Faulted"
    say("fault SIM-1 0 NoError")
    say("charge SIM-1 2 TAG 30")
    central_system.run(10)
    assert central_system.status(2) == "Charging"
    central_system.run(30)
    assert central_system.status(2) == "Available"
    say("offline SIM-1")
    say("online SIM-1")
    say("reboot SIM-1")
    central_system.run(10)
    say("power-failure SIM-1")
    central_system.run(10)
    told = [notice.event for notice in central_system.notices if notice.event.endswith(("connected", "reboots"))]
    away = ["disconnected", "connected"]
    assert told == ["connected", *away, "reboots", *away, "reboots", *away]


@pytest.mark.parametrize(
    "line",
    [
        "dance SIM-1",
        "plug",
        "plug SIM-9 1",
        "plug SIM-1",
        "plug SIM-1 0",
        "plug SIM-1 3",
        "plug SIM-1 x",
        "plug SIM-1 1 now",
        "present SIM-1 1",
        "fault SIM-1 1 Hiccup",
        "charge SIM-1 1 TAG soon",
    ],
)
def test_what_is_not_understood(line: str) -> None:
    with pytest.raises(NotUnderstood):
        understand_control_line(line, {"SIM-1": ChargePoint("SIM-1", now=NOON)})


@pytest.mark.parametrize("line", ["", "   ", "# a comment"])
def test_nothing_to_do(line: str) -> None:
    assert understand_control_line(line, {}) is None


def test_usage_lists_every_command() -> None:
    assert {line.split()[0] for line in control_usage().splitlines()} >= {
        "plug",
        "present",
        "unplug",
        "offline",
        "quit",
    }
