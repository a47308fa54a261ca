"""Figures that are 1000 times too much or too little: kWh that are called Wh, and the other way round."""

from csmsd.profiles.core.energy.agreement import (
    Case,
    Finding,
    agrees_as_growing,
    agrees_with_figures,
    exact_finding,
    gain_of_points,
    paces_of_points,
    points_in_unit,
)
from csmsd.profiles.core.energy.plain import ABOVE_RATING, HOUR, SMALL_WH, much_more_drawn, plain_reach
from csmsd.profiles.core.energy.streams import Point

UNITS = (1000.0, 0.001)
_CHARGES_W = 1000.0  # at least, where nothing but the register tells that it charges
_EVENLY = 0.4


def ends_nearer_in_unit(case: Case, energy: float, factor: float) -> bool:
    """Whether the last reading, in another unit, is nearer to what its time makes likely than as it is."""
    last, passed = case.points[-1].wh, _time_passed_for_unit(case)
    if passed is None or not energy:
        return False
    return abs((last * factor - case.start) / energy - passed) < abs(last / energy - passed)


def _time_passed_for_unit(case: Case) -> float | None:
    """The part of the transaction's time that had passed at the last reading."""
    began, ended = case.clocks.began, case.clocks.ended
    if began is None or ended is None or ended <= began or not case.points:
        return None
    return (case.points[-1].time - began) / (ended - began)


def fits_time_in_unit(case: Case, wh: float, energy: float) -> bool:
    """Whether so much at the last reading is what its time makes likely."""
    passed = _time_passed_for_unit(case)
    return energy > case.slack and (passed is None or abs(wh / energy - passed) < 0.3)


def unit_in_doubt(case: Case, energy: float) -> Finding:
    """Wh that start and stop tell; in doubt where readings from 0 fit as they are, but a thousandfold far better."""
    return exact_finding(energy, "unit") if _unit_makes_thousandths(case, energy) else exact_finding(energy)


def _unit_makes_thousandths(case: Case, energy: float) -> bool:
    if not case.points or not 0 < case.points[-1].wh < energy / 100:
        return False
    scaled = points_in_unit(case.points, 1000.0)
    passed = _time_passed_for_unit(case)
    likely = passed is not None and passed > 0.2 and fits_time_in_unit(case, scaled[-1].wh, energy)
    return likely and agrees_with_figures(case, scaled, 0.0, energy)


def other_unit(case: Case, energy: float, stop: float) -> Finding | None:
    """Readings, or start and stop, that are 1000 times too much or too little."""
    if not energy:
        return None  # nothing tells a factor
    for factor in UNITS:
        scaled = [
            point
            if case.start - case.slack <= point.wh <= stop + case.slack
            else Point(point.time, point.wh * factor, point.context)
            for point in case.points
        ]
        counted = points_in_unit(case.points, factor)
        thousandfold = factor < 1 and all(point.wh > stop + case.slack for point in case.points)
        if not agrees_with_figures(case, scaled, case.start, stop) and not (
            thousandfold
            and agrees_with_figures(case, counted, 0.0, energy)
            and fits_time_in_unit(case, counted[-1].wh, energy)
        ):
            continue
        told = energy / factor
        if thousandfold and len(scaled) > 1 and _start_and_stop_units_are_kwh(case, energy):
            return Finding(told, energy, told + 1 / factor, frozenset({"unit"}))
        return exact_finding(energy, "unit")
    return None


def start_unit_is_kwh(case: Case, points: list[Point]) -> bool:
    """Whether the start is in kWh and the readings, which come too fast after it, are in Wh."""
    if not 0 < case.start < SMALL_WH or not points or case.clocks.began is None or not agrees_as_growing(points):
        return False
    likely = plain_reach(case.clocks.likely_watts, points[0].time - case.clocks.began)
    return points[0].wh - case.start > likely and -1000 < points[0].wh - case.start * 1000 <= likely


def _start_and_stop_units_are_kwh(case: Case, energy: float) -> bool:
    """Whether it is start and stop that are in kWh: what they tell is next to nothing, a thousandfold is likely."""
    began, ended = case.clocks.began, case.clocks.ended
    if began is None or ended is None or ended <= began:
        return False
    mean = energy * HOUR / (ended - began)
    return mean < 100 and mean * 1000 <= case.clocks.likely_watts * 1.15


def tells_thousandths(case: Case, points: list[Point], *, sure: bool) -> bool:
    """Whether a register of the meter that no start of 0 led to is in kWh that are called Wh.

    What it gains is next to nothing, and a thousandfold is what the power tells, or, where no power was read, what a
    car draws. That alone says so only if the start is `sure` to be of no register.
    """
    if len(points) < 2 or points[-1].wh >= SMALL_WH or not agrees_as_growing(points):
        return False
    first, last, clocks = points[0], points[-1], case.clocks
    gain, length = last.wh - first.wh, last.time - first.time
    if gain <= 0 or gain * 1000 > clocks.reach(first.time, last.time):
        return False
    if clocks.began is not None and first.wh * 1000 <= plain_reach(clocks.likely_watts, first.time - clocks.began):
        return False  # it may count from 0
    drawn = case.drawn.between(first.time, last.time)
    if case.drawn.peak and len(drawn.moments) > 1:
        drew = drawn.likely if sure else drawn.least  # with what came between two readings, the last of which told 0
        return much_more_drawn(gain) <= drew <= 4000 * gain and gain * 1000 <= 2 * drawn.likely
    if not sure or case.drawn.moments or length <= 0:
        return False
    paces = [1000 * pace * HOUR for pace in paces_of_points(points)]
    if min(paces) < 0 or not _CHARGES_W <= max(paces) <= ABOVE_RATING * clocks.likely_watts:
        return False
    broken = any(point.wh % 1 for point in points)
    return broken or (len(paces) > 2 and min(paces) >= max(_CHARGES_W, _EVENLY * max(paces)))


def thousandfold_gain(case: Case, points: list[Point]) -> Finding:
    """What a register in kWh that are called Wh gained since it was read first; what came before is not known."""
    gain = points[-1].wh - points[0].wh
    began = case.clocks.began
    before = plain_reach(case.clocks.likely_watts, points[0].time - began) if began is not None else 0.0
    return Finding(gain * 1000, gain, gain * 1000 + 1000 + before, frozenset({"unit", "start_register"}))


def gains_in_other_unit(case: Case, energy: float, points: list[Point], factor: float) -> bool:
    """Whether what the meter gained, in another unit, is the part of the energy that came while it was read."""
    gain = gain_of_points(points) * factor
    began, ended = case.clocks.began, case.clocks.ended
    if len(points) < 2 or not case.slack < gain <= energy + case.slack or began is None or ended is None:
        return False
    if not agrees_as_growing(points) or ended <= began:
        return False
    return abs(gain / energy - (points[-1].time - points[0].time) / (ended - began)) < 0.3
