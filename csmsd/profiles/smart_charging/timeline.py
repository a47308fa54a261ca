"""When a charging profile says what (C 7.8, 7.13, 7.14), and which of several leads (C 3.13.2). Pure.

Moments are milliseconds since 1970 UTC and limits are fractions: nothing here drifts, however long the span.
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from heapq import heappop, heappush
from itertools import pairwise

import msgspec

from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import ChargingProfile, ChargingRateUnit
from csmsd.profiles.record import Milliseconds

# CE 3.78: every 24 hours and every 7 days; a change of the clocks makes no difference to a charge point.
RECURRENCE_MS = {"Daily": 24 * 3600 * 1000, "Weekly": 7 * 24 * 3600 * 1000}
ASSUMED_PHASES = 3  # C 7.14: unless another number is given


class Source(msgspec.Struct, frozen=True, eq=False):
    """A charging profile on a connector; `accepted_at` is when the charge point accepted it."""

    connector: int
    profile: ChargingProfile
    accepted_at: Milliseconds = 0
    name: str | None = None  # in the library


class Rate(msgspec.Struct, frozen=True, eq=False):
    """What a period of a schedule allows: `limit` per phase in A, or in all in W."""

    limit: Fraction
    unit: ChargingRateUnit
    phases: int
    minimum: Fraction | None
    source: Source


Segment = tuple[Milliseconds, Milliseconds, Rate]
Stretch = tuple[Milliseconds, Milliseconds, Rate | None]
Timeline = list[Stretch]  # without gaps, from the start of the span to its end


def exact_on_timeline(number: float) -> Fraction:
    """8.1 as 81/10, not as the binary fraction next to it."""
    return Fraction(str(number))


def timeline_segments(
    source: Source, anchor: Milliseconds, start: Milliseconds, end: Milliseconds
) -> Iterator[Segment]:
    """Where in the span the profile says something, in the order of time.

    `anchor` is the beginning of a schedule that names none: Relative ones, and those without startSchedule (C 7.13).
    """
    profile = source.profile
    schedule = profile.charging_schedule
    valid_from = _timeline_time(profile.valid_from)
    valid_to = _timeline_time(profile.valid_to)
    start = start if valid_from is None else max(start, valid_from)
    end = end if valid_to is None else min(end, valid_to)  # at validTo it stops to be valid (C 7.8)
    if start >= end:
        return
    minimum = None if schedule.min_charging_rate is None else exact_on_timeline(schedule.min_charging_rate)
    rates = [
        (
            period.start_period * 1000,
            Rate(
                exact_on_timeline(period.limit),
                schedule.charging_rate_unit,
                period.number_phases or ASSUMED_PHASES,
                minimum,
                source,
            ),
        )
        for period in sorted(schedule.charging_schedule_period, key=lambda period: period.start_period)
    ]
    for run_start, run_end in _timeline_runs(profile, anchor, start, end):
        for index, (offset, rate) in enumerate(rates):
            begin = run_start + offset
            stop = min(run_end, run_start + rates[index + 1][0]) if index + 1 < len(rates) else run_end
            begin, stop = max(begin, start), min(stop, end)
            if begin < stop:
                yield begin, stop, rate


def _timeline_runs(
    profile: ChargingProfile, anchor: Milliseconds, start: Milliseconds, end: Milliseconds
) -> Iterator[tuple[Milliseconds, Milliseconds]]:
    """The times the schedule is gone through, as far as they touch the span."""
    schedule = profile.charging_schedule
    fixed = _timeline_time(schedule.start_schedule) if profile.charging_profile_kind != "Relative" else None
    first = anchor if fixed is None else fixed
    length = None if schedule.duration is None else schedule.duration * 1000
    every = RECURRENCE_MS.get(profile.recurrency_kind or "") if profile.charging_profile_kind == "Recurring" else None
    if every is None:
        # C 7.13: without a duration the last period goes on.
        yield first, end if length is None else first + length
        return
    # CE 3.43, 3.44: what is longer than the recurrence is cut, what is shorter leaves a gap for lower stack levels.
    length = every if length is None else min(length, every)
    skipped = max(0, (start - first) // every)
    for begin in range(first + skipped * every, end, every):
        yield begin, begin + length


def _timeline_time(text: str | None) -> Milliseconds | None:
    return None if text is None else parse_timestamp(text)


def leading_timeline(
    sources: Iterable[Source],
    anchor: Callable[[Source], Milliseconds],
    start: Milliseconds,
    end: Milliseconds,
) -> Timeline:
    """At any moment the profile with the highest stack level among those that say something then (C 3.13.2, CE 3.43).

    One sweep over all beginnings and ends: its cost grows with their number, not with the length of the span.
    """
    ranked = sorted(
        sources,
        # Two of one level cannot be installed; should it happen all the same, the newer one replaced the other.
        key=lambda source: (-source.profile.stack_level, -source.accepted_at, -source.profile.charging_profile_id),
    )
    found = [
        (segment[0], rank, segment)
        for rank, source in enumerate(ranked)
        for segment in timeline_segments(source, anchor(source), start, end)
    ]
    found.sort(key=lambda entry: entry[:2])
    moments = {start, end}
    for _, _, segment in found:
        moments.update(segment[:2])
    timeline: Timeline = []
    waiting: list[tuple[int, int]] = []  # (rank, index in found) of those that have begun
    upcoming = 0
    for moment, following in pairwise(sorted(moments)):
        while upcoming < len(found) and found[upcoming][0] <= moment:
            heappush(waiting, (found[upcoming][1], upcoming))
            upcoming += 1
        while waiting and found[waiting[0][1]][2][1] <= moment:
            heappop(waiting)
        rate = found[waiting[0][1]][2][2] if waiting else None
        if timeline and timeline[-1][2] is rate:
            timeline[-1] = (timeline[-1][0], following, rate)
        else:
            timeline.append((moment, following, rate))
    return timeline


def merged_timelines(timelines: list[Timeline]) -> Iterator[tuple[Milliseconds, Milliseconds, list[Rate | None]]]:
    """Several timelines over the same span, side by side, cut wherever one of them changes."""
    places = [0] * len(timelines)
    moments = sorted({moment for timeline in timelines for stretch in timeline for moment in stretch[:2]})
    for moment, following in pairwise(moments):
        for index, timeline in enumerate(timelines):
            while timeline[places[index]][1] <= moment:
                places[index] += 1
        yield (
            moment,
            following,
            [timeline[place][2] for timeline, place in zip(timelines, places, strict=True)],
        )
