"""The commands that steer simulated charge points while they run: `plug SIM-1 1`, a line each."""

from collections.abc import Callable
from typing import get_args

from csmsctl.simulator.car_descriptions import another_car, car_of_description
from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.circuits import Circuits
from csmsctl.simulator.connector import Connector
from csmsctl.simulator.driver import driver_visit
from csmsd.ocpp.identity import fold
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


def _control_car(connector: Connector, text: str) -> Action:
    try:
        car = car_of_description(text)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None
    return lambda: setattr(connector, "next_car", another_car(car))


# Command: the words after charge point and connector, and what makes an action of them.
CONNECTOR_COMMANDS: dict[str, tuple[str, Callable[..., Action]]] = {
    "plug": ("", _control_plug),
    "unplug": ("", _control_unplug),
    "present": ("TAG", _control_present),
    "charge": ("TAG SECONDS", _control_charge),
    "car": ("CAR", _control_car),
    "fault": ("ERRORCODE", _control_fault),
}
CHARGE_POINT_COMMANDS: dict[str, Callable[[ChargePoint], None]] = {
    "offline": ChargePoint.go_offline,
    "online": ChargePoint.go_online,
    "reboot": lambda charge_point: charge_point.reboot("Reboot"),
    "power-failure": ChargePoint.power_failure,
}
CIRCUIT_COMMANDS = {"close": "", "other": "L1 L2 L3"}


def control_usage() -> str:
    """All commands, a line each."""
    lines = [f"{name} ID CONNECTOR {words}".rstrip() for name, (words, _) in CONNECTOR_COMMANDS.items()]
    lines += [f"{name} ID" for name in CHARGE_POINT_COMMANDS]
    return "\n".join(
        [*lines, *(f"{name} CIRCUIT {words}".rstrip() for name, words in CIRCUIT_COMMANDS.items()), "quit"]
    )


def understand_circuit_line(line: str, circuits: Circuits) -> Action | None:
    """What to do with a circuit: to close its breaker again, or to draw so many A on each phase besides all cars."""
    name, *words = line.split("#", 1)[0].split() or [""]
    if name not in CIRCUIT_COMMANDS:
        return None
    found = circuits.lines.get(fold(words[0])) if words else None
    if found is None:
        raise NotUnderstood(f"{name} needs a circuit, one of: {', '.join(one.name for one in circuits.lines.values())}")
    if len(words) != 1 + len(CIRCUIT_COMMANDS[name].split()):
        raise NotUnderstood(f"usage: {name} CIRCUIT {CIRCUIT_COMMANDS[name]}".rstrip())
    if name == "close":
        return lambda: circuits.close(found.name)
    try:
        currents = [float(word) for word in words[1:]]
    except ValueError:
        raise NotUnderstood(f"{' '.join(words[1:])} are no three currents in A") from None
    return lambda: setattr(found, "other_a", currents)


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
