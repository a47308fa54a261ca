"""A register that is read when the transaction ends, held against what the stop tells: both are of one moment."""

from csmsd.profiles.core.energy.agreement import Case, Finding, gain_of_points
from csmsd.profiles.core.energy.evidence import CLOCK, END
from csmsd.profiles.core.energy.plain import AT_THE_END, HOUR, LAG_WH, too_much_at_the_end
from csmsd.profiles.core.energy.streams import Point
from csmsd.profiles.record import Milliseconds

_OF_THE_STOP = 5000  # ms; what is read so near to the stop was read for it, whatever its context


def held_against_end(case: Case, finding: Finding) -> Finding:
    """What start and stop tell; in doubt where a register that is read at the end knows far less of it.

    It may lag behind by what came in a minute, or from one sample to the next.
    """
    ended, points = case.clocks.ended, case.points
    if finding.doubts or case.stop is None or ended is None or not points:
        return finding
    last = points[-1]
    if abs(last.time - ended) > AT_THE_END or last.wh > case.stop:
        return finding
    missing = case.stop - last.wh
    if -case.slack <= finding.energy - last.wh < missing:
        missing = finding.energy - last.wh  # it counts from 0, what start and stop do not
    if points[0].wh < case.start - LAG_WH - case.slack:
        missing = min(missing, finding.energy - gain_of_points(points))  # it is a second meter's
    told = max(0.0, finding.energy - missing)
    if missing <= too_much_at_the_end(finding.energy) + case.slack or missing <= 2 * _came_in_lag(case, last, told):
        return finding
    return finding.doubted("readings_disagree", low=min(finding.low, told))


def _came_in_lag(case: Case, last: Point, told: float) -> float:
    """Wh that came while the register was not read."""
    assert case.clocks.ended is not None
    began = case.clocks.began if case.clocks.began is not None else last.time - HOUR
    before = case.points[-2] if len(case.points) > 1 else Point(began, last.wh - told, "")
    length = max(1, last.time - before.time)
    pace = max((last.wh - before.wh) / length, told / max(1, last.time - began), case.drawn.peak / HOUR)
    return pace * max(AT_THE_END, 0 if _is_of_stop(last, case.clocks.ended) else length)


def _is_of_stop(last: Point, ended: Milliseconds) -> bool:
    return last.context == END or (last.context != CLOCK and last.time >= ended - _OF_THE_STOP)
