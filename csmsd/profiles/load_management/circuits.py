"""Circuits: fused lines with their limits, in a tree, and the members that hang on them. Pure.

Currents are whole milliamperes: sums are exact, and do not depend on the order in which they are made. What flows has
four lanes: a current on each grid phase, and the sum of the three, which stands for power at the set voltage (C 7.12).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.profiles.record import Milliseconds, Record
from csmsd.profiles.smart_charging.short_form import NotUnderstood, limit_of_short_form

Milliamperes = int
Key = tuple[str, int]  # charge point, folded, and connector
Lanes = tuple[int, int, int, int]

STRAIGHT = "L1L2L3"  # the wiring of what nobody has turned
SUM = 3  # the lane that is the sum of the phases
DAY_MINUTES = 24 * 60
_MOST_A = 100_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WINDOW = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})=(\S+)")
_PHASE = {"L1": 0, "L2": 1, "L3": 2, "R": 0, "S": 1, "T": 2}


class CircuitError(Exception):
    """Circuits that cannot be as they are described; the text says which, and why."""


class Circuit(Record, kw_only=True):
    """A fused line. A limit that is None is not given here; that of a line above holds all the same.

    What else hangs on it counts by its newest reading, and as the reserve where that is older than `reading_max_age_s`
    or where there is none.
    """

    table: ClassVar[str] = "circuit"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    parent: str | None = None
    l1_ma: Milliamperes | None = None
    l2_ma: Milliamperes | None = None
    l3_ma: Milliamperes | None = None
    power_w: int | None = None
    reserve_l1_ma: Milliamperes = 0
    reserve_l2_ma: Milliamperes = 0
    reserve_l3_ma: Milliamperes = 0
    reading_max_age_s: int = 120
    timetable: str = ""  # lower limits at times of the day, as 17:00-20:00=25A,22:00-24:00=11kW
    meter: str | None = None  # the charge point whose main meter (connector 0, C 4.7) measures the line
    meter_counts: Literal["all", "others"] = "all"  # with its members, or without

    @property
    def phases_ma(self) -> tuple[Milliamperes | None, ...]:
        return self.l1_ma, self.l2_ma, self.l3_ma

    @property
    def reserve_ma(self) -> tuple[Milliamperes, ...]:
        return self.reserve_l1_ma, self.reserve_l2_ma, self.reserve_l3_ma


class Member(Record, kw_only=True):
    """A connector on a circuit; 0 is the charge point as a whole, with all of its connectors.

    `phases` are the grid phases that its own are wired to, in their order (L2L3L1, or STR as ConnectorPhaseRotation
    spells it). `rating_ma` is the most that it can draw on one of them. Below `minimum_ma` a car does not charge
    (IEC 61851). `fallback_ma` is what it may draw when nothing is heard of csmsd any more; None: an even share.
    It takes limits in steps of `step_ma`, not below `floor_ma`, and its clock is off by `skew_s` at most.
    """

    table: ClassVar[str] = "circuit_member"
    key: ClassVar[tuple[str, ...]] = ("charge_point", "connector")

    circuit: str
    charge_point: str
    connector: int = 1
    phases: str = STRAIGHT
    rating_ma: Milliamperes = 32_000
    minimum_ma: Milliamperes = 6_000
    fallback_ma: Milliamperes | None = None
    weight: int = 1
    step_ma: Milliamperes = 1_000
    floor_ma: Milliamperes = 0
    skew_s: int = 10

    @property
    def place(self) -> Key:
        return fold(self.charge_point), self.connector

    @property
    def wiring(self) -> tuple[int, ...]:
        return phases_of_wiring(self.phases)


class TemporaryLimit(Record, kw_only=True):
    """A lower limit of a circuit for a while, on each phase or in all."""

    table: ClassVar[str] = "circuit_limit"
    key: ClassVar[tuple[str, ...]] = ("circuit",)

    circuit: str
    ma: Milliamperes | None = None
    power_w: int | None = None
    until: Milliseconds


class Reading(msgspec.Struct, kw_only=True):
    """What else than its members draws on a circuit, as it was measured."""

    circuit: str
    l1_ma: Milliamperes
    l2_ma: Milliamperes
    l3_ma: Milliamperes
    at: Milliseconds

    @property
    def phases_ma(self) -> tuple[Milliamperes, ...]:
        return self.l1_ma, self.l2_ma, self.l3_ma


def reading_of_amperes(circuit: Circuit, amperes: Sequence[object], at: Milliseconds) -> Reading | None:
    """What somebody says of L1, L2 and L3; None where that is no current. What is fed in is not given out.

    A phase of which nothing is said (None) is not measured: its reserve counts.
    """
    found = []
    for value, reserve_ma in zip(amperes, circuit.reserve_ma, strict=True):
        if value is None:
            found.append(reserve_ma)
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not -_MOST_A < value < _MOST_A:
            return None
        found.append(max(0, round(value * 1000)))
    return Reading(circuit=circuit.name, l1_ma=found[0], l2_ma=found[1], l3_ma=found[2], at=at)


class Window(msgspec.Struct, frozen=True):
    """From `start` to `end`, minutes of the day, a lower limit; one that goes over midnight ends after 24 hours."""

    start: int
    end: int
    ma: Milliamperes | None
    power_w: int | None

    def holds(self, minute: int) -> bool:
        return self.start <= minute < self.end or self.start <= minute + DAY_MINUTES < self.end


# --- what is written


def phases_of_wiring(text: str) -> tuple[int, ...]:
    """L1L2L3, L2 or STR as numbers of grid phases, 0 to 2, in the order of the member's own. Raises CircuitError."""
    found = re.findall(r"L[123]|[RST]", text.upper())
    phases = tuple(_PHASE[name] for name in found)
    if not phases or "".join(found) != re.sub(r"[\s,+-]", "", text.upper()) or len(set(phases)) < len(phases):
        raise CircuitError(f"{text!r} is no wiring; write the grid phases in their order: L1L2L3, L2, or STR")
    return phases


