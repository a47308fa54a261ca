"""The energy of a transaction that is as it should be, in O(1) a reading; and what a connector can deliver at most.

A transaction keeps a `Plain` while it runs. Readings are given to it in order of arrival, those of its own connector:

- power: `draw(time, watts)`, of all phases together
- the raw import register at the outlet without phase: `take(time, wh)`; of context Transaction.Begin: `begin(wh)`
- any other of phases or other places, told beside one of these and at the same time: `beside()`
- any other raw Energy.Active.Import.Register or Energy.Active.Import.Interval: `leave()`
- everything else does not touch it.

As long as it is plain, `figure` is what `verdict.reckon_verdict` makes of the same evidence, without a doubt. It is
None when `reckon_verdict` has to say: once a call returned False, and before the first register was read.
"""

import math

import msgspec

from csmsd.ocpp.timestamps import AHEAD
from csmsd.profiles.record import Milliseconds

HOUR = 3_600_000  # ms
# Of power that is read so often nothing is missed that matters; in less time it tells no energy.
OFTEN = HOUR // 3  # ms
UNKNOWN_CONNECTOR_W = 400_000.0
WALLBOX_W = 22_000.0
# Readings in kWh with two decimals are up to this far off; a step back of so little is no jump.
ROUNDING_WH = 10.0
# A register that is asked once a minute is this far behind at the start and the end.
LAG_WH = 100.0
# No register shows a terawatt hour. What does is kept with its transaction, but not billed.
LIMIT_WH = 1e12
# As many kWh are more than nearly all registers have come to.
SMALL_WH = 100_000.0
# How much more than its rating a connector delivers: 32 A at 253 V are a tenth above 32 A at 230 V.
ABOVE_RATING = 1.15
MOST_W = UNKNOWN_CONNECTOR_W * ABOVE_RATING
_MARGIN_WH = 100.0
_MUCH_MORE_WH = 200.0
_MUCH_MORE = 20.0
_FAR_BEYOND_WH = 1000.0
_FAR_BEYOND = 2.5
# A register that is read so near to the end is that of the end, but for what it lags behind.
AT_THE_END = 60_000  # ms
_AT_THE_END_WH = 500.0
_AT_THE_END_PART = 0.05
# Less than so many W may be kW that are called W.
CHARGING_W = 500.0
# Power that is read now and then gives the energy no better than this.
_POWER_SAYS_WH = 1000.0
_POWER_IS_ROUGH = 3.0
_POWER_IS_NOT_SO_ROUGH = 6.0  # one phase of three is not so far off


def plain_reach(watts: float, time: Milliseconds) -> float:
    """Wh that a connector of so many W can deliver in a time, with a minute and a little more for clocks and lag."""
    return watts * (ABOVE_RATING * max(0, time) / HOUR + 1 / 60) + _MARGIN_WH


def too_much_drawn(energy: float) -> float:
    """So many Wh drawn at least, by the power, contradict registers that tell as little energy."""
    return _POWER_SAYS_WH + _POWER_IS_ROUGH * energy


def much_more_drawn(gained: float) -> float:
    """So many Wh drawn at least contradict a register of the meter that gained as little, if it is in Wh."""
    return _MUCH_MORE_WH + _MUCH_MORE * gained


def far_beyond_power(wh: float, time: Milliseconds, peak: float) -> bool:
    """Whether a register that counts from 0 told so much at first that power which stays the same cannot have brought.

    `peak` is the highest power, 0 where none was read.
    """
    return bool(peak) and wh - _FAR_BEYOND_WH > _FAR_BEYOND * peak * time / HOUR


def too_much_told(drawn: float) -> float:
    """So many Wh contradict power that leaves room for no more than what was drawn."""
    return _POWER_SAYS_WH + _POWER_IS_NOT_SO_ROUGH * drawn


def too_much_at_the_end(energy: float) -> float:
    """So many Wh at once contradict a register that is read when the transaction ends."""
    return max(_AT_THE_END_WH, _AT_THE_END_PART * energy)


def leap_watts(wh: float, time: Milliseconds) -> float:
    """The power that a register which gains so much in a time must have shown by then; 0: a wallbox delivers it."""
    if wh <= plain_reach(WALLBOX_W, time):
        return 0.0
    return (wh - _POWER_SAYS_WH) * HOUR / (_POWER_IS_NOT_SO_ROUGH * max(1, time))


