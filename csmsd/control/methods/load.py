"""Load management as it is now: what is on the circuits, why, what others would change, and its pause."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from csmsd.control.methods.circuit_members import Place, on_no_circuit
from csmsd.control.methods.circuits import described_circuits, load_of
from csmsd.control.methods.transactions import known_transaction
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, NoParameters, Table, forbidden, usage
from csmsd.control.service import Service
from csmsd.control.targets import one
from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import ChargingProfilePurpose, ChargingRateUnit
from csmsd.profiles.load_management.circuits import CircuitError
from csmsd.profiles.load_management.explanation import explain_member
from csmsd.profiles.load_management.habits import LimitHabits
from csmsd.profiles.load_management.load import LoadPause, LoadPriority
from csmsd.profiles.load_management.manners import LoadManner
from csmsd.profiles.load_management.overview import overview_of_load
from csmsd.profiles.load_management.prospect import prospect_of_circuits
from csmsd.profiles.record import Event
from csmsd.runtime.time_zones import local_utc_offset


class Planned(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    circuits: dict[str, Any]  # what the file says


class Habits(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a test has shown of how a charge point takes limits; what is not said was not found out."""

    charge_point: str
    unit: ChargingRateUnit | None = None
    decimals: bool | None = None
    zero: bool | None = None
    begins_at_zero: bool | None = None
    lease_ends: bool | None = None
    reaction_ms: Annotated[int, msgspec.Meta(ge=0)] | None = None
    clock_ahead_ms: int | None = None


