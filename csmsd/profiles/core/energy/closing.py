"""The energy by start, stop and the readings between them."""

import msgspec

from csmsd.profiles.core.energy.agreement import (
    Case,
    Finding,
    agrees_as_growing,
    agrees_from_zero,
    agrees_with_figures,
    agrees_with_second_register,
    comes_too_fast,
    exact_finding,
    gain_of_points,
    longest_agreement,
    paces_of_points,
    part_that_agrees,
    points_in_unit,
    start_disagrees,
)
from csmsd.profiles.core.energy.jumps import without_jumps
from csmsd.profiles.core.energy.plain import LAG_WH
from csmsd.profiles.core.energy.restarts import advances_over_restarts, energy_over_restarts, falls_once_at_restart
from csmsd.profiles.core.energy.running import running_energy
from csmsd.profiles.core.energy.streams import Point
from csmsd.profiles.core.energy.units import (
    UNITS,
    ends_nearer_in_unit,
    fits_time_in_unit,
    gains_in_other_unit,
    other_unit,
    start_unit_is_kwh,
    tells_thousandths,
    thousandfold_gain,
    unit_in_doubt,
)


def closing_energy(case: Case) -> Finding:
    assert case.stop is not None
    start, stop, points = case.start, case.stop, case.points
    if stop < start - case.slack:
        return _closing_below_start(case, stop)
    energy = max(0.0, stop - start)
    if not case.can_have_come(energy, case.clocks.ended):
        return _impossible_closing(case, energy, stop)
    if agrees_with_figures(case, points, start, stop):
        if start_unit_is_kwh(case, points) and start * 1000 < stop:
            return Finding(stop - start * 1000, stop - points[0].wh, energy, frozenset({"unit"}))
        closed = [*points, _closing_point(case, stop)]
        elsewhere = bool(points) and start_disagrees(case, closed)
        sure = elsewhere or (bool(points) and comes_too_fast(case, points[0]))
        if not start and tells_thousandths(case, closed, sure=sure):
            return thousandfold_gain(case, closed)
        if not start and _only_readings_tell_thousandths(case, energy):
            return exact_finding(energy, "unit")
        if elsewhere:
            least = stop - points[0].wh
            return Finding(least, least, energy, frozenset({"start_register"}))
        jumped = without_jumps(case, energy, closed, start=start)
        return unit_in_doubt(case, energy) if start <= case.slack and not jumped.doubts else jumped
    restarted = energy_over_restarts(case, [*points, _closing_point(case, stop)])
    if restarted is not None:
        return restarted
    counted = agrees_with_figures(case, points, 0.0, energy) or _restart_before_closing(case, energy)
    units = [
        factor for factor in UNITS if start and agrees_with_figures(case, points_in_unit(points, factor), start, stop)
    ]
    if counted and not (units and ends_nearer_in_unit(case, energy, units[0])):
        grown = without_jumps(case, energy, points, start=0.0)  # what restarts set back is no jump
        return grown if grown.doubts and agrees_with_figures(case, points, 0.0, energy) else unit_in_doubt(case, energy)
    if (
        start <= LAG_WH
        and all(point.wh > stop + case.slack for point in points)
        and agrees_as_growing(points)
        and gain_of_points(points) <= energy + case.slack
    ):
        if tells_thousandths(case, points, sure=True) and gains_in_other_unit(case, energy, points, 1000.0):
            return exact_finding(energy, "unit")
        return exact_finding(energy)  # start and stop count the transaction, the readings are of the meter
    own, others = part_that_agrees(points, lambda point: start - case.slack <= point.wh <= stop + case.slack)
    nothing_fits = not own
    if nothing_fits:
        own, others = part_that_agrees(points, lambda point: -case.slack <= point.wh <= energy + case.slack)
    if (
        agrees_as_growing(own)
        and agrees_with_second_register(case, own, others)
        and gain_of_points(others) <= energy + case.slack
    ):
        return exact_finding(energy)
    if _is_beside_another_meter(case, energy):
        return exact_finding(energy)
    if (
        start <= LAG_WH
        and all(point.wh > stop for point in points)
        and gains_in_other_unit(case, energy, points, 0.001)
    ):
        return exact_finding(energy, "unit")
    unit = other_unit(case, energy, stop)
    if unit is not None:
        return unit
    segments = advances_over_restarts(case, [*points, _closing_point(case, stop)])
    turns = sum(1 for point in points if point.wh < start - case.slack)
    reset = (nothing_fits and 1 < turns < len(points)) or _began_anew_before_closing(case, points, stop)
    if reset and segments > energy and falls_once_at_restart(points):
        return Finding(segments, energy, segments, frozenset({"went_back"}))  # nothing fits but a reset
    above = max((point.wh - start for point in points if case.can_have_come(point.wh - start, point.time)), default=0.0)
    return Finding(energy, energy, max(energy, above, segments), frozenset({"readings_disagree"}))


def _is_beside_another_meter(case: Case, energy: float) -> bool:
    """Whether the readings are of a second meter for the same energy, which had come less far, or further.

    They gain no more, and what is missing came before the first of them and after the last.
    """
    points, slack = case.points, case.slack
    began, ended = case.clocks.began, case.clocks.ended
    if len(points) < 3 or began is None or ended is None or not agrees_as_growing(points):
        return False
    gain = gain_of_points(points)
    if gain <= slack and energy <= slack:
        return True  # nothing was drawn
    missing = energy - gain
    unread = max(0, points[0].time - began) + max(0, ended - points[-1].time)
    paces = [pace for pace in paces_of_points(points) if pace > 0]
    if len(paces) < 2 or not points[0].wh > 0 or not -slack <= missing <= energy / 2:
        return False
    return missing <= 2 * max(paces) * unread + LAG_WH + slack


