"""Energy where no register tells it: by intervals, or by the power over time."""

import math
from itertools import pairwise

import msgspec

from csmsd.profiles.core.energy.clocks import Clocks
from csmsd.profiles.core.energy.drawn import Drawn
from csmsd.profiles.core.energy.evidence import CLOCK, INTERVAL, Reading
from csmsd.profiles.core.energy.plain import HOUR, LIMIT_WH, OFTEN
from csmsd.profiles.record import Milliseconds

_EVENLY = 0.8
_PLACES = ("Outlet", "Cable", "Body", "Inlet")


class Intervals(msgspec.Struct, frozen=True):
    """Wh of all intervals together, the largest of them, whether each is more than the one before, and their end.

    `counts_on`: each is what its time since the start makes of an even power, as of a register that counts from 0.
    """

    energy: float
    largest: float
    grows: bool
    counts_on: bool
    until: Milliseconds


def energy_by_intervals(readings: list[Reading], began: Milliseconds | None) -> Intervals | None:
    """What Energy.Active.Import.Interval tells.

    Those of the clock and those of the sampling tell the same energy twice; so do the total and its phases.
    """
    kinds: dict[tuple[str, bool], dict[tuple[Milliseconds, str], float]] = {}
    for reading in readings:
        if reading.measurand == INTERVAL and 0 <= reading.value < LIMIT_WH and reading.location in _PLACES:
            kind = (reading.context if reading.context == CLOCK else "", bool(reading.phase))
            told = kinds.setdefault(kind, {})
            of = (reading.time, f"{reading.location} {reading.phase}")
            told[of] = max(told.get(of, 0.0), reading.value)  # at the end it may be told as 0 once more
    sums = {kind: _sum_of_intervals(found, began) for kind, found in kinds.items()}
    whole = {kind: told for kind, told in sums.items() if not kind[1]} or sums
    return max(whole.values(), key=lambda told: (told.energy, told.until), default=None)


def _sum_of_intervals(found: dict[tuple[Milliseconds, str], float], began: Milliseconds | None) -> Intervals:
    told = [value for _, value in sorted(found.items())]
    grows = len(told) > 1 and all(later > earlier for earlier, later in pairwise(told))
    until = max(time for time, _ in found)
    paces = [value / (time - began) for (time, _), value in found.items() if began is not None and time > began]
    counts_on = grows and len(paces) == len(told) > 2 and told[-1] >= 2 * told[0] and min(paces) >= _EVENLY * max(paces)
    return Intervals(sum(told), max(told), grows, counts_on, until)


class Estimate(msgspec.Struct, frozen=True):
    """Wh by the power over time: trapezia, the lower of each two readings, and the higher where they are not rare."""

    likely: float
    least: float
    most: float


def energy_by_power(drawn: Drawn, clocks: Clocks) -> Estimate | None:
    """What Power.Active.Import tells."""
    began, ended = clocks.began, clocks.ended
    if not drawn.moments:
        return None
    moments, least = [*drawn.moments], drawn.least
    if began is not None and began < moments[0][0]:
        moments.insert(0, (began, moments[0][1]))
    if ended is not None and ended > moments[-1][0]:
        moments.append((ended, moments[-1][1]))
    likely = most = 0.0
    for (since, before), (until, after) in pairwise(moments):
        likely += (until - since) / HOUR * (before + after) / 2
        most += (until - since) / HOUR * (max(before, after) if until - since <= OFTEN else math.inf)
    return Estimate(likely, least, most)
