"""Charging profiles: the library, what is installed where, and what it adds up to."""

import json
from datetime import datetime, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from csmsd.control.methods.operations import Common, carry_out, results_view
from csmsd.control.profile_views import (
    composite_schedule_view,
    difference_view,
    installed_view,
    library_view,
    reported_view,
)
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, NoParameters, RpcError, Table, not_there, usage
from csmsd.control.service import Service
from csmsd.control.targets import one, resolve
from csmsd.ocpp.identity import IDENTITY_RULE, is_identity
from csmsd.ocpp.reading import check_sendable, encode, read_value
from csmsd.ocpp.timestamps import parse_time
from csmsd.ocpp.types import ChargingProfile, ChargingRateUnit
from csmsd.operations.call import Steps
from csmsd.operations.options import Options
from csmsd.profiles.action import Target
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.record import Deleted, Event
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.smart_charging.comparison import differences, reported_limits
from csmsd.profiles.smart_charging.composite_schedule import Period, compose
from csmsd.profiles.smart_charging.get_composite_schedule import GetCompositeScheduleConf, GetCompositeScheduleReq
from csmsd.profiles.smart_charging.library import LibraryProfile, parse_profile, prepared_profile
from csmsd.profiles.smart_charging.linter import Finding, known_of, lint, lint_for, objection
from csmsd.profiles.smart_charging.outlook import Outlook
from csmsd.profiles.smart_charging.set_charging_profile import again
from csmsd.profiles.smart_charging.short_form import NotUnderstood, ShortForm, build

_LONGEST_SECONDS = 366 * 24 * 3600
Duration = Annotated[int, Meta(ge=1, le=_LONGEST_SECONDS)]


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