def _only_readings_tell_thousandths(case: Case, energy: float) -> bool:
    """Whether start and stop count the transaction in Wh, and the readings are of the meter in kWh called Wh."""
    broken = any(point.wh % 1 for point in case.points)
    told = tells_thousandths(case, case.points, sure=broken)
    return told and gains_in_other_unit(case, energy, case.points, 1000.0)


def _began_anew_before_closing(case: Case, points: list[Point], stop: float) -> bool:
    """Whether it went on from the start beyond the stop, fell to nearly 0, and went on to the stop from there.

    Two readings say so on each side: a single one may be misread.
    """
    fall = next((place for place in range(1, len(points)) if points[place].wh < points[place - 1].wh - case.slack), 0)
    before, after = points[:fall], points[fall:]
    return (
        fall > 1
        and sum(point.wh < case.start - case.slack for point in after) > 1
        and all(point.wh >= case.start - case.slack for point in before)
        and before[-1].wh > stop + case.slack
        and 0 < after[0].wh <= min(LAG_WH, case.start)
        and all(point.wh <= stop + case.slack for point in after)
    )


def _restart_before_closing(case: Case, energy: float) -> bool:
    """Whether the readings count the transaction, and restarts set them back to 0, but not start and stop."""
    restarted = energy_over_restarts(msgspec.structs.replace(case, start=0.0, stop=None), case.points)
    return restarted is not None and restarted.energy <= energy + case.slack


def _closing_point(case: Case, stop: float) -> Point:
    ended = case.clocks.ended
    last = case.points[-1].time if case.points else (case.clocks.began or 0)
    return Point(max(ended, last) if ended is not None else last, stop, "")


def _impossible_closing(case: Case, energy: float, stop: float) -> Finding:
    """More than the connector can deliver: one of start and stop is on another register, or in another unit."""
    points, slack = case.points, case.slack
    milli = energy / 1000
    if (
        points
        and case.can_have_come(milli, case.clocks.ended)
        and agrees_with_figures(case, points_in_unit(points, 1000.0), case.start, stop)
        and fits_time_in_unit(case, points[-1].wh - case.start / 1000, milli)
    ):
        return exact_finding(milli, "unit")
    least = stop / 1000 - case.start
    if (
        points
        and case.can_have_come(least, case.clocks.ended)
        and agrees_with_figures(case, points, case.start, stop / 1000)
        and fits_time_in_unit(case, points[-1].wh - case.start, least)
    ):
        return exact_finding(max(0.0, least), "unit")
    kilo = stop - case.start * 1000
    if (
        case.start
        and points
        and agrees_with_figures(case, points, case.start * 1000, stop)
        and case.can_have_come(kilo, case.clocks.ended)
    ):
        return Finding(kilo, max(0.0, stop - points[0].wh), kilo, frozenset({"unit"}))
    possible = min(energy, case.clocks.since_start(case.clocks.ended))
    from_start = [
        point
        for point in points
        if point.wh >= case.start - slack and case.can_have_come(point.wh - case.start, point.time)
    ]
    to_stop = [
        point
        for point in points
        if point.wh <= stop + slack and stop - point.wh <= case.clocks.reach(point.time, case.clocks.ended) + slack
    ]
    if not case.start and points and len(to_stop) == len(points) and agrees_as_growing(points):
        proven = stop - points[0].wh
        return Finding(proven, proven, max(proven, possible), frozenset({"start_register"}))
    if to_stop and len(to_stop) >= len(from_start):
        chain = longest_agreement(to_stop)
        proven = max(0.0, stop - chain[0].wh)
    elif from_start:
        proven = max(0.0, longest_agreement(from_start)[-1].wh - case.start)
    else:
        proven = 0.0
    return Finding(proven, proven, max(proven, possible), frozenset({"impossible"}))


def _closing_below_start(case: Case, stop: float) -> Finding:
    points, slack = case.points, case.slack
    restarted = energy_over_restarts(case, [*points, _closing_point(case, stop)])
    if restarted is not None:
        return restarted
    gap = case.clocks.until_end(points[-1].time if points else case.clocks.began)
    kilo = stop * 1000
    highest = max((point.wh for point in points), default=case.start)
    if points and stop and highest - 1000 <= kilo and case.can_have_come(kilo - case.start, case.clocks.ended):
        open_case = running_energy(case)
        if not open_case.doubts and kilo >= case.start:
            return Finding(
                max(open_case.energy, kilo - case.start),
                open_case.energy,
                kilo + 1000 - case.start,
                frozenset({"unit"}),
            )
    if (
        points
        and agrees_with_figures(case, points, min(0.0, points[0].wh), stop)
        and all(p.wh < case.start - slack for p in points)
    ):
        least = stop - points[0].wh
        counted = agrees_from_zero(case, [*points, _closing_point(case, stop)], steadily=True)
        energy = stop if counted else least
        return Finding(
            energy,
            max(0.0, least),
            stop if counted else least + case.clocks.since_start(points[0].time),
            frozenset({"start_register"}),
        )
    if not points:
        return Finding(0.0, 0.0, gap, frozenset({"went_back"}))
    finding = running_energy(case)
    if points[-1].wh < case.start - slack and points[-1].wh <= stop:
        extra = stop - points[-1].wh  # it went back before the stop, which goes on from there
        finding = Finding(finding.energy + extra, finding.low, finding.high + extra, finding.doubts)
    return finding.doubted("went_back", more=gap)
