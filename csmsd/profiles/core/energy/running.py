"""The energy by the start and the readings, where a stop tells no register or did not come."""

import msgspec

from csmsd.profiles.core.energy.agreement import (
    Case,
    Finding,
    agrees_as_growing,
    agrees_between,
    agrees_from_zero,
    agrees_with_figures,
    agrees_with_second_register,
    comes_too_fast,
    exact_finding,
    gain_of_points,
    longest_agreement,
    part_that_agrees,
    points_in_unit,
    start_disagrees,
)
from csmsd.profiles.core.energy.doubts import Doubt
from csmsd.profiles.core.energy.jumps import without_jumps
from csmsd.profiles.core.energy.plain import HOUR, ROUNDING_WH, plain_reach
from csmsd.profiles.core.energy.restarts import energy_over_restarts
from csmsd.profiles.core.energy.streams import Point
from csmsd.profiles.core.energy.units import UNITS, start_unit_is_kwh, tells_thousandths, thousandfold_gain
from csmsd.profiles.record import Milliseconds

_NO_CHANCE = 50
_IDLE_W = 100.0  # less than any car draws that charges


def running_energy(case: Case) -> Finding:
    """Without a register of the stop: how far the readings tell it."""
    start, points, slack = case.start, case.points, case.slack
    if not points:
        return exact_finding(0.0)
    possible = all(case.can_have_come(point.wh - start, point.time) for point in points)
    if possible and agrees_between(points, start, float("inf"), slack, None) and agrees_as_growing(points):
        if start_unit_is_kwh(case, points):
            return _running_from_kwh(case)
        elsewhere = start_disagrees(case, points)
        if not start and tells_thousandths(case, points, sure=elsewhere or comes_too_fast(case, points[0])):
            return thousandfold_gain(case, points)
        if elsewhere:
            energy = points[-1].wh - points[0].wh
            return Finding(energy, energy, points[-1].wh, frozenset({"start_register"}))
        return without_jumps(case, _running_advance(case), points, start=start)
    restarted = energy_over_restarts(case, points)
    if restarted is not None:
        return restarted
    if start_unit_is_kwh(case, points):
        return _running_from_kwh(case)
    below = all(point.wh < start - slack for point in points)
    _, odd = part_that_agrees(points, lambda p: start - slack <= p.wh and case.can_have_come(p.wh - start, p.time))
    whole = not any(point.wh % 1 for point in odd)  # kWh that are called Wh have decimals
    # What counts from 0 hardly stays at a thousandth of a start that is so far beyond what can be drawn.
    reached = plain_reach(case.clocks.likely_watts, _running_since(case, points[-1]))
    chance = len(points) < 2 or start < _NO_CHANCE * reached
    for factor in UNITS:
        if factor > 1 and whole and chance and agrees_from_zero(case, odd):
            continue
        scaled = [
            point
            if start - slack <= point.wh and case.can_have_come(point.wh - start, point.time)
            else Point(point.time, point.wh * factor, point.context)
            for point in points
        ]
        fits = agrees_between(scaled, start, float("inf"), slack, None) and agrees_as_growing(scaled)
        near = all(
            point.wh - start <= plain_reach(case.clocks.likely_watts, _running_since(case, point)) + slack
            for point in scaled
        )
        tight = (
            start > 5 * reached
            or not below
            or (not whole and points[-1].wh * HOUR < _IDLE_W * _running_since(case, points[-1]))
        )
        if start and fits and near and tight:
            return exact_finding(_running_advance(_running_with_points(case, scaled)), "unit")
    if below and agrees_from_zero(case, points):
        return without_jumps(case, max(0.0, points[-1].wh), points, start=0.0)
    own, others = part_that_agrees(points, lambda p: p.wh >= start - slack and case.can_have_come(p.wh - start, p.time))
    if agrees_as_growing(own) and agrees_with_second_register(case, own, others):
        return exact_finding(_running_advance(_running_with_points(case, own)))
    counted, rest = part_that_agrees(points, lambda p: -slack <= p.wh and case.can_have_come(p.wh, p.time))
    if not own and agrees_from_zero(case, counted) and agrees_with_second_register(case, counted, rest):
        return exact_finding(counted[-1].wh)
    return _running_chain(case, own)


def _running_reach(case: Case, points: list[Point]) -> float:
    return case.clocks.reach(points[0].time, points[-1].time) + case.slack


def _running_from_kwh(case: Case) -> Finding:
    least = case.points[-1].wh - case.points[0].wh
    told = case.points[-1].wh - case.start * 1000
    return Finding(max(told, least), least, max(told, least) + 1000, frozenset({"unit"}))


def _running_since(case: Case, point: Point) -> Milliseconds:
    return point.time - case.clocks.began if case.clocks.began is not None else HOUR


def _running_with_points(case: Case, points: list[Point]) -> Case:
    return msgspec.structs.replace(case, stop=None, points=points)


def _running_advance(case: Case) -> float:
    """From the start to the last reading, or to the highest where the last one is older than its time."""
    if not case.points:
        return 0.0
    highest = max(point.wh for point in case.points)
    last = case.points[-1].wh
    return max(0.0, (last if highest - last <= ROUNDING_WH else highest) - case.start)


def _running_chain(case: Case, own: list[Point]) -> Finding:
    """Of readings that contradict each other, what most of them agree on."""
    chain = longest_agreement(own)
    counted = longest_agreement([p for p in case.points if 0 <= p.wh < case.start and case.can_have_come(p.wh, p.time)])
    if not chain and 2 * len(counted) > len(case.points) and agrees_from_zero(case, counted):
        return exact_finding(counted[-1].wh, "readings_disagree")
    if chain and own[-1] is case.points[-1] and agrees_with_figures(case, case.points, case.start, float("inf")):
        return without_jumps(case, _running_advance(case), case.points, start=case.start)
    free = longest_agreement(
        [point for point in case.points if point.wh > 0 and point not in own] if chain else case.points
    )
    if not chain or (len(free) > 2 * len(chain) and case.slack < gain_of_points(free) <= _running_reach(case, free)):
        gain = gain_of_points(free)
        if gain > _running_reach(case, free):
            if not case.start and len(free) == len(case.points) and gain / 1000 <= _running_reach(case, free):
                scaled = points_in_unit(free, 0.001)
                if agrees_from_zero(case, scaled, steadily=True):
                    return Finding(scaled[-1].wh, gain / 1000, scaled[-1].wh, frozenset({"unit"}))
                before = case.clocks.since_start(free[0].time)
                return Finding(gain / 1000, gain / 1000, gain / 1000 + before, frozenset({"unit", "start_register"}))
            return Finding(0.0, 0.0, case.clocks.since_start(free[-1].time), frozenset({"readings_disagree"}))
        told = case.clocks.since_start(free[0].time)
        doubts: set[Doubt] = {"start_register"}
        if len(free) < len(case.points):
            doubts.add("readings_disagree")
        return Finding(gain, gain, gain + told, frozenset(doubts))
    energy = max(0.0, chain[-1].wh - case.start)
    tail = [point for point in case.points if point.time > chain[-1].time and point.wh < case.start - case.slack]
    high = max(point.wh for point in own) - case.start
    if len(tail) > 1 and agrees_as_growing(tail):
        after = gain_of_points(tail)
        return Finding(
            energy + after, energy, max(high, energy) + max(point.wh for point in tail), frozenset({"went_back"})
        )
    return Finding(energy, 0.0 if len(chain) == 1 else energy, max(high, energy), frozenset({"readings_disagree"}))
