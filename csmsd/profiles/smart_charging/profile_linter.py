"""What a charge point would reject in a charging profile, told before it is sent. Pure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile, InstalledProfiles
from csmsd.profiles.smart_charging.timeline import RECURRENCE_MS

_QUANTITIES = {"A": "Current", "W": "Power"}  # CE 3.86


class Finding(msgspec.Struct, frozen=True):
    """A sentence with its section. `rejected`: a charge point refuses such a profile, or applies it wrongly."""

    text: str
    rejected: bool = True


class Known(msgspec.Struct, frozen=True):
    """What is known of a charge point; None where it never reported it."""

    now: Milliseconds
    running: Mapping[int, int] = {}  # connector → id of its running transaction
    installed: Sequence[InstalledProfile] = ()
    connectors: int | None = None
    feature_profiles: frozenset[str] | None = None
    quantities: frozenset[str] | None = None
    max_stack_level: int | None = None
    max_periods: int | None = None
    max_profiles: int | None = None


def known_to_linter(state: ChargePointState, installed: InstalledProfiles, now: Milliseconds) -> Known:
    """A charge point, by the configuration that it last reported."""
    return Known(
        now=now,
        running={transaction.connector: transaction.id for transaction in state.transactions.active()},
        installed=installed.in_force(state, now),
        connectors=state.configured_number("NumberOfConnectors"),
        feature_profiles=state.configured_words("SupportedFeatureProfiles"),
        quantities=state.configured_words("ChargingScheduleAllowedChargingRateUnit"),
        max_stack_level=state.configured_number("ChargeProfileMaxStackLevel"),
        max_periods=state.configured_number("ChargingScheduleMaxPeriods"),
        max_profiles=state.configured_number("MaxChargingProfilesInstalled"),
    )


def linter_objection(findings: Sequence[Finding]) -> str | None:
    """The findings that speak against sending, as text for `Outgoing.check`."""
    return " ".join(finding.text for finding in findings if finding.rejected).removesuffix(".") or None


def lint_profile(profile: ChargingProfile, now: Milliseconds) -> list[Finding]:
    """What is wrong with the profile itself, wherever it is sent."""
    return [*_lint_kind(profile), *_lint_times(profile, now), *_lint_periods(profile)]


def _lint_kind(profile: ChargingProfile) -> list[Finding]:
    found = []
    recurring = profile.charging_profile_kind == "Recurring"
    if recurring and profile.recurrency_kind is None:
        found.append(Finding("A Recurring profile needs a recurrencyKind, Daily or Weekly (C 7.8)."))
    if not recurring and profile.recurrency_kind is not None:
        found.append(Finding("recurrencyKind is only for profiles of the kind Recurring (CE 3.56)."))
    start = profile.charging_schedule.start_schedule
    if profile.charging_profile_kind == "Relative" and start is not None:
        found.append(Finding("A Relative profile begins with its transaction and has no startSchedule (C 7.9)."))
    if profile.charging_profile_kind != "Relative" and start is None:
        found.append(Finding(f"A profile of the kind {profile.charging_profile_kind} needs a startSchedule (C 7.9)."))
    if profile.transaction_id is not None and profile.charging_profile_purpose != "TxProfile":
        found.append(Finding("transactionId is only for profiles of the purpose TxProfile (C 7.8)."))
    return found


def _lint_times(profile: ChargingProfile, now: Milliseconds) -> list[Finding]:
    found = []
    times: dict[str, Milliseconds] = {}
    for name, text in (
        ("validFrom", profile.valid_from),
        ("validTo", profile.valid_to),
        ("startSchedule", profile.charging_schedule.start_schedule),
    ):
        time = parse_timestamp(text) if text is not None else None
        if time is not None:
            times[name] = time
        elif text is not None:
            found.append(Finding(f"{name} {text!r} is no time (C 3.14)."))
    valid_to = times.get("validTo")
    if valid_to is not None and times.get("validFrom", valid_to - 1) >= valid_to:
        found.append(Finding("validTo is not later than validFrom: the profile is never valid (C 7.8)."))
    if valid_to is not None and valid_to <= now:
        found.append(Finding("validTo is over: the profile is not valid any more (C 7.8).", rejected=False))
    if times.get("startSchedule", now) > now:
        found.append(
            Finding(
                "startSchedule lies in the future: until then the profile limits nothing; a time in the past is "
                "recommended (C 3.13.2).",
                rejected=False,
            )
        )
    return found


def _lint_periods(profile: ChargingProfile) -> list[Finding]:
    found = []
    schedule = profile.charging_schedule
    periods = schedule.charging_schedule_period
    starts = [period.start_period for period in periods]
    if not starts:
        return [Finding("A schedule has at least one period (C 7.13).")]
    if starts[0] != 0:
        found.append(Finding(f"The first period starts at {starts[0]} s; it must start at 0 (CE 3.45)."))
    for one, following in pairwise(starts):
        if following <= one:
            found.append(Finding(f"The period at {following} s stands after that at {one} s; they ascend (C 7.14)."))
    for period in periods:
        if _lint_decimals(period.limit):
            found.append(Finding(f"The limit {period.limit} has more than one decimal (C 7.14, CE 3.70)."))
    if schedule.min_charging_rate is not None and _lint_decimals(schedule.min_charging_rate):
        found.append(Finding(f"minChargingRate {schedule.min_charging_rate} has more than one decimal (C 7.13)."))
    every = RECURRENCE_MS.get(profile.recurrency_kind or "")
    ends = [("the duration of the schedule", "C 5.16.4", schedule.duration)]
    if profile.charging_profile_kind == "Recurring" and every is not None:
        ends.append(("the recurrence", "CE 3.44", every // 1000))
    for what, section, end in ends:
        late = [start for start in starts if end is not None and start >= end]
        if late:
            found.append(
                Finding(f"The period at {late[0]} s lies beyond {what} and is not executed ({section}).", False)
            )
    return found


def _lint_decimals(number: float) -> bool:
    """Whether it has more than one."""
    return abs(number * 10 - round(number * 10)) > 1e-6


def lint_profile_for(profile: ChargingProfile, connector: int, known: Known) -> list[Finding]:
    """What speaks against sending the profile to a connector of this charge point."""
    return [
        *lint_profile(profile, known.now),
        *_lint_place(profile, connector, known),
        *_lint_capabilities(profile, known),
        *_lint_room(profile, connector, known),
    ]


def lint_for_remote_start(profile: ChargingProfile, connector: int | None, known: Known) -> list[Finding]:
    """The same for a profile that stands in RemoteStartTransaction (C 5.16.2)."""
    found = lint_profile(profile, known.now)
    if profile.charging_profile_purpose != "TxProfile":
        found.append(Finding("A charging profile in RemoteStartTransaction must be a TxProfile (C 5.16.2)."))
    if profile.transaction_id is not None:
        found.append(
            Finding("A charging profile in RemoteStartTransaction must not have a transactionId (C 5.16.2, CE 3.41).")
        )
    return [*found, *_lint_capabilities(profile, known), *_lint_room(profile, connector, known)]


def _lint_place(profile: ChargingProfile, connector: int, known: Known) -> list[Finding]:
    """C 3.13.1: where each purpose belongs."""
    found = []
    purpose = profile.charging_profile_purpose
    if purpose == "ChargePointMaxProfile" and connector != 0:
        found.append(Finding("A ChargePointMaxProfile is set on connector 0 only (C 3.13.1)."))
    if known.connectors is not None and connector > known.connectors:
        found.append(Finding(f"There is no connector {connector}; {known.connectors} are reported (CE 3.39)."))
    if purpose != "TxProfile":
        return found
    if connector == 0:
        found.append(Finding("A TxProfile is set on a connector above 0 only (C 3.13.1)."))
        return found
    running = known.running.get(connector)
    if running is None:
        found.append(
            Finding(
                f"No transaction is running on connector {connector}: a charge point rejects a TxProfile there "
                "(C 3.13.1)."
            )
        )
    elif profile.transaction_id is None:
        found.append(Finding("A TxProfile needs the transactionId of its transaction (C 5.16)."))
    elif profile.transaction_id != running:
        found.append(
            Finding(f"Transaction {profile.transaction_id} is not on connector {connector}; {running} is (C 3.13.1).")
        )
    return found


def _lint_capabilities(profile: ChargingProfile, known: Known) -> list[Finding]:
    """C 3.13.5: what the charge point reported of itself."""
    found = []
    if known.feature_profiles is not None and "smartcharging" not in known.feature_profiles:
        found.append(Finding("Its SupportedFeatureProfiles do not have SmartCharging (CE 3.39)."))
    unit = profile.charging_schedule.charging_rate_unit
    quantity = _QUANTITIES.get(unit, unit)
    if known.quantities is not None and not known.quantities & {quantity.casefold(), unit.casefold()}:
        allowed = ", ".join(sorted(word.capitalize() for word in known.quantities))
        found.append(
            Finding(f"The limits are in {unit}; its ChargingScheduleAllowedChargingRateUnit is {allowed} (CE 3.86).")
        )
    if known.max_stack_level is not None and profile.stack_level > known.max_stack_level:
        found.append(
            Finding(
                f"Stack level {profile.stack_level} is above its ChargeProfileMaxStackLevel {known.max_stack_level} "
                "(C 9.4.1)."
            )
        )
    periods = len(profile.charging_schedule.charging_schedule_period)
    if known.max_periods is not None and periods > known.max_periods:
        found.append(
            Finding(f"{periods} periods are more than its ChargingScheduleMaxPeriods {known.max_periods} (C 9.4.3).")
        )
    return found


def _lint_room(profile: ChargingProfile, connector: int | None, known: Known) -> list[Finding]:
    """What is installed already."""
    found = []
    place = (profile.charging_profile_purpose, profile.stack_level)
    replaced = [
        other
        for other in known.installed
        if other.profile_id == profile.charging_profile_id or (other.connector, *other.place) == (connector, *place)
    ]
    left = len(known.installed) - len(replaced)
    if known.max_profiles is not None and left >= known.max_profiles:
        found.append(
            Finding(
                f"{left} profiles are installed; its MaxChargingProfilesInstalled is {known.max_profiles} (C 9.4.5)."
            )
        )
    for other in replaced:
        if connector is not None and other.connector not in (connector, 0 if other.pending else connector):
            found.append(
                Finding(
                    f"A profile with the id {other.profile_id} is installed on connector {other.connector}: the charge "
                    "point would take it from there (C 5.16.4); send it to connector 0, or add it under another name."
                )
            )
    covered = [
        other
        for other in known.installed
        if other.connector in (connector, 0)
        and other.place[0] == place[0]
        and other.stack_level < profile.stack_level
        and other not in replaced
    ]
    endless = profile.charging_schedule.duration is None and profile.charging_profile_kind != "Recurring"
    if covered and endless and profile.valid_to is None:
        found.append(
            Finding(
                f"Without a duration it never gives way to the profile on stack level {covered[0].stack_level} "
                "(CE 3.7).",
                rejected=False,
            )
        )
    return found