class Span(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    charge_point: str
    connector: Annotated[int, Meta(ge=0)]
    duration: Duration = 24 * 3600
    unit: ChargingRateUnit | None = None
    phases: Annotated[int, Meta(ge=1, le=3)] = 3


class Preview(Span, kw_only=True, forbid_unknown_fields=True):
    start: str | None = None
    # A name in the library or an object: as if it were sent now.
    with_: str | dict[str, Any] | None = msgspec.field(default=None, name="with")


class Verification(Span, kw_only=True, forbid_unknown_fields=True):
    timeout: Annotated[float, Meta(gt=0, le=3600)] | None = None
    force: bool = False


class Reassertion(Common, kw_only=True, forbid_unknown_fields=True):
    pass


# --- the library


def _known(service: Service, name: str) -> LibraryProfile:
    record = service.site.smart_charging.library.find(name)
    if record is None:
        raise not_there(f"No charging profile {name}.", "See: csmsctl profile list")
    return record


def _zone(name: str | None) -> tzinfo:
    if name is None:
        local = datetime.now().astimezone().tzinfo
        assert local is not None
        return local
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise usage(f"{name!r} is no time zone.", "Name one like Europe/Amsterdam.") from None


def _made(parameters: Addition, now: int) -> ChargingProfile:
    """The profile that is meant, ready to be sent but for its id."""
    try:
        if parameters.profile is not None:
            if parameters.limit is not None or parameters.daily is not None:
                raise usage("Give either the JSON of a profile or a limit, not both.")
            profile = parse_profile(parameters.profile, id=0)
        else:
            profile = build(parameters, now, _zone(parameters.time_zone))
    except CannotSend as error:
        raise usage(str(error), "See the specification, 7.8, or use --limit 16A.") from None
    except NotUnderstood as error:
        text = str(error)
        raise usage(f"{text[:1].upper()}{text[1:]}.") from None
    if profile.charging_profile_kind == "Recurring":
        profile = prepared_profile(profile, connector=0, transaction=None, now=now)
    return msgspec.structs.replace(profile, charging_profile_id=0)


def _findings(profile: ChargingProfile, now: int) -> list[Finding]:
    """Of a profile in the library: an Absolute one without startSchedule gets it when it is sent."""
    findings = lint(prepared_profile(profile, connector=0, transaction=None, now=now), now)
    if profile.transaction_id is not None:
        findings.append(
            Finding("A transactionId belongs to one transaction: give it with set-charging-profile --transaction.")
        )
    return findings


async def add(service: Service, parameters: Addition, caller: Caller) -> Json:
    name, now = parameters.name, service.now()
    if not is_identity(name) or name.endswith(".json"):
        raise usage(f"{name!r} is no name: {IDENTITY_RULE}; and it does not end in .json.")
    profile = _made(parameters, now)
    malformed = check_sendable(profile)
    findings = _findings(profile, now)
    against = malformed or objection(findings)
    if against is not None and not parameters.force:
        raise usage(f"A charge point would reject it: {against}.", "Correct it, or add it with --force.")
    library = service.site.smart_charging.library
    known = library.find(name)
    number = known.id if known is not None else library.new_id()
    text = encode(msgspec.structs.replace(profile, charging_profile_id=number)).decode()
    note = parameters.note if parameters.note is not None or known is None else known.note
    if known is not None and known.profile == text and known.note == note:
        return {"changed": False, "profile": _shown(service, known)}
    if known is not None and not parameters.replace:
        other = f"{known.name} is in the library already, with another content; nothing has changed."
        raise RpcError(1, other, "To replace it: --replace")
    created_at = known.created_at if known is not None else now
    record = LibraryProfile(id=number, name=name, profile=text, note=note, created_at=created_at)
    service.live.require()
    if known is not None:
        library.drop(known)
    library.put(record)
    told = Event("profile.changed", None, {"id": number, "name": name, "added": known is None})
    await service.live.keep([record], [told])
    return {"changed": True, "profile": _shown(service, record)}


def _shown(service: Service, record: LibraryProfile) -> Json:
    installed = service.site.smart_charging.installed.named(record.id)
    findings = _findings(record.read(), service.now())
    return library_view(record, installed) | {
        "profile": json.loads(record.profile),
        "findings": [{"text": finding.text, "rejected": finding.rejected} for finding in findings],
        "installed_on": [installed_view(place) for place in installed],
    }


async def listing(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    site = service.site
    views = [
        library_view(record, site.smart_charging.installed.named(record.id)) for record in site.smart_charging.library
    ]
    return {"schema_version": SCHEMA_VERSION, "profiles": views}


async def show(service: Service, parameters: Name, caller: Caller) -> Json:
    return {"schema_version": SCHEMA_VERSION} | _shown(service, _known(service, parameters.name))


async def remove(service: Service, parameters: Name, caller: Caller) -> Json:
    """Charge points keep what they have; the id is never given to another profile."""
    record = _known(service, parameters.name)
    service.live.require()
    service.site.smart_charging.library.drop(record)
    told = Event("profile.removed", None, {"id": record.id, "name": record.name})
    await service.live.keep([Deleted(record)], [told])
    places = [installed_view(place) for place in service.site.smart_charging.installed.named(record.id)]
    return {"changed": True, "installed_on": places}


# --- what charge points have


async def installed(service: Service, parameters: Places, caller: Caller) -> Json:
    targets = ["*"] if parameters.targets is None else parameters.targets
    site = service.site
    states = resolve(site, targets) if site.charge_points or parameters.targets else []
    views = []
    for state in states:
        views += [installed_view(record) for record in site.smart_charging.installed.in_force(state, service.now())]
    return {"schema_version": SCHEMA_VERSION, "installed_profiles": views}


async def reassert(service: Service, parameters: Reassertion, caller: Caller) -> Json:
    states = resolve(service.site, parameters.targets)
    return await carry_out(service, parameters, states, again, caller)


# --- what it adds up to


async def preview(service: Service, parameters: Preview, caller: Caller) -> Json:
    state = one(service.site, parameters.charge_point)
    now = service.now()
    start = now if parameters.start is None else parse_time(parameters.start)
    if start is None:
        raise usage(f"{parameters.start!r} is no time.", "Write it as 2026-12-31T23:59:59Z.")
    target = Target(service.site, state, now)
    outlook = Outlook.of(target, phases=parameters.phases)
    findings: list[Finding] = []
    if parameters.with_ is not None:
        try:
            profile = target.site.smart_charging.library.resolve(parameters.with_)
        except NotThere as error:
            raise not_there(str(error)) from None
        except CannotSend as error:
            raise usage(str(error)) from None
        connector, profile = outlook.add(profile, parameters.connector)
        findings = lint_for(profile, connector, known_of(state, target.site.smart_charging.installed, now))
    unit = parameters.unit or outlook.unit
    end = start + parameters.duration * 1000
    periods = compose(outlook.sources, parameters.connector, start, end, unit, outlook.moment)
    return _composite(state, parameters, unit, periods, outlook) | {
        "findings": [{"text": finding.text, "rejected": finding.rejected} for finding in findings]
    }


def _composite(
    state: ChargePointState, parameters: Span, unit: ChargingRateUnit, periods: list[Period], outlook: Outlook
) -> Json:
    running = outlook.moment.running.get(parameters.connector)
    return {
        "schema_version": SCHEMA_VERSION,
        "charge_point": state.id,
        "connector": parameters.connector,
        "unit": unit,
        "voltage": outlook.moment.supply.voltage,
        "phases": outlook.moment.supply.phases,
        "transaction": running.id if running is not None and running.id else None,
    } | composite_schedule_view(periods)


async def verify(service: Service, parameters: Verification, caller: Caller) -> Json:
    """Asks the charge point for its composite schedule and holds it against ours."""
    state = one(service.site, parameters.charge_point)

    def ask(_: Target) -> Steps:
        yield GetCompositeScheduleReq(
            connector_id=parameters.connector, duration=parameters.duration, charging_rate_unit=parameters.unit
        )

    options = Options(
        timeout=parameters.timeout or service.settings.ocpp.call_timeout,
        force=parameters.force,
        uid=caller.uid,
        user=caller.user,
    )
    results = await service.runner.run([state], ask, options)
    answer: Json = results_view(results) | {"agrees": None}
    if results[0].outcome != "accepted":
        return answer
    now = service.now()
    state = one(service.site, parameters.charge_point)
    confirmation, _ = read_value(GetCompositeScheduleConf, results[0].response)
    schedule = confirmation.charging_schedule
    if schedule is not None and not schedule.charging_schedule_period:
        schedule = None  # C 7.13 wants a period: without one it reports none
    outlook = Outlook.of(Target(service.site, state, now), phases=parameters.phases)
    unit = schedule.charging_rate_unit if schedule is not None else parameters.unit or outlook.unit
    told = parse_time(confirmation.schedule_start or "", state.zone)
    start = now if told is None else told
    end = start + parameters.duration * 1000
    periods = compose(outlook.sources, parameters.connector, start, end, unit, outlook.moment)
    reported = reported_limits(schedule, start, end)
    found = differences(periods, reported, unit, outlook.moment.supply)
    return (
        answer
        | _composite(state, parameters, unit, periods, outlook)
        | {
            "agrees": not found,
            "differences": [difference_view(difference) for difference in found],
            "reported": None if schedule is None else [reported_view(stretch) for stretch in reported],
            # Its clock decides what holds when; one that is off is the first thing to look at.
            "clock_offset_s": None if told is None else round((told - now) / 1000),
        }
    )


METHODS: Table[Service] = {
    "profile.list": Method(NoParameters, listing),
    "profile.show": Method(Name, show),
    "profile.add": Method(Addition, add),
    "profile.remove": Method(Name, remove),
    "profile.installed": Method(Places, installed),
    "profile.reassert": Method(Reassertion, reassert),
    "profile.preview": Method(Preview, preview),
    "profile.verify": Method(Verification, verify),
}
