"""The energy of a transaction that is as it should be, in O(1) a reading; and what a connector can deliver at most.

A transaction keeps a `Plain` while it runs. Readings are given to it in order of arrival, those of its own connector:

- the raw import register at the outlet without phase: `take(time, wh)`; of context Transaction.Begin: `begin(wh)`
- any other raw Energy.Active.Import.Register or Energy.Active.Import.Interval: `leave()`
- everything else does not touch it.

As long as it is plain, `figure` is what `verdict.reckon` makes of the same evidence, without a doubt. It is None when
`reckon` has to say: once a call returned False, and before the first register was read.
"""

import msgspec

from csmsd.profiles.record import Milliseconds

HOUR = 3_600_000  # ms
UNKNOWN_CONNECTOR_W = 400_000.0
WALLBOX_W = 22_000.0
# Readings in kWh with two decimals are up to this far off; a step back of so little is no jump.
ROUNDING_WH = 10.0
# No register shows a terawatt hour. What does is kept with its transaction, but not billed.
LIMIT_WH = 1e12
# A message that comes from so much later was not written by a right clock.
AHEAD = 60_000  # ms
# How much more than its rating a connector delivers: 32 A at 253 V are a tenth above 32 A at 230 V.
_ABOVE_RATING = 1.15
_MARGIN_WH = 100.0


def reach(watts: float, time: Milliseconds) -> float:
    """Wh that a connector of so many W can deliver in a time, with a minute and a little more for clocks and lag."""
    return watts * (_ABOVE_RATING * max(0, time) / HOUR + 1 / 60) + _MARGIN_WH


class Plain(msgspec.Struct, gc=False):
    """A register that advances from the start in the order of time, no faster than its connector can deliver."""

    start_wh: float
    start_time: Milliseconds
    watts: float
    wh: float
    time: Milliseconds
    plain: bool = True
    read: bool = False

    @classmethod
    def began(
        cls,
        *,
        register: float | None,
        time: Milliseconds,
        received_at: Milliseconds,
        oddity: str | None,
        rating_w: float | None,
    ) -> "Plain":
        """As StartTransaction tells it; not plain without a register, or when its time is no good."""
        wh = float(register) if register is not None else 0.0
        usable = register is not None and 0 <= register < LIMIT_WH and oddity is None
        on_time = received_at - 24 * HOUR <= time <= received_at + AHEAD
        return cls(wh, time, rating_w or UNKNOWN_CONNECTOR_W, wh, time, usable and on_time)

    def take(self, time: Milliseconds, wh: float) -> bool:
        """Takes the next reading; whether all is still plain. One from before the start is not the transaction's."""
        if time < self.start_time and self.read:
            return self.plain
        if not (
            self.plain
            and time >= self.time
            and self.wh <= wh < LIMIT_WH
            and wh - self.start_wh <= reach(self.watts, time - self.start_time)
        ):
            return self.leave()
        self.time = time
        self.wh = wh
        self.read = True
        return True

    def begin(self, wh: float) -> bool:
        """Takes the register of the start once more; whether all is still plain."""
        return self.plain if abs(wh - self.start_wh) <= ROUNDING_WH else self.leave()

    def leave(self) -> bool:
        """From now on it is not plain. Returns False."""
        self.plain = False
        return False

    @property
    def figure(self) -> int | None:
        """Wh so far, or None when `reckon` has to say."""
        return round(self.wh - self.start_wh) if self.plain and self.read else None

    def stopped(
        self, *, register: float | None, time: Milliseconds, received_at: Milliseconds, oddity: str | None
    ) -> int | None:
        """Wh of the transaction that StopTransaction ends, or None when `reckon` has to say.

        Only for a stop without transactionData; the readings of one with them are taken before.
        """
        if not register or oddity is not None or time > received_at + AHEAD or not self.read:
            return None
        if register - self.start_wh > 100 * (self.wh - self.start_wh) and self.wh > self.start_wh:
            return None  # the readings may be kWh that are called Wh
        return self.figure if self.take(time, float(register)) else None
