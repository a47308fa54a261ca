"""What a register gains from one reading to the next, and no connector delivers in that time: it was misread, or reset.

Over the whole transaction so much may well have come, so that start and stop alone do not show it.
"""

from csmsd.profiles.core.energy.agreement import Case, Finding, exact_finding
from csmsd.profiles.core.energy.streams import Point


def without_jumps(case: Case, energy: float, points: list[Point], *, start: float) -> Finding:
    """Wh that a register tells which only grows from `start`; what jumped is in doubt, and not billed."""
    jumped = _jumped(case, points, start)
    if not jumped:
        return exact_finding(energy)
    least = max(0.0, energy - jumped)
    last = points[-1].time if case.stop is None else case.clocks.ended
    return Finding(least, least, max(least, min(energy, case.clocks.since_start(last))), frozenset({"impossible"}))


def _jumped(case: Case, points: list[Point], start: float) -> float:
    """Wh of all jumps; readings of different contexts may be of different age, so that the highest counts."""
    level, time, jumped = start, case.clocks.began, 0.0
    for point in points:
        gain = point.wh - level
        if gain <= 0:
            continue
        if time is not None and gain > case.clocks.reach(time, point.time) + case.slack:
            jumped += gain
        level, time = point.wh, point.time
    return jumped
