"""How much of a share a car makes use of, learned from its meter. Pure.

What a car leaves lying for some minutes goes to others: it is given what it draws and a step more, and asked again
later. One that draws nothing is finished, or waits for its hour: it is offered its minimum again now and then.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from csmsd.profiles.load_management.circuits import Milliamperes
from csmsd.profiles.record import Milliseconds

Appetite = Literal["unknown", "all", "some", "none", "offered"]

_SETTLE_MS = 180_000  # a car needs a while to ramp up
_GIVE_UP_MS = 90_000  # or to begin
_ASK_AGAIN_MS = 900_000
_LONGEST_REST_MS = 3_600_000
_LEFT_LYING_MA = 1_500  # meters and cars are not exact
_HEADROOM_MA = 2_000
_NOTHING_MA = 1_000
_ON_A_PHASE_MA = 2_000


class Demand(msgspec.Struct, kw_only=True):
    """Of one transaction; `rating_ma` is the most that its connector carries."""

    rating_ma: Milliamperes
    minimum_ma: Milliamperes
    ma: Milliamperes = 0
    appetite: Appetite = "unknown"
    since: Milliseconds = 0  # when it was asked last, or began to draw less than it may
    lying: bool = False  # whether it draws less than it may since then
    rest_ms: Milliseconds = _ASK_AGAIN_MS  # until one that draws nothing is offered something again

    def sampled(self, drawn: Milliamperes, share: Milliamperes, now: Milliseconds) -> None:
        """What it draws on its fullest phase, while it may draw `share` for a while already."""
        if share < self.minimum_ma:
            self.lying = False  # nobody can tell
        elif drawn >= share - _LEFT_LYING_MA:
            self.lying, self.rest_ms = False, _ASK_AGAIN_MS
            if self.appetite != "all":
                self.appetite, self.since = "all", now
        elif not self.lying:
            self.lying, self.since = True, now
        elif now - self.since >= (_GIVE_UP_MS if drawn < _NOTHING_MA else _SETTLE_MS):
            self._learn(drawn)
            self.lying, self.since = False, now

    def _learn(self, drawn: Milliamperes) -> None:
        if drawn >= _NOTHING_MA:
            self.appetite, self.rest_ms = "some", _ASK_AGAIN_MS
            self.ma = min(self.rating_ma, max(self.minimum_ma, drawn + _HEADROOM_MA))
        else:
            if self.appetite == "offered":
                self.rest_ms = min(2 * self.rest_ms, _LONGEST_REST_MS)
            self.appetite = "none"

    def clock_moved(self, by: Milliseconds) -> None:
        """Ours was set: what was, is as long ago as before."""
        self.since += by

    def now(self, now: Milliseconds) -> Milliamperes:
        """What it asks for."""
        if self.appetite == "none" and now - self.since >= self.rest_ms:
            self.appetite = "offered"
        if self.appetite == "some" and not self.lying and now - self.since >= _ASK_AGAIN_MS:
            self.appetite = "unknown"
        if self.appetite == "some":
            return self.ma
        if self.appetite == "offered":
            return self.minimum_ma
        return 0 if self.appetite == "none" else self.rating_ma


def phases_in_use(currents: Mapping[int, Milliamperes], wiring: tuple[int, ...]) -> tuple[int, ...] | None:
    """The grid phases on which a car draws, by its currents on the phases of its connector, numbered from 0.

    None where that cannot be told: where not all are measured, or none carries enough.
    """
    if set(currents) < set(range(len(wiring))) or max(currents.values(), default=0) < _ON_A_PHASE_MA:
        return None
    return tuple(wiring[number] for number in range(len(wiring)) if currents[number] >= _ON_A_PHASE_MA // 2)
