"""The composite schedule: which limit holds when, from all installed profiles, and which of them made it (C 3.13).

Within a purpose the highest stack level leads; TxProfile overrules TxDefaultProfile; ChargePointMaxProfile caps both.
Where no profile says anything there is no limit. Amperes are per phase and watts in all (C 7.12): of profiles that
meet, the fewest phases hold, and with those one unit is turned into the other. Pure: time and state are arguments.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Literal

import msgspec

from csmsd.ocpp.types import ChargingRateUnit
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.smart_charging.timeline import Rate, Source, Timeline, leading_timeline, merged_timelines


class Running(msgspec.Struct, frozen=True):
    """A running transaction: its id, and when it began."""

    id: int
    since: Milliseconds


class Supply(msgspec.Struct, frozen=True):
    """What amperes are turned into watts with (C 7.12: the set voltage of the area, not a measured one)."""

    voltage: int = 230
    phases: int = 3


class Cause(msgspec.Struct, frozen=True):
    """A profile that made a period what it is, by its limit or by allowing fewer phases."""

    decides: Literal["limit", "phases"]
    source: Source
    limit: Fraction  # as the profile has it
    unit: ChargingRateUnit
    phases: int


class Period(msgspec.Struct, frozen=True):
    """From `start` to `end` one limit holds, in the unit asked for; None: no profile limits anything."""

    start: Milliseconds
    end: Milliseconds
    limit: Fraction | None
    phases: int | None
    minimum: Fraction | None  # the EV's minimum charging rate (C 7.13); a limit below it may end the charging
    because: tuple[Cause, ...]


class Moment(msgspec.Struct, frozen=True):
    """What the composition rests on besides the profiles."""

    now: Milliseconds
    running: Mapping[int, Running]  # by connector
    connectors: tuple[int, ...] = ()  # all there are; only the total of connector 0 needs them
    supply: Supply = Supply()


def compose_schedule(
    sources: Iterable[Source],
    connector: int,
    start: Milliseconds,
    end: Milliseconds,
    unit: ChargingRateUnit,
    at: Moment,
) -> list[Period]:
    """The limits of a connector over a span; equal neighbours are one period."""
    if start >= end:
        return []
    known = list(sources)
    maximum = leading_timeline(
        [source for source in known if source.profile.charging_profile_purpose == "ChargePointMaxProfile"],
        # "Relative" has no transaction to go by here; C 7.9 leaves its beginning to the charge point.
        lambda source: source.accepted_at,
        start,
        end,
    )
    connectors = (connector,) if connector > 0 else at.connectors
    timelines: list[Timeline] = [maximum]
    for number in connectors:
        timelines += _composed_for_transaction(known, number, start, end, at)
    periods: list[Period] = []
    for begin, stop, (cap, *rates) in merged_timelines(timelines):
        # TxProfile, where there is one at that moment, before TxDefaultProfile (C 3.13.1)
        own = [rates[2 * index] or rates[2 * index + 1] for index in range(len(connectors))]
        period = _joined_into_schedule(begin, stop, own, cap, unit, at.supply)
        if periods and _same_in_schedule(periods[-1], period):
            periods[-1] = msgspec.structs.replace(periods[-1], end=stop)
        else:
            periods.append(period)
    return periods


def _composed_for_transaction(
    sources: list[Source], connector: int, start: Milliseconds, end: Milliseconds, at: Moment
) -> tuple[Timeline, Timeline]:
    """What TxProfiles and TxDefaultProfiles say of a connector's transaction, running or about to begin."""
    running = at.running.get(connector)
    begun = running.since if running is not None else at.now
    anchor: Callable[[Source], Milliseconds] = lambda source: begun  # noqa: E731
    defaults: dict[int, Source] = {}
    own: list[Source] = []
    for source in sources:
        profile = source.profile
        if profile.charging_profile_purpose == "TxDefaultProfile":
            shadowed = defaults.get(profile.stack_level)
            # C 3.13.1: one for this connector replaces that of connector 0 here, and here only.
            if source.connector == connector or (source.connector == 0 and shadowed is None):
                defaults[profile.stack_level] = source
        elif (
            profile.charging_profile_purpose == "TxProfile"
            and source.connector == connector
            and running is not None
            and profile.transaction_id in (None, running.id)
        ):
            own.append(source)
    return leading_timeline(own, anchor, start, end), leading_timeline(defaults.values(), anchor, start, end)


def _joined_into_schedule(
    start: Milliseconds,
    end: Milliseconds,
    own: list[Rate | None],
    cap: Rate | None,
    unit: ChargingRateUnit,
    supply: Supply,
) -> Period:
    """One moment: the connectors' limits added up (one connector: its limit), capped by that of the charge point."""
    limited = [rate for rate in own if rate is not None]
    whole = bool(own) and len(limited) == len(own)  # one connector without a limit: the sum has none either
    rates = ([*limited] if whole else []) + ([cap] if cap is not None else [])
    if not rates:
        return Period(start, end, None, None, None, ())
    phases_own = max((min(rate.phases, supply.phases) for rate in limited), default=supply.phases)
    phases = min(phases_own if whole else supply.phases, cap.phases if cap is not None else supply.phases)
    total = None
    if whole:
        total = sum(
            (_schedule_in_unit(rate, unit, min(rate.phases, phases), supply.voltage) for rate in limited),
            start=Fraction(0),
        )
    ceiling = None if cap is None else _schedule_in_unit(cap, unit, phases, supply.voltage)
    limit = min(value for value in (total, ceiling) if value is not None)
    # CE 3.34: more phases in a profile than can be used change nothing; fewer restrict.
    restricted = phases < max(min(rate.phases, supply.phases) for rate in rates)
    causes: dict[int, Cause] = {}
    for rate in rates:
        value = ceiling if rate is cap else total
        if value == limit:
            decides: Literal["limit", "phases"] = "limit"
        elif restricted and rate.phases == phases:
            decides = "phases"
        else:
            continue
        causes[id(rate.source)] = Cause(decides, rate.source, rate.limit, rate.unit, rate.phases)
    minimum = None
    if len(own) == 1:
        minima = [
            _minimum_in_schedule(rate, unit, phases, supply.voltage) for rate in rates if rate.minimum is not None
        ]
        minimum = max(minima, default=None)
    return Period(start, end, limit, phases, minimum, tuple(causes.values()))


def _schedule_in_unit(rate: Rate, unit: ChargingRateUnit, phases: int, voltage: int) -> Fraction:
    return _converted_in_schedule(rate.limit, rate.unit, unit, phases, voltage)


def _minimum_in_schedule(rate: Rate, unit: ChargingRateUnit, phases: int, voltage: int) -> Fraction:
    assert rate.minimum is not None
    return _converted_in_schedule(rate.minimum, rate.unit, unit, phases, voltage)


def _converted_in_schedule(
    value: Fraction, given: ChargingRateUnit, wanted: ChargingRateUnit, phases: int, voltage: int
) -> Fraction:
    """C 7.12: current per phase = power / (line voltage * number of phases)."""
    if given == wanted:
        return value
    return value * voltage * phases if wanted == "W" else value / (voltage * phases)


def _same_in_schedule(one: Period, other: Period) -> bool:
    return (one.limit, one.phases, one.minimum, one.because) == (
        other.limit,
        other.phases,
        other.minimum,
        other.because,
    )


def rounded_schedule_limit(limit: Fraction) -> float:
    """One decimal, as the specification has it (C 7.14); downwards, since a limit is not to be exceeded."""
    return (limit * 10).__floor__() / 10
