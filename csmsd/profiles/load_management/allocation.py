"""Who may draw how much: weighted max–min fair shares over all circuits and phases at once. Pure and deterministic.

Everybody who is served rises at the pace of his weight until a line above him is full or he has what he asks for. A
share is 0 or at least the minimum of its car; where not all minimums fit, they take turns.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, inf

import msgspec

from csmsd.profiles.load_management.circuits import UNLIMITED, Key, Milliamperes
from csmsd.profiles.record import Milliseconds

Uses = Sequence[tuple[int, int]]  # a constraint, and what a milliampere of a share takes of it

_DEADBAND_MA = 1000  # a change below an ampere is not worth a message
_ALMOST = 1e-6  # milliamperes


class Asker(msgspec.Struct, kw_only=True):
    """A member that asks for a share: `demand_ma` is the most that it can make use of."""

    key: Key
    demand_ma: Milliamperes
    minimum_ma: Milliamperes = 6_000
    step_ma: Milliamperes = 1_000  # shares are whole multiples of it: 1000 where it takes whole amperes only
    weight: int = 1
    uses: Uses
    current_ma: Milliamperes = 0  # its share until now
    since: Milliseconds = 0  # when it was switched on or off, or began to ask
    fresh: bool = False  # it has had no share yet: it need not rest before it gets one

    @property
    def least_ma(self) -> Milliamperes:
        """The smallest share that is of use to it."""
        return ceil(self.minimum_ma / self.step_ma) * self.step_ma


class Turns(msgspec.Struct, frozen=True):
    """How they take turns where not all fit: nobody is switched on or off again before `min_switch_ms`."""

    turn_ms: Milliseconds = 900_000
    min_switch_ms: Milliseconds = 300_000


USUAL_TURNS = Turns()


def allocate(
    budgets: Sequence[Milliamperes], askers: Iterable[Asker], now: Milliseconds, turns: Turns = USUAL_TURNS
) -> dict[Key, Milliamperes]:
    """The share of each asker. What is given in all fits into every budget; where one is below 0, nobody gets of it."""
    asking = sorted(askers, key=lambda asker: asker.key)
    served = _served(budgets, asking, now, turns)
    shares = {asker.key: 0 for asker in asking}
    left = _filled(budgets, served, shares)
    _hand_out_rest(left, served, shares)
    _leave_small_changes(left, served, shares)
    return shares


# --- who is served


def _served(budgets: Sequence[Milliamperes], asking: list[Asker], now: Milliseconds, turns: Turns) -> list[Asker]:
    """Those whose minimums fit together: who is in the middle of a turn, then who has waited longest."""

    def rank(asker: Asker) -> tuple[int, float, Key]:
        lasted = now - asker.since
        if asker.current_ma >= asker.least_ma:
            if lasted < max(turns.turn_ms, turns.min_switch_ms):
                return 0, 0, asker.key
            return 2, lasted, asker.key
        return 1, -lasted * asker.weight, asker.key

    left = list(budgets)
    served: list[Asker] = []

    def may_be_served(asker: Asker) -> bool:
        rests = not asker.fresh and asker.current_ma < asker.least_ma and now - asker.since < turns.min_switch_ms
        return asker.demand_ma >= asker.least_ma and not rests

    for asker in sorted(filter(may_be_served, asking), key=rank):
        least = asker.least_ma
        fits = all(left[index] >= least * taken for index, taken in asker.uses)
        waited = asker.current_ma < asker.least_ma and now - asker.since >= turns.turn_ms
        if fits:
            served.append(asker)
        if fits or waited:
            # Room is kept for one who has waited a turn: else those who need less would pass him for ever.
            for index, taken in asker.uses:
                left[index] -= least * taken
    return served


# --- how much they get


def _filled(
    budgets: Sequence[Milliamperes], served: list[Asker], shares: dict[Key, Milliamperes]
) -> list[Milliamperes]:
    """Gives everybody the share that is fair, rounded down to whole steps; what is left of each budget."""
    left: list[float] = [float(budget) for budget in budgets]
    rates = [0.0] * len(budgets)
    risers: dict[int, list[int]] = {}  # constraint: the places of those who use it
    for place, asker in enumerate(served):
        for index, taken in asker.uses:
            left[index] -= asker.least_ma * taken
            if budgets[index] < UNLIMITED // 2:
                risers.setdefault(index, []).append(place)
    levels: list[float] = [float(asker.least_ma) for asker in served]
    rising = [False] * len(served)
    done = [False] * len(served)

    # At the common level (of a weight of 1) where it is above his minimum each begins to rise, and ends at his demand.
    steps: dict[float, list[tuple[int, bool]]] = {}
    for place, asker in enumerate(served):
        steps.setdefault(asker.least_ma / asker.weight, []).append((place, True))
        steps.setdefault(asker.demand_ma / asker.weight, []).append((place, False))

    def stop(place: int, level: float) -> None:
        done[place] = True
        if rising[place]:
            rising[place] = False
            levels[place] = min(level * served[place].weight, served[place].demand_ma)
            for index, taken in served[place].uses:
                rates[index] -= served[place].weight * taken

    level = 0.0
    for following in sorted(steps):
        while level < following:
            reach = following
            for index in risers:
                if rates[index] > _ALMOST:
                    reach = min(reach, level + max(0.0, left[index]) / rates[index])
            for index in risers:
                left[index] -= rates[index] * (reach - level)
            level = reach
            for index in [index for index in risers if left[index] <= _ALMOST and rates[index] > _ALMOST]:
                for place in risers[index]:
                    if not done[place]:
                        stop(place, level)
        for place, begins in steps[following]:
            if done[place]:
                continue
            if not begins:
                stop(place, following)
            elif all(left[index] > _ALMOST for index, _ in served[place].uses):
                rising[place] = True
                for index, taken in served[place].uses:
                    rates[index] += served[place].weight * taken
            else:
                done[place] = True
    remaining = list(budgets)
    for place, asker in enumerate(served):
        share = max(asker.least_ma, int((levels[place] + _ALMOST) // asker.step_ma) * asker.step_ma)
        shares[asker.key] = share
        for index, taken in asker.uses:
            remaining[index] -= share * taken
    return remaining


def _hand_out_rest(left: list[Milliamperes], served: list[Asker], shares: dict[Key, Milliamperes]) -> None:
    """What the rounding has left, a step each, to who has least for his weight."""
    waiting = served
    while waiting:
        again: list[Asker] = []
        for asker in sorted(waiting, key=lambda one: (shares[one.key] / one.weight, one.key)):
            step = asker.step_ma
            if shares[asker.key] + step <= asker.demand_ma and all(
                left[index] >= step * taken for index, taken in asker.uses
            ):
                _give(asker, step, left, shares)
                again.append(asker)
        waiting = again


def _leave_small_changes(left: list[Milliamperes], served: list[Asker], shares: dict[Key, Milliamperes]) -> None:
    """Who would get an ampere more or less but for a little keeps what he has, as far as there is room for it."""
    for asker in served:
        more = asker.current_ma - shares[asker.key]
        if (
            not more
            or abs(more) >= _DEADBAND_MA
            or asker.current_ma < asker.least_ma
            or asker.current_ma > asker.demand_ma
        ):
            continue
        if more < 0 or all(left[index] >= more * taken for index, taken in asker.uses):
            _give(asker, more, left, shares)


def _give(asker: Asker, more: Milliamperes, left: list[Milliamperes], shares: dict[Key, Milliamperes]) -> None:
    shares[asker.key] += more
    for index, taken in asker.uses:
        left[index] -= more * taken


def room_in(left: Sequence[float], uses: Uses) -> float:
    """How much more of a share fits into every budget."""
    return min((left[index] / taken for index, taken in uses), default=inf)


# --- what each may draw when nothing is heard of csmsd any more


def fallbacks_of(
    budgets: Sequence[Milliamperes], askers: Iterable[Asker], told: Mapping[Key, Milliamperes]
) -> dict[Key, Milliamperes]:
    """Fallbacks that fit together: those that were told, and of the rest an even share where it is of use to a car.

    Each asks for its rating here. Where not all minimums fit, the heavier go first. What was told is kept even where
    it does not fit: `fallbacks_fit` says so.
    """
    asking = sorted(askers, key=lambda asker: (-asker.weight, asker.key))
    left = list(budgets)
    for asker in asking:
        for index, taken in asker.uses:
            left[index] -= told.get(asker.key, 0) * taken
    shares = {asker.key: told.get(asker.key, 0) for asker in asking}
    served = []
    rest = list(left)
    for asker in asking:
        if asker.key not in told and room_in(rest, asker.uses) >= asker.least_ma:
            served.append(asker)
            for index, taken in asker.uses:
                rest[index] -= asker.least_ma * taken
    given = {asker.key: 0 for asker in served}
    _hand_out_rest(_filled(left, served, given), served, given)
    return shares | given


def fallbacks_fit(
    budgets: Sequence[Milliamperes], askers: Iterable[Asker], fallbacks: Mapping[Key, Milliamperes]
) -> list[int]:
    """The constraints that these fallbacks would break."""
    left = list(budgets)
    for asker in askers:
        for index, taken in asker.uses:
            left[index] -= fallbacks.get(asker.key, 0) * taken
    return [index for index, rest in enumerate(left) if rest < 0]
