"""Circuits as people write them, in a file of TOML or on a command line: texts to records and back. Pure."""

from typing import Any, Literal

import msgspec

from csmsd.profiles.load_management.circuits import (
    STRAIGHT,
    Circuit,
    CircuitError,
    Member,
    Milliamperes,
    amperes,
    current_or_power,
)

Phases = tuple[Milliamperes | None, Milliamperes | None, Milliamperes | None]


class MemberForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A member below its circuit."""

    charge_point: str
    connector: int = 1
    phases: str | None = None  # straight
    rating: str = "32A"
    minimum: str = "6A"
    fallback: str | None = None
    weight: int = 1
    decimals: bool = False  # it takes tenths of an ampere
    lowest: str = "0A"
    clock_skew: int = 10


class CircuitForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A circuit. A limit or reserve is one for each phase, or a list of three; a phase that is not there is `none`."""

    parent: str | None = None
    limit: str | list[str] | None = None
    power: str | None = None
    reserve: str | list[str] = "0A"
    reading_max_age: int = 120
    timetable: str = ""
    meter: str | None = None
    meter_counts: Literal["all", "others"] = "all"
    members: list[MemberForm] = []


class CircuitsForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    circuits: dict[str, CircuitForm] = {}


def read_circuits(described: Any) -> tuple[list[Circuit], list[Member]]:
    """Records of what a file says. Raises CircuitError; whether they fit together is another question."""
    try:
        form = msgspec.convert(described, CircuitsForm)
    except msgspec.ValidationError as error:
        raise CircuitError(str(error)) from None
    circuits = [circuit_of_form(name, circuit) for name, circuit in form.circuits.items()]
    members = [member_of_form(name, member) for name, circuit in form.circuits.items() for member in circuit.members]
    return circuits, members


def circuit_of_form(name: str, form: CircuitForm) -> Circuit:
    """Raises CircuitError."""
    l1, l2, l3 = (None, None, None) if form.limit is None else phases_of_text(name, form.limit)
    reserve = [ma or 0 for ma in phases_of_text(name, form.reserve)]
    return Circuit(
        name=name,
        parent=form.parent,
        l1_ma=l1,
        l2_ma=l2,
        l3_ma=l3,
        power_w=None if form.power is None else power_of_text(name, form.power),
        reserve_l1_ma=reserve[0],
        reserve_l2_ma=reserve[1],
        reserve_l3_ma=reserve[2],
        reading_max_age_s=form.reading_max_age,
        timetable=form.timetable,
        meter=form.meter,
        meter_counts=form.meter_counts,
    )


def member_of_form(circuit: str, form: MemberForm) -> Member:
    """Raises CircuitError."""
    name = f"connector {form.connector} of {form.charge_point}"
    return Member(
        circuit=circuit,
        charge_point=form.charge_point,
        connector=form.connector,
        phases=STRAIGHT if form.phases is None else form.phases,
        rating_ma=current_of_text(name, form.rating),
        minimum_ma=current_of_text(name, form.minimum),
        fallback_ma=None if form.fallback is None else current_of_text(name, form.fallback),
        weight=form.weight,
        step_ma=100 if form.decimals else 1_000,
        floor_ma=current_of_text(name, form.lowest),
        skew_s=form.clock_skew,
    )


def phases_of_text(name: str, text: str | list[str]) -> Phases:
    """63A for all phases, or one for each. Raises CircuitError."""
    parts = [text] * 3 if isinstance(text, str) else text
    if len(parts) != 3:
        raise CircuitError(f"{name}: write one current for all phases, or three")
    found = [None if part == "none" else current_of_text(name, part) for part in parts]
    return found[0], found[1], found[2]


def current_of_text(name: str, text: str) -> Milliamperes:
    """Raises CircuitError."""
    number, unit = current_or_power(text)
    if unit != "A":
        raise CircuitError(f"{name}: {text} is a power; a current is meant, like 16A")
    return number


def power_of_text(name: str, text: str) -> int:
    """In W. Raises CircuitError."""
    number, unit = current_or_power(text)
    if unit != "W":
        raise CircuitError(f"{name}: {text} is a current; a power is meant, like 40kW")
    return number


def describe_circuits(circuits: list[Circuit], members: list[Member]) -> dict[str, Any]:
    """What a file would say of them; what is usual is left out."""
    forms = {
        circuit.name: CircuitForm(
            parent=circuit.parent,
            limit=_text_of_phases(circuit.phases_ma),
            power=None if circuit.power_w is None else f"{circuit.power_w}W",
            reserve=_text_of_phases(circuit.reserve_ma) or "0A",
            reading_max_age=circuit.reading_max_age_s,
            timetable=circuit.timetable,
            meter=circuit.meter,
            meter_counts=circuit.meter_counts,
            members=[_form_of_member(member) for member in members if member.circuit == circuit.name],
        )
        for circuit in circuits
    }
    return {
        "circuits": {
            name: _what_is_unusual(form)
            | ({"members": [_what_is_unusual(one) for one in form.members]} if form.members else {})
            for name, form in forms.items()
        }
    }


def _what_is_unusual(form: msgspec.Struct) -> dict[str, Any]:
    return {
        field.name: value
        for field in msgspec.structs.fields(form)
        if (value := getattr(form, field.name)) != field.default and field.name != "members"
    }


def _form_of_member(member: Member) -> MemberForm:
    return MemberForm(
        charge_point=member.charge_point,
        connector=member.connector,
        phases=None if member.phases == STRAIGHT else member.phases,
        rating=amperes(member.rating_ma),
        minimum=amperes(member.minimum_ma),
        fallback=None if member.fallback_ma is None else amperes(member.fallback_ma),
        weight=member.weight,
        decimals=member.step_ma == 100,
        lowest=amperes(member.floor_ma),
        clock_skew=member.skew_s,
    )


def _text_of_phases(phases: tuple[Milliamperes | None, ...]) -> str | list[str] | None:
    texts = ["none" if ma is None else amperes(ma) for ma in phases]
    if set(texts) == {"none"}:
        return None
    return texts[0] if len(set(texts)) == 1 else texts
