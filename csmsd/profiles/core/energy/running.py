"""The energy by the start and the readings, where a stop tells no register or did not come."""

from csmsd.profiles.core.energy.agreement import (
    Case,
    Finding,
    advances,
    agrees,
    counts_from_zero,
    exactly,
    gain_of,
    is_second_register,
    lies_between,
    longest,
    part,
    start_was_not_read,
)
from csmsd.profiles.core.energy.doubts import Doubt
from csmsd.profiles.core.energy.jumps import without_jumps
from csmsd.profiles.core.energy.plain import HOUR, ROUNDING_WH, reach
from csmsd.profiles.core.energy.restarts import restarts
from csmsd.profiles.core.energy.streams import Point
from csmsd.profiles.core.energy.units import UNITS, start_is_kwh
from csmsd.profiles.record import Milliseconds

_IDLE_W = 100.0  # less than any car draws that charges


def up_to_last(case: Case) -> Finding:
    """Without a register of the stop: how far the readings tell it."""
    start, points, slack = case.start, case.points, case.slack
    if not points:
        return exactly(0.0)
    possible = all(case.can_have_come(point.wh - start, point.time) for point in points)
    if possible and lies_between(points, start, float("inf"), slack, None) and advances(points):
        if start_is_kwh(case, points):
            return _from_kwh(case)
        if start_was_not_read(case, points):
            energy = points[-1].wh - points[0].wh
            return Finding(energy, energy, points[-1].wh, frozenset({"start_register"}))
        return without_jumps(case, _advance(case), points, start=start)
    restarted = restarts(case, points)
    if restarted is not None:
        return restarted
    if start_is_kwh(case, points):
        return _from_kwh(case)
    below = all(point.wh < start - slack for point in points)
    _, odd = part(points, lambda p: start - slack <= p.wh and case.can_have_come(p.wh - start, p.time))
    whole = not any(point.wh % 1 for point in odd)  # kWh that are called Wh have decimals
    for factor in UNITS:
        if factor > 1 and whole and counts_from_zero(case, odd):
            continue
        scaled = [
            point
            if start - slack <= point.wh and case.can_have_come(point.wh - start, point.time)
            else Point(point.time, point.wh * factor, point.context)
            for point in points
        ]
        fits = lies_between(scaled, start, float("inf"), slack, None) and advances(scaled)
        near = all(point.wh - start <= reach(case.clocks.likely_watts, _since(case, point)) + slack for point in scaled)
        tight = (
            start > 5 * reach(case.clocks.likely_watts, _since(case, points[-1]))
            or not below
            or (not whole and points[-1].wh * HOUR < _IDLE_W * _since(case, points[-1]))
        )
        if start and fits and near and tight:
            return exactly(_advance(_with(case, scaled)), "unit")
    if below and counts_from_zero(case, points):
        return without_jumps(case, max(0.0, points[-1].wh), points, start=0.0)
    own, others = part(points, lambda p: p.wh >= start - slack and case.can_have_come(p.wh - start, p.time))
    if advances(own) and is_second_register(case, own, others):
        return exactly(_advance(_with(case, own)))
    counted, rest = part(points, lambda p: -slack <= p.wh and case.can_have_come(p.wh, p.time))
    if not own and counts_from_zero(case, counted) and is_second_register(case, counted, rest):
        return exactly(counted[-1].wh)
    return _chained(case, own)


def _reach(case: Case, points: list[Point]) -> float:
    return case.clocks.reach(points[0].time, points[-1].time) + case.slack


def _from_kwh(case: Case) -> Finding:
    least = case.points[-1].wh - case.points[0].wh
    told = case.points[-1].wh - case.start * 1000
    return Finding(max(told, least), least, max(told, least) + 1000, frozenset({"unit"}))


def _since(case: Case, point: Point) -> Milliseconds:
    return point.time - case.clocks.began if case.clocks.began is not None else HOUR


def _with(case: Case, points: list[Point]) -> Case:
    return Case(case.start, None, points, case.clocks, case.boots, case.slack)


def _advance(case: Case) -> float:
    """From the start to the last reading, or to the highest where the last one is older than its time."""
    if not case.points:
        return 0.0
    highest = max(point.wh for point in case.points)
    last = case.points[-1].wh
    return max(0.0, (last if highest - last <= ROUNDING_WH else highest) - case.start)


def _chained(case: Case, own: list[Point]) -> Finding:
    """Of readings that contradict each other, what most of them agree on."""
    chain = longest(own)
    counted = longest([p for p in case.points if 0 <= p.wh < case.start and case.can_have_come(p.wh, p.time)])
    if not chain and 2 * len(counted) > len(case.points) and counts_from_zero(case, counted):
        return exactly(counted[-1].wh, "readings_disagree")
    if chain and own[-1] is case.points[-1] and agrees(case, case.points, case.start, float("inf")):
        return without_jumps(case, _advance(case), case.points, start=case.start)
    free = longest([point for point in case.points if point.wh > 0 and point not in own] if chain else case.points)
    if not chain or (len(free) > 2 * len(chain) and case.slack < gain_of(free) <= _reach(case, free)):
        gain = gain_of(free)
        if gain > _reach(case, free):
            return Finding(0.0, 0.0, case.clocks.since_start(free[-1].time), frozenset({"readings_disagree"}))
        told = case.clocks.since_start(free[0].time)
        doubts: set[Doubt] = {"start_register"}
        if len(free) < len(case.points):
            doubts.add("readings_disagree")
        return Finding(gain, gain, gain + told, frozenset(doubts))
    energy = chain[-1].wh - case.start
    tail = [point for point in case.points if point.time > chain[-1].time and point.wh < case.start - case.slack]
    high = max(point.wh for point in own) - case.start
    if len(tail) > 1 and advances(tail):
        after = gain_of(tail)
        return Finding(
            energy + after, energy, max(high, energy) + max(point.wh for point in tail), frozenset({"went_back"})
        )
    return Finding(energy, 0.0 if len(chain) == 1 else energy, max(high, energy), frozenset({"readings_disagree"}))
