"""The configuration keys of a charge point (C 9): who may write them, which values they take, what is reported."""

import re
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from csmsctl.simulator.meter import is_measurable_by_meter
from csmsd.ocpp.errors import OcppError
from csmsd.profiles.core.get_configuration import GetConfigurationConf, KeyValue

ChangeStatus = Literal["Accepted", "Rejected", "RebootRequired", "NotSupported"]
Check = Callable[[str], bool]

MAX_KEYS = 50
MAX_LIST = 10


class Key(msgspec.Struct, frozen=True):
    """A configuration key as a feature profile declares it. Without a `check` it is readonly."""

    name: str
    default: str
    check: Check | None = None
    reboot_required: bool = False
    write_only: bool = False


def integer_configuration(least: int = 0, most: int = 2**31 - 1) -> Check:
    """Whole numbers in a range."""
    return lambda value: re.fullmatch(r"-?[0-9]{1,10}", value) is not None and least <= int(value) <= most


def boolean_configuration(value: str) -> bool:
    return value.lower() in ("true", "false")


def measurands_configuration(value: str) -> bool:
    """A comma separated list of measurands; empty is none."""
    names = comma_separated_configuration(value)
    return len(names) <= MAX_LIST and all(is_measurable_by_meter(name) for name in names)


def phase_rotations_configuration(value: str) -> bool:
    """`0.RST, 1.RST, 2.RTS` (C 9.1.7)."""
    rotations = {"NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR"}
    parts = [part.partition(".") for part in comma_separated_configuration(value)]
    return all(connector.isdecimal() and rotation in rotations for connector, _, rotation in parts)


def comma_separated_configuration(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


class Configuration:
    """The keys of all feature profiles of one charge point, with their values. They outlive a reboot."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = {key.name.casefold(): key for key in keys}
        self._values = {folded: key.default for folded, key in self._keys.items()}
        self._pending: dict[str, str] = {}
        self.vetoes: list[Callable[[str, str], bool]] = []  # given name and value; True: it is not to be changed so
        self.changed: list[Callable[[str], None]] = []  # told the name of a key whose value changed

    # --- what the charge point reads

    def text(self, name: str) -> str:
        return self._values[name.casefold()]

    def integer(self, name: str) -> int:
        return int(self.text(name))

    def boolean(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def names(self, name: str) -> list[str]:
        """The parts of a comma separated list."""
        return comma_separated_configuration(self.text(name))

    def put(self, name: str, value: str) -> None:
        """Sets a value from inside: readonly keys too, unchecked and untold."""
        self._values[name.casefold()] = value

    # --- what the Central System does

    def change(self, name: str, value: str) -> ChangeStatus:
        """ChangeConfiguration (C 5.3)."""
        key = self._keys.get(name.casefold())
        if key is None:
            return "NotSupported"
        if key.check is None or not key.check(value) or any(veto(key.name, value) for veto in self.vetoes):
            return "Rejected"
        if key.reboot_required:
            self._pending[name.casefold()] = value
            return "RebootRequired"
        self._values[name.casefold()] = value
        for tell in self.changed:
            tell(key.name)
        return "Accepted"

    def report(self, wanted: list[str] | None) -> GetConfigurationConf:
        """GetConfiguration (C 5.8): the keys asked for, or all; a write-only one never shows its value."""
        if not wanted:
            keys = [key for key in self._keys.values() if not key.write_only]
            return GetConfigurationConf(configuration_key=[self._reported(key) for key in keys])
        if len(wanted) > MAX_KEYS:
            raise OcppError("OccurenceConstraintViolation", f"at most {MAX_KEYS} keys may be asked for at once")
        known = [self._keys[name.casefold()] for name in wanted if name.casefold() in self._keys]
        unknown = [name for name in wanted if name.casefold() not in self._keys]
        return GetConfigurationConf(
            configuration_key=[self._reported(key) for key in known], unknown_key=unknown or None
        )

    def _reported(self, key: Key) -> KeyValue:
        value = None if key.write_only else self._values[key.name.casefold()]
        return KeyValue(key=key.name, readonly=key.check is None, value=value)

    def reboot(self) -> None:
        """Puts into effect what was answered RebootRequired."""
        self._values |= self._pending
        self._pending.clear()
