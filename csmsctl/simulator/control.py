"""The commands that steer simulated charge points while they run: `plug SIM-1 1`, a line each."""

from collections.abc import Callable
from typing import get_args

from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.connector import Connector
from csmsctl.simulator.driver import driver_visit
from csmsd.ocpp.types import ChargePointErrorCode


class NotUnderstood(Exception):
    """A command that makes no sense; the text says why."""


Action = Callable[[], None]


def _control_plug(connector: Connector) -> Action:
    return connector.plug


def _control_unplug(connector: Connector) -> Action:
    return connector.unplug


def _control_present(connector: Connector, id_tag: str) -> Action:
    return lambda: connector.present(id_tag)


def _control_fault(connector: Connector, text: str) -> Action:
    codes: dict[str, ChargePointErrorCode] = {code.casefold(): code for code in get_args(ChargePointErrorCode)}
    code = codes.get(text.casefold())
    if code is None:
        raise NotUnderstood(f"{text} is no error code; there are: {', '.join(codes.values())}")
    return lambda: connector.fault(code)


def _control_charge(connector: Connector, id_tag: str, text: str) -> Action:
    try:
        seconds = float(text)
    except ValueError:
        raise NotUnderstood(f"{text} is no number of seconds") from None
    return lambda: driver_visit(connector.charge_point, connector.number, id_tag, seconds)


# Command: the words after charge point and connector, and what makes an action of them.
CONNECTOR_COMMANDS: dict[str, tuple[str, Callable[..., Action]]] = {
    "plug": ("", _control_plug),
    "unplug": ("", _control_unplug),
    "present": ("TAG", _control_present),
    "charge": ("TAG SECONDS", _control_charge),
    "fault": ("ERRORCODE", _control_fault),
}
CHARGE_POINT_COMMANDS: dict[str, Callable[[ChargePoint], None]] = {
    "offline": ChargePoint.go_offline,
    "online": ChargePoint.go_online,
    "reboot": lambda charge_point: charge_point.reboot("Reboot"),
    "power-failure": ChargePoint.power_failure,
}


def control_usage() -> str:
    """All commands, a line each."""
    lines = [f"{name} ID CONNECTOR {words}".rstrip() for name, (words, _) in CONNECTOR_COMMANDS.items()]
    return "\n".join([*lines, *(f"{name} ID" for name in CHARGE_POINT_COMMANDS), "quit"])


def understand_control_line(line: str, charge_points: dict[str, ChargePoint]) -> tuple[ChargePoint, Action] | None:
    """The charge point that a line is about, and what to do; None for an empty line or a comment."""
    words = line.split("#", 1)[0].split()
    if not words:
        return None
    name, *rest = words
    if name not in CONNECTOR_COMMANDS and name not in CHARGE_POINT_COMMANDS:
        raise NotUnderstood(f"{name} is no command; there are:\n{control_usage()}")
    if not rest or rest[0] not in charge_points:
        raise NotUnderstood(f"{name} needs a charge point, one of: {', '.join(charge_points)}")
    charge_point = charge_points[rest.pop(0)]
    if name in CHARGE_POINT_COMMANDS:
        action = CHARGE_POINT_COMMANDS[name]
        return charge_point, lambda: action(charge_point)
    names, action_of = CONNECTOR_COMMANDS[name]
    if len(rest) != 1 + len(names.split()):
        raise NotUnderstood(f"usage: {name} ID CONNECTOR {names}".rstrip())
    number = rest.pop(0)
    # Connector 0 is the charge point itself: it can have a fault, but no cable.
    known = [connector for connector in charge_point.connectors if connector > 0 or name == "fault"]
    if not number.isdecimal() or int(number) not in known:
        raise NotUnderstood(f"{charge_point.identity} has connectors {', '.join(map(str, known))}, not {number}")
    return charge_point, action_of(charge_point.connectors[int(number)], *rest)
