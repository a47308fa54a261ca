"""Composite schedules: what charging profiles add up to, worked out here, and asked of a charge point."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csmsd.control.charging_profile_views import (
    composite_schedule_view,
    reported_schedule_view,
    schedule_difference_view,
)
from csmsd.control.methods.operations import operation_results_view
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, Table, not_there, usage
from csmsd.control.service import Service
from csmsd.control.targets import one
from csmsd.ocpp.payloads import read_payload_value
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import ChargingRateUnit
from csmsd.operations.call import Steps
from csmsd.operations.options import Options
from csmsd.profiles.action import Target
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.smart_charging.composite_schedule import Period, compose_schedule
from csmsd.profiles.smart_charging.get_composite_schedule import GetCompositeScheduleConf, GetCompositeScheduleReq
from csmsd.profiles.smart_charging.limit_comparison import compare_limits, reported_limits_to_compare
from csmsd.profiles.smart_charging.outlook import Outlook
from csmsd.profiles.smart_charging.profile_linter import Finding, known_to_linter, lint_profile_for
from csmsd.profiles.smart_charging.wall_clock import off_clock

_LONGEST_SECONDS = 366 * 24 * 3600
Duration = Annotated[int, Meta(ge=1, le=_LONGEST_SECONDS)]


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


async def preview_composite_schedule(service: Service, parameters: Preview, caller: Caller) -> Json:
    state = one(service.site, parameters.charge_point)
    now = service.now()
    start = now if parameters.start is None else parse_timestamp(parameters.start)
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
        findings = lint_profile_for(
            profile, connector, known_to_linter(state, target.site.smart_charging.installed, now)
        )
    unit = parameters.unit or outlook.unit
    end = start + parameters.duration * 1000
    periods = compose_schedule(outlook.sources, parameters.connector, start, end, unit, outlook.moment)
    return _composite_schedule_of_span(state, parameters, unit, periods, outlook) | {
        "findings": [{"text": finding.text, "rejected": finding.rejected} for finding in findings]
    }


def _composite_schedule_of_span(
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


async def verify_composite_schedule(service: Service, parameters: Verification, caller: Caller) -> Json:
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
        socket=caller.socket,
    )
    results = await service.runner.run([state], ask, options)
    answer: Json = operation_results_view(results) | {"agrees": None}
    if results[0].outcome != "accepted":
        return answer
    now = service.now()
    state = one(service.site, parameters.charge_point)
    confirmation, _ = read_payload_value(GetCompositeScheduleConf, results[0].response)
    schedule = confirmation.charging_schedule
    if schedule is not None and not schedule.charging_schedule_period:
        schedule = None  # C 7.13 wants a period: without one it reports none
    # As they should be: a limit that holds an hour late since clocks were changed is one that does not agree.
    outlook = Outlook.of(Target(service.site, state, now), phases=parameters.phases, by_the_clocks=True)
    charging = service.site.smart_charging
    off = off_clock(charging.installed.in_force(state, now), charging.library)
    unit = schedule.charging_rate_unit if schedule is not None else parameters.unit or outlook.unit
    told = parse_timestamp(confirmation.schedule_start or "", state.zone)
    start = now if told is None else told
    end = start + parameters.duration * 1000
    periods = compose_schedule(outlook.sources, parameters.connector, start, end, unit, outlook.moment)
    reported = reported_limits_to_compare(schedule, start, end)
    found = compare_limits(periods, reported, unit, outlook.moment.supply)
    return (
        answer
        | _composite_schedule_of_span(state, parameters, unit, periods, outlook)
        | {
            "agrees": not found,
            "differences": [schedule_difference_view(difference) for difference in found],
            "off_clock": sorted({one.record.name or str(one.record.profile_id) for one in off}),
            "reported": None if schedule is None else [reported_schedule_view(stretch) for stretch in reported],
            # Its clock decides what holds when; one that is off is the first thing to look at.
            "clock_offset_s": None if told is None else round((told - now) / 1000),
        }
    )


METHODS: Table[Service] = {
    "profile.preview": Method(Preview, preview_composite_schedule, READ),
    "profile.verify": Method(Verification, verify_composite_schedule, ALL),
}
