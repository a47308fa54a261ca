"""What a charge point says it will allow, held against what should hold (C 5.7). Pure."""

from fractions import Fraction
from typing import Literal

import msgspec

from csmsd.ocpp.types import ChargingRateUnit, ChargingSchedule
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.smart_charging.composite_schedule import Period, Supply
from csmsd.profiles.smart_charging.timeline import exact_on_timeline

# Schedules are in whole seconds and two clocks are never the same: shorter differences are none.
_BRIEF_MS = 5000
_STEP = Fraction(1, 10)  # of a limit (C 7.14)


class Difference(msgspec.Struct, frozen=True):
    """A span in which both disagree; None is no limit.

    `higher`: the charge point allows more than it should. `lower`: it allows less, as it may for limits of its own.
    """

    start: Milliseconds
    end: Milliseconds
    kind: Literal["higher", "lower"]
    expected: Fraction | None
    reported: Fraction | None


Reported = list[tuple[Milliseconds, Milliseconds, Fraction | None]]


def reported_limits_to_compare(schedule: ChargingSchedule | None, start: Milliseconds, end: Milliseconds) -> Reported:
    """The charge point's schedule, over the span that was asked for; where it says nothing there is no limit.

    So it is with a negative one, which some write for none.
    """
    if schedule is None or not schedule.charging_schedule_period:
        return [(start, end, None)]
    stop = end if schedule.duration is None else min(end, start + schedule.duration * 1000)
    periods = sorted(schedule.charging_schedule_period, key=lambda period: period.start_period)
    moments = [min(stop, start + period.start_period * 1000) for period in periods]
    found: Reported = [(start, moments[0] if moments else stop, None)]
    for period, begin, following in zip(periods, moments, [*moments[1:], stop], strict=True):
        found.append((begin, following, exact_on_timeline(period.limit) if period.limit >= 0 else None))
    found.append((stop, end, None))
    return [stretch for stretch in found if stretch[0] < stretch[1]]


def compare_limits(
    expected: list[Period], reported: Reported, unit: ChargingRateUnit, supply: Supply
) -> list[Difference]:
    """Where both disagree by more than rounding explains."""
    found: list[Difference] = []
    for period in expected:
        tolerance = _tolerance_of_comparison(period, unit, supply)
        for start, end, limit in reported:
            start, end = max(start, period.start), min(end, period.end)
            if start >= end or limit == period.limit:
                continue
            if limit is not None and period.limit is not None and abs(limit - period.limit) <= tolerance:
                continue
            kind: Literal["higher", "lower"] = "higher"
            if limit is not None and (period.limit is None or limit < period.limit):
                kind = "lower"
            difference = Difference(start, end, kind, period.limit, limit)
            last = found[-1] if found else None
            if (
                last is not None
                and msgspec.structs.replace(last, start=start, end=end) == difference
                and last.end == start
            ):
                found[-1] = msgspec.structs.replace(last, end=end)
            else:
                found.append(difference)
    return [difference for difference in found if difference.end - difference.start > _BRIEF_MS]


def _tolerance_of_comparison(period: Period, unit: ChargingRateUnit, supply: Supply) -> Fraction:
    """A tenth; where amperes had to be turned into watts, what a tenth of an ampere makes."""
    if unit == "W" and any(cause.unit == "A" for cause in period.because):
        return _STEP * supply.voltage * (period.phases or supply.phases)
    return _STEP
