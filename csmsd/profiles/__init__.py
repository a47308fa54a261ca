"""Feature profiles, one room each, and the registry that finds every action in them.

csmsd/profiles/ROOM/ACTION.py    one slice: the action's messages, rules, handler, operator command
csmsd/profiles/ROOM/SUBJECT/     a subject of its own that slices of the room use: no action in there
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Consequence, Incoming, Operation, Outgoing
from csmsd.profiles.record import EventType

# In the order in which help and documentation list them.
ROOMS = {
    "core": "Core",
    "smart_charging": "Smart charging",
    "firmware_management": "Firmware management",
    "reservation": "Reservation",
    "local_auth_list": "Local authorization list",
    "remote_trigger": "Remote trigger",
    "security": "Security",
}


def _modules(room: str) -> list[ModuleType]:
    package = import_module(f"csmsd.profiles.{room}")
    return [
        import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__) if not found.ispkg
    ]


@cache
def slices(room: str) -> tuple[ModuleType, ...]:
    """The modules of a room that declare an action, in the order of their names."""
    return tuple(module for module in _modules(room) if hasattr(module, "INCOMING") or hasattr(module, "OUTGOING"))


def _all_slices() -> list[ModuleType]:
    return [module for room in ROOMS for module in slices(room)]


@cache
def incoming() -> dict[str, Incoming[Message, Message]]:
    """Every action that charge points may send, by its name on the wire."""
    found = [module.INCOMING for module in _all_slices() if hasattr(module, "INCOMING")]
    return {declared.action: declared for declared in found}


@cache
def outgoing() -> dict[str, Outgoing[Message, Message]]:
    """Every action that we may send, by its name on the wire."""
    found = [module.OUTGOING for module in _all_slices() if hasattr(module, "OUTGOING")]
    return {declared.action: declared for declared in found}


@cache
def consequences() -> dict[EventType, tuple[Consequence, ...]]:
    """What the rooms want to know of each other, by the event that tells it."""
    found: dict[EventType, tuple[Consequence, ...]] = {}
    for module in (module for room in ROOMS for module in _modules(room)):
        for rule in getattr(module, "CONSEQUENCES", ()):
            found[rule.event] = (*found.get(rule.event, ()), rule)
    return found


@cache
def operations(room: str | None = None) -> dict[str, type[Operation]]:
    """Every operator command by its name, of one room or of all."""
    modules = slices(room) if room is not None else _all_slices()
    return {
        declared.command: declared
        for module in modules
        for declared in vars(module).values()
        if isinstance(declared, type)
        and issubclass(declared, Operation)
        and declared is not Operation
        and declared.__module__ == module.__name__
    }
