"""Charging profiles: the library, and what is installed where."""

import json
from typing import Any

import msgspec

from csmsd.control.charging_profile_views import installed_profile_view, library_profile_view
from csmsd.control.methods.operations import Common, carry_out_operation
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, NoParameters, RpcError, Table, not_there, usage
from csmsd.control.service import Service
from csmsd.control.targets import resolve_targets
from csmsd.ocpp.identity import IDENTITY_RULE, is_identity
from csmsd.ocpp.payloads import check_sendable_payload, encode_payload
from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.record import Event
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.smart_charging.profile_library import LibraryProfile, parse_profile, prepared_profile
from csmsd.profiles.smart_charging.profile_linter import Finding, lint_profile, linter_objection
from csmsd.profiles.smart_charging.set_charging_profile import set_charging_profiles_again
from csmsd.profiles.smart_charging.short_form import NotUnderstood, ShortForm, build_from_short_form
from csmsd.profiles.smart_charging.wall_clock import is_same
from csmsd.runtime.time_zones import LOCAL, NoTimeZone, utc_offset


class Name(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Addition(ShortForm, kw_only=True, forbid_unknown_fields=True):
    """A csChargingProfiles object, or what it is made from."""

    name: str
    profile: dict[str, Any] | None = None
    note: str | None = None
    time_zone: str | None = None  # of the windows of the day; the daemon's own when it is not said
    replace: bool = False
    force: bool = False


class Places(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None


class Reassertion(Common, kw_only=True, forbid_unknown_fields=True):
    pass


# --- the library


def _known_charging_profile(service: Service, name: str) -> LibraryProfile:
    record = service.site.smart_charging.library.find(name)
    if record is None:
        raise not_there(f"No charging profile {name}.", "See: csmsctl profile list")
    return record


def _clocks_of_charging_profile(parameters: Addition, now: int) -> tuple[str | None, int]:
    """Whose clocks windows of the day are meant by, and how far these are ahead of UTC now, in seconds."""
    zone = parameters.time_zone or LOCAL
    try:
        if parameters.daily is not None:
            return zone, utc_offset(zone, now)
        if parameters.time_zone is not None:
            utc_offset(zone, now)  # of no account, and no slip either
        return None, 0
    except NoTimeZone as error:
        raise usage(f"{error}.", "Name one with --time-zone, like Europe/Amsterdam.") from None


def _make_charging_profile(parameters: Addition, now: int, ahead: int) -> ChargingProfile:
    """The profile that is meant, ready to be sent but for its id; clocks are so many seconds ahead of UTC."""
    try:
        if parameters.profile is not None:
            if parameters.limit is not None or parameters.daily is not None:
                raise usage("Give either the JSON of a profile or a limit, not both.")
            profile = parse_profile(parameters.profile, id=0)
        else:
            profile = build_from_short_form(parameters, now, ahead)
    except CannotSend as error:
        raise usage(str(error), "See the specification, 7.8, or use --limit 16A.") from None
    except NotUnderstood as error:
        text = str(error)
        raise usage(f"{text[:1].upper()}{text[1:]}.") from None
    if profile.charging_profile_kind == "Recurring":
        profile = prepared_profile(profile, connector=0, transaction=None, now=now)
    return msgspec.structs.replace(profile, charging_profile_id=0)


def _charging_profile_findings(profile: ChargingProfile, now: int) -> list[Finding]:
    """Of a profile in the library: an Absolute one without startSchedule gets it when it is sent."""
    findings = lint_profile(prepared_profile(profile, connector=0, transaction=None, now=now), now)
    if profile.transaction_id is not None:
        findings.append(
            Finding("A transactionId belongs to one transaction: give it with set-charging-profile --transaction.")
        )
    return findings


async def add_charging_profile(service: Service, parameters: Addition, caller: Caller) -> Json:
    name, now = parameters.name, service.now()
    if not is_identity(name) or name.endswith(".json"):
        raise usage(f"{name!r} is no name: {IDENTITY_RULE}; and it does not end in .json.")
    time_zone, ahead = _clocks_of_charging_profile(parameters, now)
    profile = _make_charging_profile(parameters, now, ahead)
    malformed = check_sendable_payload(profile)
    findings = _charging_profile_findings(profile, now)
    against = malformed or linter_objection(findings)
    if against is not None and not parameters.force:
        raise usage(f"A charge point would reject it: {against}.", "Correct it, or add it with --force.")
    library = service.site.smart_charging.library
    known = library.find(name)
    number = known.id if known is not None else library.new_id()
    text = encode_payload(msgspec.structs.replace(profile, charging_profile_id=number)).decode()
    note = parameters.note if parameters.note is not None or known is None else known.note
    if known is not None and known.note == note and known.time_zone == time_zone and is_same(known.read(), profile):
        return {"changed": False, "profile": _charging_profile_view(service, known)}
    if known is not None and not parameters.replace:
        other = f"{known.name} is in the library already, with another content; nothing has changed."
        raise RpcError(1, other, "To replace it: --replace")
    created_at = known.created_at if known is not None else now
    record = LibraryProfile(
        id=number,
        name=name,
        profile=text,
        note=note,
        created_at=created_at,
        time_zone=time_zone,
        utc_offset=ahead,
    )
    service.live.require()
    if known is not None:
        library.drop(known)
    library.put(record)
    told = Event("profile.changed", None, {"id": number, "name": name, "added": known is None})
    await service.live.keep([record], [told])
    return {"changed": True, "profile": _charging_profile_view(service, record)}


def _charging_profile_view(service: Service, record: LibraryProfile) -> Json:
    installed = service.site.smart_charging.installed.named(record.id)
    findings = _charging_profile_findings(record.read(), service.now())
    return library_profile_view(record, installed) | {
        "profile": json.loads(record.profile),
        "findings": [{"text": finding.text, "rejected": finding.rejected} for finding in findings],
        "installed_on": [installed_profile_view(place) for place in installed],
    }


async def list_charging_profiles(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    site = service.site
    views = [
        library_profile_view(record, site.smart_charging.installed.named(record.id))
        for record in site.smart_charging.library
    ]
    return {"schema_version": SCHEMA_VERSION, "profiles": views}


async def show_charging_profile(service: Service, parameters: Name, caller: Caller) -> Json:
    return {"schema_version": SCHEMA_VERSION} | _charging_profile_view(
        service, _known_charging_profile(service, parameters.name)
    )


async def remove_charging_profile(service: Service, parameters: Name, caller: Caller) -> Json:
    """Charge points keep what they have; the id is never given to another profile."""
    record = _known_charging_profile(service, parameters.name)
    service.live.require()
    charging = service.site.smart_charging
    gone = charging.library.remove(record, charging.installed)
    told = Event("profile.removed", None, {"id": record.id, "name": record.name})
    await service.live.keep(gone, [told])
    places = [installed_profile_view(place) for place in charging.installed.named(record.id)]
    return {"changed": True, "installed_on": places}


# --- what charge points have


async def list_installed_charging_profiles(service: Service, parameters: Places, caller: Caller) -> Json:
    targets = ["*"] if parameters.targets is None else parameters.targets
    site = service.site
    states = resolve_targets(site, targets) if site.charge_points or parameters.targets else []
    views = []
    for state in states:
        views += [
            installed_profile_view(record) for record in site.smart_charging.installed.in_force(state, service.now())
        ]
    return {"schema_version": SCHEMA_VERSION, "installed_profiles": views}


async def reassert_charging_profiles(service: Service, parameters: Reassertion, caller: Caller) -> Json:
    states = resolve_targets(service.site, parameters.targets)
    return await carry_out_operation(service, parameters, states, set_charging_profiles_again, caller)


METHODS: Table[Service] = {
    "profile.list": Method(NoParameters, list_charging_profiles, READ),
    "profile.show": Method(Name, show_charging_profile, READ),
    "profile.add": Method(Addition, add_charging_profile, ALL),
    "profile.remove": Method(Name, remove_charging_profile, ALL),
    "profile.installed": Method(Places, list_installed_charging_profiles, READ),
    "profile.reassert": Method(Reassertion, reassert_charging_profiles, ALL),
}
