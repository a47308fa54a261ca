"""Circuits of load management: how they are described, limited and measured."""

from typing import Any, Literal

import msgspec

from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, NoParameters, Table, not_there, usage
from csmsd.control.service import Service
from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.profiles.load_management.circuits import (
    Circuit,
    CircuitError,
    Member,
    TemporaryLimit,
    current_or_power,
    reading_of_amperes,
)
from csmsd.profiles.load_management.description import describe_circuits, phases_of_text, power_of_text, read_circuits
from csmsd.profiles.load_management.load import LoadManagement
from csmsd.profiles.record import Event

NOTHING = "none"  # what takes an option back


class Name(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Description(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is not said stays as it is, or as it is usual; `none` takes back what was said."""

    name: str
    limit: list[str] | None = None  # one for all phases, or three
    power: str | None = None
    parent: str | None = None
    reserve: list[str] | None = None
    reading_max_age: int | None = None  # in seconds
    timetable: str | None = None
    meter: str | None = None
    meter_counts: Literal["all", "others"] | None = None


class WholeDescription(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    circuits: dict[str, Any]  # what the file says
    dry_run: bool = False


class Limit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Without a limit it is taken back."""

    name: str
    limit: str | None = None
    until: str | None = None


class Measured(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """In A. What is not said of a phase is not measured there: its reserve counts."""

    name: str
    l1: float | None = None
    l2: float | None = None
    l3: float | None = None


def load_of(service: Service) -> LoadManagement:
    return service.site.smart_charging.load


def known_circuit(service: Service, name: str) -> Circuit:
    circuit = load_of(service).circuit(name)
    if circuit is None:
        raise not_there(f"No circuit {name}.", "See: csmsctl circuit list")
    return circuit


def _amperes_or_none(ma: int | None) -> float | None:
    return None if ma is None else ma / 1000


def _circuit_view(service: Service, circuit: Circuit) -> Json:
    load = load_of(service)
    limit = load.outside(0, service.now()).temporary.get(fold(circuit.name))
    reading = load.readings.get(fold(circuit.name))
    return {
        "name": circuit.name,
        "parent": circuit.parent,
        "l1_a": _amperes_or_none(circuit.l1_ma),
        "l2_a": _amperes_or_none(circuit.l2_ma),
        "l3_a": _amperes_or_none(circuit.l3_ma),
        "power_w": circuit.power_w,
        "reserve_a": [ma / 1000 for ma in circuit.reserve_ma],
        "reading_max_age_s": circuit.reading_max_age_s,
        "timetable": circuit.timetable or None,
        "meter": circuit.meter,
        "meter_counts": circuit.meter_counts,
        "members": sum(fold(member.circuit) == fold(circuit.name) for member in load.members.values()),
        "lowered_a": None if limit is None else _amperes_or_none(limit.ma),
        "lowered_w": None if limit is None else limit.power_w,
        "lowered_until": None if limit is None else format_timestamp(limit.until),
        "reading_a": None if reading is None else [ma / 1000 for ma in reading.phases_ma],
        "reading_at": None if reading is None else format_timestamp(reading.at),
    }


def circuit_member_view(member: Member) -> Json:
    return {
        "charge_point": member.charge_point,
        "connector": member.connector,
        "phases": member.phases,
        "rating_a": member.rating_ma / 1000,
        "minimum_a": member.minimum_ma / 1000,
        "fallback_a": _amperes_or_none(member.fallback_ma),
        "weight": member.weight,
        "step_a": member.step_ma / 1000,
        "lowest_a": member.floor_ma / 1000,
        "clock_skew_s": member.skew_s,
    }


# --- what there is


async def list_circuits(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    views = [_circuit_view(service, circuit) for _, circuit in sorted(load_of(service).circuits.items())]
    return {"schema_version": SCHEMA_VERSION, "circuits": views}


async def show_circuit(service: Service, parameters: Name, caller: Caller) -> Json:
    circuit = known_circuit(service, parameters.name)
    members = [
        circuit_member_view(member)
        for _, member in sorted(load_of(service).members.items())
        if fold(member.circuit) == fold(circuit.name)
    ]
    return {"schema_version": SCHEMA_VERSION} | _circuit_view(service, circuit) | {"on_it": members}


async def export_circuits(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    load = load_of(service)
    members = [member for _, member in sorted(load.members.items())]
    return describe_circuits(list(load.circuits.values()), members)


# --- changes


async def replace_circuits(service: Service, circuits: list[Circuit], members: list[Member]) -> int:
    """Puts these in the place of all; how many rows that has changed."""
    service.live.require()
    try:
        changes = load_of(service).replace(circuits, members)
    except CircuitError as error:
        raise usage(f"{error}.") from None
    if changes:
        told = Event("circuit.changed", None, {"circuits": len(circuits), "members": len(members)})
        await service.live.keep(changes, [told])
    return len(changes)


def _phases_given(name: str, given: list[str]) -> tuple[int | None, int | None, int | None]:
    return phases_of_text(name, given[0] if len(given) == 1 else given)


def _described_circuit(parameters: Description, known: Circuit | None) -> Circuit:
    """As it is known, or a new one, with what is said of it. Raises CircuitError."""
    name = parameters.name
    circuit = Circuit(name=name) if known is None else msgspec.structs.replace(known)
    if parameters.limit is not None:
        nothing = parameters.limit == [NOTHING]
        circuit.l1_ma, circuit.l2_ma, circuit.l3_ma = (
            (None, None, None) if nothing else _phases_given(name, parameters.limit)
        )
    if parameters.power is not None:
        circuit.power_w = None if parameters.power == NOTHING else power_of_text(name, parameters.power)
    if parameters.parent is not None:
        circuit.parent = None if parameters.parent == NOTHING else parameters.parent
    if parameters.reserve is not None:
        found = [ma or 0 for ma in _phases_given(name, parameters.reserve)]
        circuit.reserve_l1_ma, circuit.reserve_l2_ma, circuit.reserve_l3_ma = found
    if parameters.reading_max_age is not None:
        circuit.reading_max_age_s = parameters.reading_max_age
    if parameters.timetable is not None:
        circuit.timetable = "" if parameters.timetable == NOTHING else parameters.timetable
    if parameters.meter is not None:
        circuit.meter = None if parameters.meter == NOTHING else parameters.meter
    if parameters.meter_counts is not None:
        circuit.meter_counts = parameters.meter_counts
    return circuit


async def _put_circuit(service: Service, parameters: Description, known: Circuit | None) -> Json:
    load = load_of(service)
    try:
        circuit = _described_circuit(parameters, known)
    except CircuitError as error:
        raise usage(f"{error}.") from None
    _require_meter(service, circuit)
    others = [other for name, other in load.circuits.items() if name != fold(circuit.name)]
    changed = await replace_circuits(service, [*others, circuit], list(load.members.values()))
    return {"changed": changed > 0, "circuit": _circuit_view(service, known_circuit(service, circuit.name))}


async def add_circuit(service: Service, parameters: Description, caller: Caller) -> Json:
    if load_of(service).circuit(parameters.name) is not None:
        raise usage(f"There is a circuit {parameters.name}.", "Change it with: csmsctl circuit set --help")
    return await _put_circuit(service, parameters, None)


async def set_circuit(service: Service, parameters: Description, caller: Caller) -> Json:
    return await _put_circuit(service, parameters, known_circuit(service, parameters.name))


async def remove_circuit(service: Service, parameters: Name, caller: Caller) -> Json:
    circuit, load = known_circuit(service, parameters.name), load_of(service)
    on_it = sorted(
        f"connector {member.connector} of {member.charge_point}"
        for member in load.members.values()
        if fold(member.circuit) == fold(circuit.name)
    )
    on_it += sorted(other.name for other in load.circuits.values() if fold(other.parent or "") == fold(circuit.name))
    if on_it:
        raise usage(f"{circuit.name} carries {', '.join(on_it)}.", "Remove these first, or import all anew.")
    others = [other for other in load.circuits.values() if other is not circuit]
    await replace_circuits(service, others, list(load.members.values()))
    return {"changed": True}


async def import_circuits(service: Service, parameters: WholeDescription, caller: Caller) -> Json:
    """All of them by those of the file."""
    circuits, members = described_circuits(service, parameters.circuits)
    if parameters.dry_run:
        planned = LoadManagement()
        load = load_of(service)
        planned.replace(list(load.circuits.values()), list(load.members.values()))
        try:
            changed = len(planned.replace(circuits, members))
        except CircuitError as error:
            raise usage(f"{error}.") from None
    else:
        changed = await replace_circuits(service, circuits, members)
    return {"changed": changed, "circuits": len(circuits), "members": len(members)}


def described_circuits(service: Service, described: dict[str, Any]) -> tuple[list[Circuit], list[Member]]:
    """Those of a file, of charge points that there are."""
    try:
        circuits, members = read_circuits({"circuits": described})
    except CircuitError as error:
        raise usage(f"{error}.") from None
    for member in members:
        require_charge_point_of_member(service, member)
    for circuit in circuits:
        _require_meter(service, circuit)
    return circuits, members


def _require_meter(service: Service, circuit: Circuit) -> None:
    if circuit.meter is not None:
        circuit.meter = _known_charge_point(service, circuit.meter)


def _known_charge_point(service: Service, identity: str) -> str:
    """As it is spelled."""
    state = service.site.charge_point(identity)
    if state is None:
        raise not_there(f"No charge point {identity}.", f"Add it: csmsctl cp add {identity}")
    return state.id


def require_charge_point_of_member(service: Service, member: Member) -> None:
    member.charge_point = _known_charge_point(service, member.charge_point)


async def limit_circuit(service: Service, parameters: Limit, caller: Caller) -> Json:
    """Lowers it at once, for a while."""
    circuit = known_circuit(service, parameters.name)
    limit = None
    if parameters.limit is not None:
        until = parse_timestamp(parameters.until or "")
        if until is None or until <= service.now():
            raise usage("Say until when it holds, in the future.", "With --until +1h.")
        try:
            number, unit = current_or_power(parameters.limit)
        except CircuitError as error:
            raise usage(f"{error}.") from None
        ma, power = (number, None) if unit == "A" else (None, number)
        limit = TemporaryLimit(circuit=circuit.name, ma=ma, power_w=power, until=until)
    service.live.require()
    changes = load_of(service).limit(circuit, limit)
    if changes:
        told = {"circuit": circuit.name, "limit": parameters.limit, "until": parameters.until}
        await service.live.keep(changes, [Event("circuit.limited", None, dict(told))])
    return {"changed": bool(changes), "circuit": _circuit_view(service, circuit)}


async def measure_circuit(service: Service, parameters: Measured, caller: Caller) -> Json:
    """What else than its members draws on it. It is not kept: after a start the reserve holds until the next one."""
    circuit = known_circuit(service, parameters.name)
    amperes = (parameters.l1, parameters.l2, parameters.l3)
    reading = None if amperes == (None, None, None) else reading_of_amperes(circuit, amperes, service.now())
    if reading is None:
        raise usage("That is no current.", "For example: csmsctl circuit reading main --l1 12.4")
    load_of(service).readings[fold(circuit.name)] = reading
    service.live.tell(Event("circuit.measured", None, {"circuit": circuit.name}))
    return {"changed": True, "circuit": _circuit_view(service, circuit)}


METHODS: Table[Service] = {
    "circuit.list": Method(NoParameters, list_circuits, READ),
    "circuit.show": Method(Name, show_circuit, READ),
    "circuit.export": Method(NoParameters, export_circuits, READ),
    "circuit.add": Method(Description, add_circuit, ALL),
    "circuit.set": Method(Description, set_circuit, ALL),
    "circuit.remove": Method(Name, remove_circuit, ALL),
    "circuit.import": Method(WholeDescription, import_circuits, ALL),
    "circuit.limit": Method(Limit, limit_circuit, ALL),
    "circuit.measure": Method(Measured, measure_circuit, ALL, goes_on=True),
}
