"""Charge points: registered, changed, let in, removed."""

import asyncio
from shlex import quote
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import UNSET, UnsetType

from csmsd.control.problems.links import refused_since_let_in
from csmsd.control.registrations import Registrations, check_certificate_name, check_key, check_security
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import (
    SCHEMA_VERSION,
    Caller,
    Json,
    Method,
    NoParameters,
    RpcError,
    Table,
    forbidden,
    not_there,
    usage,
)
from csmsd.control.targets import one, resolve_targets
from csmsd.control.turns import in_turns
from csmsd.control.views import charge_point_details_view, charge_point_view, queued_view, refused_view, time_text
from csmsd.ocpp.identity import IDENTITY_RULE, NO_IDENTITY, fold, is_identity, natural_order
from csmsd.ocpp.types import RegistrationStatus
from csmsd.ports.listings import OrphanFilter
from csmsd.ports.store import NotStored
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.record import Change, Deleted, Event


class Identity(msgspec.Struct, forbid_unknown_fields=True):
    id: str


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None


class Fields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What `add` and `set` take; a field that is not given stays as it is."""

    id: str
    labels: list[str] | UnsetType = UNSET
    add_labels: list[str] = []
    remove_labels: list[str] = []
    note: str | UnsetType | None = UNSET
    security_profile: int | UnsetType = UNSET
    certificate_name: str | UnsetType | None = UNSET
    password: str | None = None
    generate_password: bool = False
    registration: RegistrationStatus | UnsetType = UNSET
    time_zone: str | UnsetType | None = UNSET
    strict: bool | UnsetType = UNSET
    subprotocol_optional: bool | UnsetType = UNSET
    origin_allowed: bool | UnsetType = UNSET
    ping: bool | UnsetType = UNSET
    reassert: bool | UnsetType | None = UNSET


class Removal(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    force: bool = False


_PLAIN = (
    "note",
    "registration",
    "certificate_name",
    "time_zone",
    "strict",
    "subprotocol_optional",
    "origin_allowed",
    "ping",
    "reassert",
)


def _check_charge_point(fields: Fields) -> None:
    if not is_identity(fields.id):
        raise usage(f"{fields.id!r} is no identity: {IDENTITY_RULE}.")
    if fold(fields.id) == NO_IDENTITY:
        raise usage(f"{fields.id!r} is what stands before the identity in a URL: it would never be found there.")
    if fields.security_profile not in (UNSET, 0, 1, 2, 3):
        raise usage("The security profile is 0, 1, 2 or 3.")
    for label in [*(fields.labels or []), *fields.add_labels]:
        if not is_identity(label):
            raise usage(f"{label!r} is no label: {IDENTITY_RULE}.")
    if isinstance(fields.time_zone, str):
        try:
            ZoneInfo(fields.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise usage(f"{fields.time_zone!r} is no time zone.", "Name one like Europe/Amsterdam.") from None


class _Key(NamedTuple):
    """A password that was generated, and how the one that is meant is stored; None: there is none."""

    generated: str | None = None
    stored: str | None = None


async def _key_of_charge_point(service: Registrations, fields: Fields) -> _Key:
    """Beside the loop, since a chosen one takes long; to be called before anything is looked at."""
    if fields.generate_password:
        generated = service.keys.generate()
        return _Key(generated, service.keys.hash(generated, generated=True))
    if fields.password is None:
        return _Key()
    return _Key(stored=await asyncio.to_thread(service.keys.hash, fields.password, generated=False))


async def _known_key(service: Registrations, fields: Fields, stored: str | None) -> _Key:
    """The key that is known already, where it is the one that is given."""
    if fields.password is None or stored is None:
        return _Key()
    fits = await asyncio.to_thread(service.keys.fits, fields.password, stored)
    return _Key(stored=stored) if fits else _Key()


def _apply_to_charge_point(service: Registrations, fields: Fields, record: ChargePoint, key: _Key) -> None:
    """Lays the fields, and the key that was made of them, over the record."""
    for name in _PLAIN:
        value = getattr(fields, name)
        if value is not UNSET:
            setattr(record, name, value)
    labels = list(record.labels) if fields.labels is UNSET else list(fields.labels)
    gone = {fold(label) for label in fields.remove_labels}
    for label in fields.add_labels:
        if fold(label) not in {fold(known) for known in labels}:
            labels.append(label)
    record.labels = [label for label in labels if fold(label) not in gone]
    if key.stored is not None:
        record.password_hash, record.password_hash_next = key.stored, None  # whatever it was sent, it is to use this
    if fields.security_profile is not UNSET:
        record.security_profile = fields.security_profile
    elif record.password_hash is not None and record.security_profile == 0:
        # Whoever sets a password wants it asked for.
        record.security_profile = min(max(1, service.settings.security.minimum_profile), 2)


async def list_charge_points(service: Registrations, parameters: Listing, caller: Caller) -> Json:
    site = service.site
    if parameters.targets is not None:
        chosen = resolve_targets(site, parameters.targets)
    else:
        chosen = sorted(site.charge_points.values(), key=lambda state: natural_order(state.id))
    return {"schema_version": SCHEMA_VERSION, "charge_points": await in_turns(chosen, charge_point_view)}


async def show_charge_point(service: Registrations, parameters: Identity, caller: Caller) -> Json:
    state = one(service.site, parameters.id)
    queued = [queued_view(command, task) for command, task in service.queue.of(state.id)]
    return (
        {"schema_version": SCHEMA_VERSION}
        | charge_point_details_view(state, service.site)
        | {"queued_commands": queued}
    )


async def add_charge_point(service: Registrations, parameters: Fields, caller: Caller) -> Json:
    _check_charge_point(parameters)
    known = service.site.charge_point(parameters.id)
    if known is None:
        check_key(service, parameters.password)
        key = await _key_of_charge_point(service, parameters)
    else:
        key = await _known_key(service, parameters, known.record.password_hash)
    before, known = known, service.site.charge_point(parameters.id)
    if before is not None and known is None:
        raise RpcError(1, f"{parameters.id} was removed at that moment; nothing has changed.", "Do it again.")
    if known is not None:
        if _is_another_charge_point(service, parameters, known.record, key):
            other = f"{known.id} is registered already, with other values; nothing has changed."
            raise RpcError(1, other, f"To change it: csmsctl cp set {quote(known.id)}")
        return {"changed": False, "charge_point": charge_point_view(known)}
    record = ChargePoint(id=parameters.id, registered_at=service.now())
    _apply_to_charge_point(service, parameters, record, key)
    check_security(service, record, None)
    check_certificate_name(service, record)
    state = await _register_charge_point(service, record)
    answer: Json = {"changed": True, "charge_point": charge_point_view(state)}
    return answer | {"password": key.generated} if key.generated else answer


def _is_another_charge_point(service: Registrations, fields: Fields, known: ChargePoint, key: _Key) -> bool:
    """Whether what is given differs from what is known; a password that is to be made is another one.

    `key` is the one that is known, where it was found to be the one that is given.
    """
    same = key.stored is not None and key.stored == known.password_hash
    if fields.generate_password or (fields.password is not None and not same):
        return True
    given = msgspec.structs.replace(known, labels=list(known.labels))
    _apply_to_charge_point(service, fields, given, _Key())
    return sorted(map(fold, given.labels)) != sorted(map(fold, known.labels)) or given != msgspec.structs.replace(
        known, labels=given.labels
    )


async def _register_charge_point(service: Registrations, record: ChargePoint) -> ChargePointState:
    """One that was removed and comes back still owns its history: what it repeats must be recognized.

    So it is known in memory only when its history is there. That is read when the end of what it left is on disk.
    """
    service.live.require()
    changes: list[Change] = [record]
    changes += service.site.refused.forget(record.id)
    await service.live.keep(changes)
    history = await service.past.history(record.id)
    orphans = await service.reader.orphans(OrphanFilter(charge_point=record.id, settled=False))
    site = service.site
    if site.charge_point(record.id) is None:  # or memory was loaded anew meanwhile
        state = site.add_charge_point(record, history)
        for kept in reversed(orphans):
            state.orphans.add(kept.id, kept.received_at, kept.action, kept.reason, kept.payload)
    await service.live.keep([], [Event("charge_point.registered", record.id, {"registration": record.registration})])
    return one(service.site, record.id)


async def change_charge_point(service: Registrations, parameters: Fields, caller: Caller) -> Json:
    one(service.site, parameters.id)
    _check_charge_point(parameters)
    check_key(service, parameters.password)
    key = await _key_of_charge_point(service, parameters)
    state = one(service.site, parameters.id)
    record = msgspec.structs.replace(state.record, labels=list(state.record.labels))
    _apply_to_charge_point(service, parameters, record, key)
    if record == state.record:
        return {"changed": False, "charge_point": charge_point_view(state)}
    check_security(service, record, state.record)
    check_certificate_name(service, record)
    must_boot = record.registration != state.record.registration
    must_reconnect = must_boot or _secrets_of(record) != _secrets_of(state.record)
    if must_boot:
        record.boot_status = None if record.registration == "Accepted" else record.registration
    await _keep_charge_point(service, state, record)
    state = one(service.site, parameters.id)
    if must_reconnect:
        service.links.disconnect(record.id, "its registration was changed by the operator")
    answer: Json = {"changed": True, "charge_point": charge_point_view(state)}
    return answer | {"password": key.generated} if key.generated else answer


def _secrets_of(record: ChargePoint) -> tuple[object, ...]:
    """What a connection was let in for: with other ones it has to come again."""
    return record.security_profile, record.password_hash, record.password_hash_next, record.certificate_name


async def _keep_charge_point(service: Registrations, state: ChargePointState, record: ChargePoint) -> None:
    service.live.require()
    state.transactions.require(*state.transactions.active())  # what is told afterwards is not to be missing then
    state.record = record
    told = Event("charge_point.changed", record.id, {"registration": record.registration})
    await service.live.keep([record], [told])


async def remove_charge_point(service: Registrations, parameters: Removal, caller: Caller) -> Json:
    site = service.site
    state = one(site, parameters.id)
    running = state.transactions.active()
    if running and not parameters.force:
        raise forbidden(
            f"{state.id} has a running transaction ({', '.join(str(known.id) for known in running)}).",
            f"Stop it (csmsctl remote-stop {state.id}) or add --force.",
        )
    service.live.require()
    state.transactions.require(*running)
    changes: list[Change] = [Deleted(state.record)]
    for transaction in running:
        booking.book_as_given_up(transaction, "charge_point_removed", site)
    changes += running
    changes += site.refused.forget(state.id)
    # Gone before it is gone on disk: what it sends meanwhile must not bring it back.
    del site.charge_points[fold(state.id)]
    try:
        await service.live.keep(changes, [Event("charge_point.removed", state.id, {})])
    except NotStored:
        one(service.site, state.id).carry_over(state)  # it is there again, and perhaps connected
        raise
    service.links.disconnect(state.id, "it was removed by the operator")
    return {"changed": True}


async def list_pending_charge_points(service: Registrations, parameters: NoParameters, caller: Caller) -> Json:
    """Whose connections were refused and who was not let in since, and those whose registration is Pending."""
    site = service.site
    waiting = [refused_view(one, registered=False) for one in site.refused.of_strangers()]
    for state in site.charge_points.values():
        waiting += [refused_view(one, registered=True) for one in refused_since_let_in(state, site, service.now())]
    waiting += [
        {
            "id": state.id,
            "reason": "registration_pending",
            "text": "its registration is Pending",
            "address": state.address,
            "attempts": None,
            "first_at": time_text(state.record.registered_at),
            "last_at": time_text(state.record.last_seen_at),
            "next": f"csmsctl cp accept {quote(state.id)}",
        }
        for state in site.charge_points.values()
        if state.record.registration == "Pending"
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "pending": sorted(waiting, key=lambda row: natural_order(row["id"] or "")),
    }


async def accept_charge_point(service: Registrations, parameters: Identity, caller: Caller) -> Json:
    """Registers an unknown one; a pending one is accepted with the BootNotification that it repeats by itself."""
    site = service.site
    state = site.charge_point(parameters.id)
    if state is None:
        _check_charge_point(Fields(id=parameters.id))
        if fold(parameters.id) not in site.refused.unknown:
            raise not_there(
                f"{parameters.id} is not registered, and no charge point of that name has knocked.",
                f"Who has: csmsctl cp pending. To register it before it comes: csmsctl cp add {quote(parameters.id)}",
            )
        then = "It is let in when it knocks again, which most do by themselves within minutes."
        return await add_charge_point(service, Fields(id=parameters.id), caller) | {"then": then}
    if state.record.registration == "Accepted":
        return {"changed": False, "charge_point": charge_point_view(state)}
    record = msgspec.structs.replace(state.record, registration="Accepted")
    await _keep_charge_point(service, state, record)
    state = one(service.site, parameters.id)
    return {"changed": True, "charge_point": charge_point_view(state), "then": _next_at_charge_point(service, state)}


def _next_at_charge_point(service: Registrations, state: ChargePointState) -> str:
    """What comes next at one that was Pending until now (C 4.2)."""
    if not state.connected:
        return "Its next BootNotification is answered Accepted; it is not connected now."
    interval = service.settings.ocpp.boot_retry_interval
    return (
        f"Its next BootNotification is answered Accepted; it was told to repeat that every {interval} s. Sooner: "
        f"csmsctl trigger-message {quote(state.id)} --message BootNotification"
    )


async def disconnect_charge_point(service: Registrations, parameters: Identity, caller: Caller) -> Json:
    state = one(service.site, parameters.id)
    return {"changed": service.links.disconnect(state.id, "closed by the operator")}


METHODS: Table[Registrations] = {
    "charge_point.list": Method(Listing, list_charge_points, READ),
    "charge_point.show": Method(Identity, show_charge_point, READ),
    "charge_point.add": Method(Fields, add_charge_point, ALL),
    "charge_point.set": Method(Fields, change_charge_point, ALL),
    "charge_point.remove": Method(Removal, remove_charge_point, ALL),
    "charge_point.pending": Method(NoParameters, list_pending_charge_points, READ),
    "charge_point.accept": Method(Identity, accept_charge_point, ALL),
    "charge_point.disconnect": Method(Identity, disconnect_charge_point, ALL),
}