def windows_of_timetable(text: str) -> tuple[Window, ...]:
    """17:00-20:00=25A,22:00-06:00=11kW as windows; they may overlap, the lowest limit holds. Raises CircuitError."""
    windows = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _WINDOW.fullmatch(part)
        if match is None:
            raise CircuitError(f"{part!r} is no window of the day; write it as 17:00-20:00=25A")
        start, end = (int(match[at]) * 60 + int(match[at + 1]) for at in (1, 3))
        if start >= DAY_MINUTES or end > DAY_MINUTES or int(match[2]) > 59 or int(match[4]) > 59:
            raise CircuitError(f"{part!r}: there is no such time of the day")
        number, unit = current_or_power(match[5])
        end = end if end > start else end + DAY_MINUTES
        windows.append(Window(start, end, number if unit == "A" else None, number if unit == "W" else None))
    return tuple(windows)


def current_or_power(text: str) -> tuple[int, Literal["A", "W"]]:
    """25A as 25000 mA, 11kW as 11000 W. Raises CircuitError."""
    try:
        number, unit = limit_of_short_form(text)
    except NotUnderstood as error:
        raise CircuitError(str(error)) from None
    return (round(number * 1000), "A") if unit == "A" else (round(number), "W")


# --- checks


def check_circuits(circuits: Iterable[Circuit], members: Iterable[Member]) -> None:
    """Raises CircuitError for what cannot be: each circuit and member by itself, and how they hang together."""
    known: dict[str, Circuit] = {}
    for circuit in circuits:
        _check_circuit(circuit)
        if fold(circuit.name) in known:
            raise CircuitError(f"there are two circuits {circuit.name}")
        known[fold(circuit.name)] = circuit
    for circuit in known.values():
        list(path_of_circuits(known, circuit.name))
    where: dict[Key, Member] = {}
    for member in members:
        _check_member(member, known)
        if member.place in where:
            raise CircuitError(
                f"connector {member.connector} of {member.charge_point} is on {where[member.place].circuit} "
                f"and on {member.circuit}: it is a member of one circuit"
            )
        where[member.place] = member
    for charge_point, connector in where:
        if connector and (charge_point, 0) in where:
            name = where[charge_point, 0].charge_point
            raise CircuitError(f"{name} is a member as a whole, and with its connector {connector}, too")


