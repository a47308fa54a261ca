"""What a register gains from one reading to the next, and cannot have come in that time: it was misread, or reset.

No connector delivers it, or the power that was read before and after leaves no room for it. Over the whole transaction
so much may well have come, so that start and stop alone do not show it.
"""

from collections.abc import Iterator

import msgspec

from csmsd.profiles.core.energy.agreement import Case, Finding, exact_finding
from csmsd.profiles.core.energy.doubts import Doubt
from csmsd.profiles.core.energy.plain import AT_THE_END, CHARGING_W, HOUR, leap_watts, too_much_drawn
from csmsd.profiles.core.energy.streams import Point
from csmsd.profiles.record import Milliseconds

_SEEN_FROM_START = 300_000  # ms; where power is read so soon, it tells what came before as well


def without_jumps(case: Case, energy: float, points: list[Point], *, start: float) -> Finding:
    """Wh that a register tells which only grows from `start`; what jumped is in doubt, and not billed."""
    jumped, doubts = _jumped(case, points, start)
    if not jumped:
        return exact_finding(energy)
    least = max(0.0, energy - jumped)
    last = points[-1].time if case.stop is None else case.clocks.ended
    return Finding(least, least, max(least, min(energy, case.clocks.since_start(last))), frozenset(doubts))


class _Gain(msgspec.Struct, frozen=True):
    wh: float
    since: Milliseconds
    until: Milliseconds


def _jumped(case: Case, points: list[Point], start: float) -> tuple[float, set[Doubt]]:
    """Wh of all jumps, and what is doubted."""
    gains = list(_gains(case, points, start))
    impossible = [gain for gain in gains if gain.wh > case.clocks.reach(gain.since, gain.until) + case.slack]
    leaps = [gain for gain in gains if gain not in impossible and _leaves_power_behind(case, gain)]
    others = [gain for gain in gains if gain not in impossible and gain not in leaps]
    room = too_much_drawn(case.drawn.peak * sum(gain.until - gain.since for gain in others) / HOUR)
    if len(leaps) > len(others) or sum(gain.wh for gain in others) > room:
        leaps = []  # it is the power that is not what was drawn
    doubts: set[Doubt] = set()
    if impossible and start == case.start == 0 and impossible[0] is gains[0]:
        doubts.add("start_register")  # it is of another register than the readings
    if impossible[len(doubts) :]:
        doubts.add("impossible")
    if leaps:
        doubts.add("readings_disagree")
    return sum(gain.wh for gain in [*impossible, *leaps]), doubts


def _gains(case: Case, points: list[Point], start: float) -> Iterator[_Gain]:
    """Readings of different contexts may be of different age, so that the highest counts.

    A register that stands still may be behind, and catch up; not where nothing was drawn while it stood.
    """
    level, time, drawn = start, case.clocks.began, dict(case.drawn.moments)
    for point in points:
        if point.wh <= level:
            if point.wh == level and drawn.get(point.time, CHARGING_W) < CHARGING_W:
                time = point.time
            continue
        if time is not None:
            yield _Gain(point.wh - level, time, point.time)
        level, time = point.wh, point.time


def _leaves_power_behind(case: Case, gain: _Gain) -> bool:
    """Whether power that was read before and after is far less; that of the last reading counts until the stop.

    One that stays the same tells what came before it as well, unlike that of a fast charger, which falls off.
    """
    moments, length = case.drawn.moments, gain.until - gain.since
    leap = leap_watts(gain.wh - case.slack, length)
    if not leap:  # nearly always
        return False
    at_the_end = gain.until == case.clocks.ended and length <= AT_THE_END
    if not moments or at_the_end:  # of that, see `held_against_end`
        return False
    soon = min(_SEEN_FROM_START, length // 4) if gain.since == case.clocks.began else 0
    if moments[0][0] > gain.since + soon and not (gain.since == case.clocks.began and case.drawn.is_steady):
        return False
    if moments[-1][0] < (gain.since if gain.until == case.clocks.ended else gain.until):
        return False
    return leap > case.drawn.peak > 0
