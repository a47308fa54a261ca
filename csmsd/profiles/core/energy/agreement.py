"""One register held against itself and its time: whether readings can be those of one that only grows."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise

import msgspec

from csmsd.profiles.core.energy.clocks import Clocks
from csmsd.profiles.core.energy.doubts import Doubt
from csmsd.profiles.core.energy.drawn import Drawn
from csmsd.profiles.core.energy.evidence import BEGIN, END, PAUSED, PERIODIC, RESUMED, Boot
from csmsd.profiles.core.energy.plain import HOUR, LAG_WH, ROUNDING_WH, far_beyond_power, plain_reach, too_much_told
from csmsd.profiles.core.energy.streams import Point
from csmsd.profiles.record import Milliseconds

_INTERRUPTED = (PAUSED, RESUMED)
_TOO_FAST = 20
_TOO_FAST_FOR_STEADY = 5
_STEADY = 0.45
_GOES_ON = 0.1  # of what the first reading showed
_FAR_TOO_FAST = 10
_BY_POWER = 0.5
_LONG = 4  # so many readings later a fast charger has come to an end
_TRIED_FOR = 30_000  # ms; a cable and its car, before anything flows
_SOON_AFTER = 150_000  # ms
_FIRST_W = 350_000.0
_FIRST_WH = 500.0
_SOON = 600_000  # ms; before that no car is full that a fast charger fills


class Finding(msgspec.Struct, frozen=True):
    """Wh, and how much it is at least and at most."""

    energy: float
    low: float
    high: float
    doubts: frozenset[Doubt] = frozenset()

    def doubted(self, *doubts: Doubt, low: float | None = None, more: float = 0.0) -> "Finding":
        return Finding(self.energy, self.low if low is None else low, self.high + more, self.doubts | frozenset(doubts))


def exact_finding(energy: float, *doubts: Doubt) -> Finding:
    return Finding(energy, energy, energy, frozenset(doubts))


class Case(msgspec.Struct, frozen=True):
    """One register with what start and stop told of it; `stop` is None where they told nothing, or it is running."""

    start: float
    stop: float | None
    points: list[Point]
    clocks: Clocks
    boots: list[Boot]
    slack: float  # Wh; what two figures of the same register may differ by, as they are rounded
    drawn: Drawn = Drawn()

    def can_have_come(self, wh: float, time: Milliseconds | None) -> bool:
        """Whether the connector can have delivered so much since the start."""
        return wh <= self.clocks.since_start(time) + self.slack


def agrees_as_growing(points: list[Point]) -> bool:
    """Whether the register only grew; readings of different contexts may be of different age.

    Those around an interruption are as young as those that are sampled.
    """
    highest: dict[str, float] = {}
    for point in points:
        context = PERIODIC if point.context in _INTERRUPTED else point.context
        if point.wh < highest.get(context, point.wh) - ROUNDING_WH:
            return False
        highest[context] = max(point.wh, highest.get(context, point.wh))
    return True


def agrees_between(points: list[Point], low: float, high: float, slack: float, ended: Milliseconds | None) -> bool:
    """Whether they are one register between two figures; the first may be older, the last may be newer by a little."""
    for point in points:
        if point.wh < low - max(slack, LAG_WH):
            return False
        late = ended is not None and point.time >= ended - 5000
        if point.wh > high + (max(slack, LAG_WH) if late else slack):
            return False
    return True


def agrees_with_figures(case: Case, points: list[Point], low: float, high: float) -> bool:
    return agrees_between(points, low, high, case.slack, case.clocks.ended) and agrees_as_growing(points)


def gain_of_points(points: list[Point]) -> float:
    return max(point.wh for point in points) - points[0].wh if points else 0.0


def agrees_from_zero(case: Case, points: list[Point], *, steadily: bool = False) -> bool:
    """Whether the readings count what the transaction took: as much at first as its time or its pace allows.

    `steadily`: at the pace of what follows, whatever its time allows.
    """
    if not points or points[0].wh < -case.slack or not agrees_as_growing(points):
        return False
    first = points[0]
    if any(not case.can_have_come(point.wh, point.time) for point in points):
        return False
    began = case.clocks.began
    if began is None or (
        not steadily and first.wh <= plain_reach(case.clocks.likely_watts, first.time - began) + case.slack
    ):
        return True
    return first.wh <= 3 * max(paces_of_points(points), default=0.0) * max(1, first.time - began) + case.slack


def paces_of_points(points: list[Point]) -> list[float]:
    """Wh in a ms from each reading to the next."""
    return [
        (later.wh - earlier.wh) / (later.time - earlier.time)
        for earlier, later in pairwise(points)
        if later.time > earlier.time
    ]


def comes_too_fast(case: Case, first: Point) -> bool:
    """Whether no wallbox brings a register from 0 to its first reading."""
    began = case.clocks.began
    return began is not None and first.wh > plain_reach(case.clocks.likely_watts, max(1, first.time - began))


def start_disagrees(case: Case, points: list[Point]) -> bool:
    """Whether a start of 0 and readings that go on are two registers: the first came many times too fast.

    For how they go on, or for what power tells of it: what a fast charger gives at first falls off, but not to a power
    that stays the same. Nobody takes much in the first minute, in which a cable is tried.
    """
    began = case.clocks.began
    if case.start or began is None or not points:
        return False
    first = points[0]
    passed = max(1, first.time - began)
    pace = first.wh / passed
    if far_beyond_power(first.wh, passed, case.drawn.peak) and _goes_on_by_power(case, points):
        return True
    if not comes_too_fast(case, first):
        return False
    if passed <= _TRIED_FOR + _SOON_AFTER and first.wh > _FIRST_WH + _FIRST_W * max(0, passed - _TRIED_FOR) / HOUR:
        return True
    paces = paces_of_points(points)
    if len(paces) > 1 and min(paces) > 0 and _TOO_FAST * max(paces) < pace:
        return True
    gained = gain_of_points(points) > first.wh * _GOES_ON
    while paces and paces[-1] <= 0:
        paces.pop()  # it was full
    steady = len(paces) > 2 and min(paces[:-1]) > _STEADY * max(paces)
    if steady and gained and _TOO_FAST_FOR_STEADY * max(paces) < pace:
        return True
    if not case.drawn.peak or first.wh < too_much_told(case.drawn.peak * passed / HOUR):
        return False
    if passed <= _SOON or (gained and len(paces) > (1 if case.drawn.is_steady else _LONG)):
        return True
    return case.stop is None and len(points) < 3 and pace * HOUR > _FAR_TOO_FAST * case.drawn.peak


def _goes_on_by_power(case: Case, points: list[Point]) -> bool:
    """Whether the register gains what a power tells that stays the same."""
    expected = case.drawn.peak * (points[-1].time - points[0].time) / HOUR
    return case.drawn.is_constant and expected > LAG_WH and abs(gain_of_points(points) / expected - 1) < _BY_POWER


def points_in_unit(points: list[Point], factor: float) -> list[Point]:
    return [Point(point.time, point.wh * factor, point.context) for point in points]


def part_that_agrees(points: list[Point], fits: Callable[[Point], bool]) -> tuple[list[Point], list[Point]]:
    return [point for point in points if fits(point)], [point for point in points if not fits(point)]


def agrees_with_second_register(case: Case, own: list[Point], others: list[Point]) -> bool:
    """Whether readings that do not fit are those of another meter, which other kinds of readings show."""
    if not own or not others or not agrees_as_growing(others) or any(point.context in (BEGIN, END) for point in others):
        return False
    beside = {point.time for point in others} <= {point.time for point in own} and len(others) > 1
    interleaved = gain_of_points(others) > 0 and any(others[0].time < point.time < others[-1].time for point in own)
    if not beside and not interleaved and {point.context for point in own} & {point.context for point in others}:
        return False
    since, until = others[0].time, others[-1].time
    return gain_of_points(others) <= case.clocks.reach(since, until) + case.slack


def longest_agreement(points: list[Point]) -> list[Point]:
    """The most readings that one register can have shown, in order; of equally many those that end lowest."""
    ends: list[float] = []
    places: list[int] = []
    before: list[int | None] = []
    for place, point in enumerate(points):
        length = bisect_right(ends, point.wh)
        before.append(places[length - 1] if length else None)
        ends[length : length + 1] = [point.wh]
        places[length : length + 1] = [place]
    chain: list[Point] = []
    found = places[-1] if places else None
    while found is not None:
        chain.append(points[found])
        found = before[found]
    return chain[::-1]
