"""Registers that went back: set to 0 by a restart of the charge point, or nobody knows why."""

from csmsd.profiles.core.energy.agreement import Case, Finding, exact_finding
from csmsd.profiles.core.energy.evidence import RESUMED
from csmsd.profiles.core.energy.plain import ROUNDING_WH, plain_reach
from csmsd.profiles.core.energy.streams import Point
from csmsd.profiles.record import Milliseconds

# A restart is told this much later than the first reading after it at most.
_BOOT_LATE = 300_000  # ms
_RESET_BELOW = 0.25  # of where a register stood, for a restart to have set it to 0


def energy_over_restarts(case: Case, points: list[Point]) -> Finding | None:
    """The energy of a register that restarts set back to 0, if each step back is proven to be such a one."""
    level, time = case.start, case.clocks.began
    base, energy, old = case.start, 0.0, 0.0
    proven: bool | None = None  # None: it did not go back
    for point in points:
        if point.wh >= level - ROUNDING_WH:
            watts = case.clocks.watts if proven is None else case.clocks.likely_watts
            if time is not None and point.wh - level > plain_reach(watts, point.time - time) + case.slack:
                return None
            proven = proven or (proven is False and ROUNDING_WH < point.wh < old)
            level, time = max(level, point.wh), point.time
            continue
        boot = _boot_at_restart(case, time, point)
        if boot is None or point.wh > _RESET_BELOW * level or point.wh < -case.slack:
            return None
        if point.wh > plain_reach(case.clocks.likely_watts, point.time - boot):
            return None
        energy, old = energy + level - base, level
        proven = point.wh > ROUNDING_WH
        base, level, time = 0.0, max(0.0, point.wh), point.time
    if not proven:
        return None
    return exact_finding(energy + level - base)


def _boot_at_restart(case: Case, time: Milliseconds | None, point: Point) -> Milliseconds | None:
    if point.context == RESUMED:
        return time
    for boot in case.boots:
        at = boot.at + case.clocks.ahead
        if time is not None and at < time:
            continue
        if at <= point.time + _BOOT_LATE:
            return at
        if boot.after < point.time:  # the point was told late: it started anew between the reading before and this one
            return max(boot.after, time or 0)
    return None


def advances_over_restarts(case: Case, points: list[Point]) -> float:
    """Wh that all advances make, where a register went back without a proof."""
    level, energy = case.start, 0.0
    for point in points:
        if point.wh > level and point.wh - level <= case.clocks.since_start(point.time):
            energy += point.wh - level
        level = point.wh
    return energy


def falls_once_at_restart(points: list[Point]) -> bool:
    falls = [place for place in range(1, len(points)) if points[place].wh < points[place - 1].wh - ROUNDING_WH]
    return len(falls) == 1