def _check_circuit(circuit: Circuit) -> None:
    name = circuit.name
    if not _NAME.fullmatch(name):
        raise CircuitError(f"{name!r} is no name of a circuit: letters, digits, dots, hyphens, underscores; at most 64")
    if circuit.power_w is None and all(limit is None for limit in circuit.phases_ma):
        raise CircuitError(f"{name}: say its limit, on each phase (63A) or in all (40kW)")
    limits = (*circuit.phases_ma, circuit.power_w)
    if any(limit is not None and limit < 0 for limit in limits) or min(circuit.reserve_ma) < 0:
        raise CircuitError(f"{name}: a limit or reserve below 0")
    for limit, reserve, phase in zip(circuit.phases_ma, circuit.reserve_ma, "123", strict=True):
        if limit is not None and reserve > limit:
            raise CircuitError(
                f"{name}: the reserve of L{phase}, {amperes(reserve)}, is more than its limit of {amperes(limit)}"
            )
    if circuit.meter_counts not in ("all", "others"):
        raise CircuitError(f"{name}: its meter counts `all`, or the `others` than its members")
    if circuit.reading_max_age_s < 1:
        raise CircuitError(f"{name}: a reading holds for a second or longer")
    windows_of_timetable(circuit.timetable)


def _check_member(member: Member, circuits: Mapping[str, Circuit]) -> None:
    name = f"connector {member.connector} of {member.charge_point}"
    if fold(member.circuit) not in circuits:
        raise CircuitError(f"{name}: there is no circuit {member.circuit}")
    if member.connector < 0:
        raise CircuitError(f"{name}: connectors begin at 1, and 0 is the whole charge point")
    if member.weight < 1 or member.weight > 100:
        raise CircuitError(f"{name}: its weight is a number from 1 to 100")
    wiring = phases_of_wiring(member.phases)
    if member.step_ma not in (1_000, 100):
        raise CircuitError(f"{name}: it takes limits in whole amperes or in tenths")
    if not 0 <= member.floor_ma <= member.minimum_ma or member.skew_s < 0:
        raise CircuitError(f"{name}: its lowest limit is from 0 to its minimum, and its clock is off by 0 s or more")
    if not 0 < member.minimum_ma <= member.rating_ma:
        raise CircuitError(
            f"{name}: its minimum of {amperes(member.minimum_ma)} is not between 0 and its rating of "
            f"{amperes(member.rating_ma)}"
        )
    fallback = member.fallback_ma
    if fallback is not None and fallback != 0 and not member.minimum_ma <= fallback <= member.rating_ma:
        raise CircuitError(
            f"{name}: its fallback is 0 or from its minimum, {amperes(member.minimum_ma)}, to its rating, "
            f"{amperes(member.rating_ma)}"
        )
    for circuit in path_of_circuits(circuits, member.circuit):
        for phase in wiring:
            if circuit.power_w is None and circuit.phases_ma[phase] is None:
                raise CircuitError(f"{name} is wired to L{phase + 1}, which {circuit.name} does not have")


def path_of_circuits(circuits: Mapping[str, Circuit], name: str) -> Iterator[Circuit]:
    """A circuit and those above it, by folded name. Raises CircuitError where one is missing or they go in a circle."""
    seen: list[str] = []
    at: str | None = name
    while at is not None:
        circuit = circuits.get(fold(at))
        if circuit is None:
            raise CircuitError(f"{seen[-1]} hangs on {at}, which is no circuit" if seen else f"no circuit {at}")
        if circuit.name in seen:
            raise CircuitError(f"{' hangs on '.join([*seen, circuit.name])}: that is a circle")
        seen.append(circuit.name)
        yield circuit
        at = circuit.parent