class Pausing(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Without an end it lasts until it is resumed."""

    until: str | None = None


class Prioritized(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Without a weight it is taken back."""

    kind: Literal["label", "tag", "transaction"]
    name: str
    weight: Annotated[int, Meta(ge=1, le=100)] | None = None


class MannerGiven(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is not given stays as it is; `forget`: all of it is to be learned anew."""

    charge_point: str
    unit: ChargingRateUnit | None = None
    pause: Literal["zero", "one_ampere", "minimum"] | None = None
    schedule: Literal["absolute", "relative"] | None = None
    offer_first: bool | None = None
    purpose: ChargingProfilePurpose | None = None
    decimals: bool | None = None
    found_by: Annotated[str, Meta(max_length=40)] = "operator"
    forget: bool = False


async def show_load(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    now = service.now()
    lines, members = overview_of_load(service.site, local_utc_offset(now), now)
    return {
        "schema_version": SCHEMA_VERSION,
        "paused": _pause_view(load_of(service).paused(now)),
        "circuits": [msgspec.to_builtins(line) for line in lines],
        "members": [
            msgspec.to_builtins(member)
            | {"lease_until": None if member.lease_until is None else format_timestamp(member.lease_until)}
            for member in members
        ],
    }


def _pause_view(pause: LoadPause | None) -> Json | None:
    if pause is None:
        return None
    until = None if pause.until is None else format_timestamp(pause.until)
    return {"since": format_timestamp(pause.since), "until": until}


async def explain_load(service: Service, parameters: Place, caller: Caller) -> Json:
    member = load_of(service).members.get((fold(parameters.charge_point), parameters.connector))
    if member is None or service.site.charge_point(member.charge_point) is None:
        raise on_no_circuit(service, parameters)
    now = service.now()
    return {
        "schema_version": SCHEMA_VERSION,
        "charge_point": member.charge_point,
        "connector": member.connector,
        "circuit": member.circuit,
        "because": explain_member(
            service.site, member, overview_of_load(service.site, local_utc_offset(now), now), now
        ),
    }


async def plan_load(service: Service, parameters: Planned, caller: Caller) -> Json:
    """What would change under other circuits; nothing is sent."""
    now = service.now()
    circuits, members = described_circuits(service, parameters.circuits)
    try:
        found, over = prospect_of_circuits(
            service.site, circuits, members, local_utc_offset(now), now, service.settings.load_management.lease * 1000
        )
    except CircuitError as error:
        raise usage(f"{error}.") from None
    return {
        "schema_version": SCHEMA_VERSION,
        "members": [msgspec.to_builtins(member) for member in found],
        "over": [msgspec.to_builtins(line) for line in over],
    }


async def pause_load(service: Service, parameters: Pausing, caller: Caller) -> Json:
    """Nothing more is sent: what was lent ends by itself, and in fallbacks that fit."""
    now = service.now()
    until = None
    if parameters.until is not None:
        until = parse_timestamp(parameters.until)
        if until is None or until <= now:
            raise usage("Say until when, in the future.", "With --until +1h.")
    service.live.require()
    changes = load_of(service).pause_until(until, now)
    if changes:
        await service.live.keep(changes, [Event("load.paused", None, {"until": parameters.until})])
    return {"changed": bool(changes), "paused": _pause_view(load_of(service).paused(now))}


async def resume_load(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    service.live.require()
    changes = load_of(service).resume()
    if changes:
        await service.live.keep(changes, [Event("load.resumed", None, {})])
    return {"changed": bool(changes)}


async def list_priorities(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    found = [msgspec.to_builtins(priority) for _, priority in sorted(load_of(service).priorities.items())]
    return {"schema_version": SCHEMA_VERSION, "priorities": found}


async def prioritize_load(service: Service, parameters: Prioritized, caller: Caller) -> Json:
    """From the next round on."""
    name = parameters.name.strip()
    if parameters.kind == "transaction" and not (name.isascii() and name.isdecimal() and len(name) <= 18):
        raise usage(f"{name!r} is no number of a transaction.", "See: csmsctl tx list --state active")
    priority = None
    if parameters.weight is not None:
        if parameters.kind == "transaction":
            transaction = await known_transaction(service, int(name))
            if transaction.state != "active":
                raise forbidden(f"Transaction {name} is over.", "See: csmsctl tx list --state active")
        priority = LoadPriority(kind=parameters.kind, name=name, weight=parameters.weight)
    service.live.require()
    changes = load_of(service).prioritize(priority, (parameters.kind, fold(name)))
    if changes:
        await service.live.keep(changes, [Event("load.prioritized", None, msgspec.to_builtins(parameters))])
    return {"changed": bool(changes)}


async def keep_habits(service: Service, parameters: Habits, caller: Caller) -> Json:
    state = one(service.site, parameters.charge_point)
    service.live.require()
    found = msgspec.structs.asdict(parameters) | {"charge_point": state.id}
    await service.live.keep(load_of(service).found(LimitHabits(**found, found_at=service.now())), [])
    return {"changed": True}


async def give_manner(service: Service, parameters: MannerGiven, caller: Caller) -> Json:
    """How a charge point takes limits; leases go by it from the next round on."""
    identity = one(service.site, parameters.charge_point).id
    service.live.require()
    load, now = load_of(service), service.now()
    before = load.manner(identity)
    given = {
        key: value
        for key, value in msgspec.structs.asdict(parameters).items()
        if value is not None and key not in ("charge_point", "forget", "found_by")
    }
    base = LoadManner(charge_point=identity, behind_ms=before.behind_ms) if parameters.forget else before
    manner = msgspec.structs.replace(base, **given)
    if manner != before:
        manner = msgspec.structs.replace(manner, found_by=parameters.found_by, found_at=now)
        load.note_manner(manner)
        await service.live.keep(load.manner_changes(), [Event("load.manner", identity, {"by": parameters.found_by})])
    return {"changed": manner != before, "manner": _manner_view(manner)}


async def show_manners(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    found = [_manner_view(manner) for _, manner in sorted(load_of(service).manners.items())]
    return {"schema_version": SCHEMA_VERSION, "manners": found}


def _manner_view(manner: LoadManner) -> Json:
    return {
        "charge_point": manner.charge_point,
        "unit": manner.unit,
        "pause": manner.pause,
        "schedule": manner.schedule,
        "offer_first": manner.offer_first,
        "purpose": manner.purpose,
        "decimals": manner.decimals,
        "clock_behind_s": manner.behind_ms / 1000,
        "found_by": manner.found_by,
        "found_at": format_timestamp(manner.found_at) if manner.found_at else None,
    }


METHODS: Table[Service] = {
    "load.status": Method(NoParameters, show_load, READ),
    "load.explain": Method(Place, explain_load, READ),
    "load.plan": Method(Planned, plan_load, READ),
    "load.pause": Method(Pausing, pause_load, ALL),
    "load.priorities": Method(NoParameters, list_priorities, READ),
    "load.prioritize": Method(Prioritized, prioritize_load, ALL),
    "load.habits": Method(Habits, keep_habits, ALL),
    "load.manners": Method(NoParameters, show_manners, READ),
    "load.manner": Method(MannerGiven, give_manner, ALL),
    "load.resume": Method(NoParameters, resume_load, ALL),
}