class Plain(msgspec.Struct, gc=False):
    """A register that advances from the start in the order of time, no faster than its connector can deliver.

    `wh` and `time` are of the last reading. The connector can have brought the register to `most + pace * time`.
    """

    start_wh: float
    start_time: Milliseconds
    pace: float  # Wh in a ms
    margin: float  # Wh, of what it delivers from one reading to the next
    most: float
    wh: float
    time: Milliseconds
    plain: bool
    read: bool = False
    first_wh: float = 0.0  # as it was read first, then:
    first_time: Milliseconds = 0
    first_drawn: float = 0.0  # what power had told by then
    leap: float = 0.0  # W that power must have shown for what the register has gained at once
    peak: float = 0.0  # W, the highest that was read
    drawn: float = 0.0  # W ms that power says were drawn at least
    watts: float = 0.0  # power as it was read last, then:
    power_at: Milliseconds = 0

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
        # A start of so little may be one whose register was not read, or that is told in kWh.
        watts = rating_w or (UNKNOWN_CONNECTOR_W if wh >= SMALL_WH else WALLBOX_W)
        pace = watts * ABOVE_RATING / HOUR
        plain = register is not None and 0 <= register < LIMIT_WH / 10 and oddity is None
        plain = plain and received_at - 24 * HOUR <= time <= received_at + AHEAD
        # The last digit of a float must not make it plain where `reckon` is in doubt.
        margin = plain_reach(watts, 0) - 0.01
        most = wh + margin - pace * time
        return cls(wh, time, pace, margin, most, wh if plain else math.inf, time, plain)

    def take(self, time: Milliseconds, wh: float) -> bool:
        """Takes the next reading; whether all is still plain. One from before the start is not the transaction's."""
        if ROUNDING_WH < self.wh == self.start_wh and wh < self.wh <= wh + ROUNDING_WH:
            wh = self.wh  # one of them is rounded; of so few Wh it may be kWh that are called Wh
        if (
            time >= self.time
            and self.wh <= wh <= self.most + self.pace * time
            and wh - self.wh <= self.margin + self.pace * (time - self.time)
        ):
            if wh - self.wh > _POWER_SAYS_WH:
                leap = leap_watts(wh - self.wh, time - self.time)
                if leap > self.leap:
                    self.leap = leap
                    if leap > self.peak >= CHARGING_W:
                        return self.leave()  # what is around it must not be thinned
            self.time = time
            self.wh = wh
            if not self.read:
                self.read = True
                self.first_wh, self.first_time, self.first_drawn = wh, time, self.drawn
            return True
        return self.plain if time < self.start_time and self.read else self.leave()

    def begin(self, wh: float) -> bool:
        """Takes the register of the start once more; whether all is still plain."""
        return self.plain if abs(wh - self.start_wh) <= ROUNDING_WH else self.leave()

    def beside(self) -> None:
        """Takes note of other registers: they count where the one at the outlet shows nothing but 0."""
        if self.start_wh <= ROUNDING_WH:
            self.leave()

    def draw(self, time: Milliseconds, watts: float) -> None:
        """Takes power that was read, in the order of time and once a moment; else all is plain no longer."""
        passed = time - self.power_at
        if passed > 0 and 0 <= watts <= MOST_W:
            if time >= self.start_time:
                lower = watts if watts < self.watts else self.watts
                self.drawn += lower * (passed if passed < HOUR else HOUR)
                self.watts = watts
                if watts > self.peak:
                    self.peak = watts
                self.power_at = time
        elif passed or watts != self.watts:
            self.leave()

    def leave(self) -> bool:
        """From now on it is not plain. Returns False."""
        self.plain = False
        self.wh = math.inf  # which no reading goes on from
        return False

    @property
    def figure(self) -> int | None:
        """Wh so far, or None when `reckon` has to say."""
        if not (self.plain and self.read):
            return None
        energy = self.wh - self.start_wh
        return round(energy) if self._is_within_power(energy) else None

    def _is_within_power(self, energy: float) -> bool:
        """Whether power, if it was read, may have brought so many Wh and not far more; else `reckon` has to say."""
        if not self.power_at:
            return True
        drawn = self.drawn / HOUR
        if drawn >= too_much_drawn(energy) or self.leap > self.peak >= CHARGING_W:
            return False
        if not self.start_wh:  # it may be a register of the meter, which the start does not know, also in kWh
            if drawn - self.first_drawn / HOUR >= much_more_drawn(self.wh - self.first_wh):
                return False
            if far_beyond_power(self.first_wh, self.first_time - self.start_time, max(self.peak, CHARGING_W)):
                return False
        return energy < too_much_told(drawn) or energy <= plain_reach(WALLBOX_W, self.time - self.start_time)

    def stopped(
        self, *, register: float | None, time: Milliseconds, received_at: Milliseconds, oddity: str | None
    ) -> int | None:
        """Wh of the transaction that StopTransaction ends, or None when `reckon` has to say.

        Only for a stop without transactionData, or when the readings in it were taken before.
        """
        if not register or oddity is not None or time > received_at + AHEAD or not (self.plain and self.read):
            return None
        if time < self.time or time < self.power_at or register < self.start_wh:
            return None
        energy = register - self.start_wh
        gained = self.wh - (self.start_wh or self.first_wh)
        if energy > 100 * gained > 0 or energy > 100 * (self.wh - self.start_wh) > 0:
            return None  # the readings may be kWh that are called Wh
        if register < self.wh <= register + ROUNDING_WH:
            self.wh = float(register)  # read last, and told in whole Wh
            return self.figure
        if time - self.time <= AT_THE_END and register - self.wh > too_much_at_the_end(energy):
            return None
        return self.figure if self.take(time, float(register)) else None