def amperes(ma: Milliamperes) -> str:
    """10000 as 10A, 12500 as 12.5A."""
    return f"{ma / 1000:.3f}".rstrip("0").rstrip(".") + "A"


# --- the tree


class Tree:
    """Circuits and members, checked; a constraint is a lane of a circuit. Raises CircuitError."""

    def __init__(self, circuits: Iterable[Circuit], members: Iterable[Member], voltage: int = 230) -> None:
        self.circuits = {fold(circuit.name): circuit for circuit in circuits}
        self.members = {member.place: member for member in members}
        check_circuits(self.circuits.values(), self.members.values())
        self._voltage = voltage
        self._windows = {name: windows_of_timetable(circuit.timetable) for name, circuit in self.circuits.items()}
        self.constraints: list[tuple[str, int]] = []  # circuit, folded, and lane
        self._of: dict[str, list[tuple[int, int]]] = {name: [] for name in self.circuits}
        for name in self.circuits:
            for lane in range(SUM + 1):
                self._of[name].append((len(self.constraints), lane))
                self.constraints.append((name, lane))
        self.paths = {
            key: tuple(
                place
                for circuit in path_of_circuits(self.circuits, member.circuit)
                for place in self._of[fold(circuit.name)]
            )
            for key, member in self.members.items()
        }

    def windows(self, circuit: str) -> tuple[Window, ...]:
        return self._windows[circuit]

    def uses(self, key: Key, phases: tuple[int, ...] | None = None) -> list[tuple[int, int]]:
        """What a milliampere of the member takes of each constraint above it, on all of its phases or on these."""
        lanes = lanes_of(self.members[key].wiring if phases is None else phases)
        return [(index, lanes[lane]) for index, lane in self.paths[key] if lanes[lane]]

    def limits(self, minute: int | None, temporary: Mapping[str, TemporaryLimit]) -> list[int]:
        """Of each constraint, at a minute of the day; None: the lowest of the day."""
        found = []
        for name, lane in self.constraints:
            circuit = self.circuits[name]
            lowered = [
                window.power_w if lane == SUM else window.ma
                for window in self._windows[name]
                if minute is None or window.holds(minute)
            ]
            if name in temporary:
                lowered.append(temporary[name].power_w if lane == SUM else temporary[name].ma)
            own = circuit.power_w if lane == SUM else circuit.phases_ma[lane]
            given = [limit for limit in (own, *lowered) if limit is not None]
            found.append(self._in_lane(min(given), lane) if given else UNLIMITED)
        return found

    def _in_lane(self, limit: int, lane: int) -> int:
        return limit * 1000 // self._voltage if lane == SUM else limit

    def others(self, readings: Mapping[str, Reading], now: Milliseconds) -> tuple[list[int], list[str]]:
        """What else draws on each constraint, and the circuits whose readings are too old to go by."""
        stale = [
            name
            for name, circuit in self.circuits.items()
            if name in readings and not 0 <= now - readings[name].at <= circuit.reading_max_age_s * 1000
        ]
        drawn = {
            name: readings[name].phases_ma if name in readings and name not in stale else circuit.reserve_ma
            for name, circuit in self.circuits.items()
        }
        return [_in_lanes(drawn[name])[lane] for name, lane in self.constraints], stale

    def reserves(self) -> list[int]:
        """What else may draw on each constraint while nobody measures it."""
        return [_in_lanes(self.circuits[name].reserve_ma)[lane] for name, lane in self.constraints]


UNLIMITED = 10**9


def lanes_of(phases: Sequence[int]) -> Lanes:
    """What a milliampere on each of these grid phases takes of the four lanes."""
    return (int(0 in phases), int(1 in phases), int(2 in phases), len(phases))


def _in_lanes(phases_ma: tuple[int, ...]) -> tuple[int, ...]:
    return *phases_ma, sum(phases_ma)
