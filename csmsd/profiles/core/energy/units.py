"""Figures that are 1000 times too much or too little: kWh that are called Wh, and the other way round."""

from csmsd.profiles.core.energy.agreement import Case, Finding, advances, agrees, exactly, in_unit
from csmsd.profiles.core.energy.plain import HOUR, SMALL_WH, reach
from csmsd.profiles.core.energy.streams import Point

UNITS = (1000.0, 0.001)


def ends_nearer(case: Case, energy: float, factor: float) -> bool:
    """Whether the last reading, in another unit, is nearer to what its time makes likely than as it is."""
    last, passed = case.points[-1].wh, _passed(case)
    if passed is None or not energy:
        return False
    return abs((last * factor - case.start) / energy - passed) < abs(last / energy - passed)


def _passed(case: Case) -> float | None:
    """The part of the transaction's time that had passed at the last reading."""
    began, ended = case.clocks.began, case.clocks.ended
    if began is None or ended is None or ended <= began or not case.points:
        return None
    return (case.points[-1].time - began) / (ended - began)


def is_in_time(case: Case, wh: float, energy: float) -> bool:
    """Whether so much at the last reading is what its time makes likely."""
    passed = _passed(case)
    return energy > case.slack and (passed is None or abs(wh / energy - passed) < 0.3)


def doubted(case: Case, energy: float) -> Finding:
    """Wh that start and stop tell; in doubt where readings from 0 fit as they are, but a thousandfold far better."""
    return exactly(energy, "unit") if _are_thousandths(case, energy) else exactly(energy)


def _are_thousandths(case: Case, energy: float) -> bool:
    if not case.points or not 0 < case.points[-1].wh < energy / 100:
        return False
    scaled = in_unit(case.points, 1000.0)
    passed = _passed(case)
    likely = passed is not None and passed > 0.2 and is_in_time(case, scaled[-1].wh, energy)
    return likely and agrees(case, scaled, 0.0, energy)


def other_unit(case: Case, energy: float, stop: float) -> Finding | None:
    """Readings, or start and stop, that are 1000 times too much or too little."""
    for factor in UNITS:
        scaled = [
            point
            if case.start - case.slack <= point.wh <= stop + case.slack
            else Point(point.time, point.wh * factor, point.context)
            for point in case.points
        ]
        counted = in_unit(case.points, factor)
        thousandfold = factor < 1 and all(point.wh > stop + case.slack for point in case.points)
        if not agrees(case, scaled, case.start, stop) and not (
            thousandfold and agrees(case, counted, 0.0, energy) and is_in_time(case, counted[-1].wh, energy)
        ):
            continue
        told = energy / factor
        if thousandfold and len(scaled) > 1 and _start_and_stop_are_kwh(case, energy):
            return Finding(told, energy, told + 1 / factor, frozenset({"unit"}))
        return exactly(energy, "unit")
    return None


def start_is_kwh(case: Case, points: list[Point]) -> bool:
    """Whether the start is in kWh and the readings, which come too fast after it, are in Wh."""
    if not 0 < case.start < SMALL_WH or not points or case.clocks.began is None or not advances(points):
        return False
    likely = reach(case.clocks.likely_watts, points[0].time - case.clocks.began)
    return points[0].wh - case.start > likely and -1000 < points[0].wh - case.start * 1000 <= likely


def _start_and_stop_are_kwh(case: Case, energy: float) -> bool:
    """Whether it is start and stop that are in kWh: what they tell is next to nothing, a thousandfold is likely."""
    began, ended = case.clocks.began, case.clocks.ended
    if began is None or ended is None or ended <= began:
        return False
    mean = energy * HOUR / (ended - began)
    return mean < 100 and mean * 1000 <= case.clocks.likely_watts * 1.15
