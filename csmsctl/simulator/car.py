"""An electric vehicle: what it draws of what it is offered. Pure; it knows no clock, only how much time has passed.

Power follows a curve: a ramp when the car begins, a plateau at what connector, car and limit allow, a taper when the
battery gets full. Currents are those of a phase; the power is reckoned at the nominal voltage, as limits are (C 7.12).
"""

import msgspec

TAPER_FROM = 80.0  # percent; above it the battery takes less and less
TAPER_LEAST = 0.08
FULL = 99.95
NOMINAL_VOLTAGE = 230.0
LEAST_OFFERED_A = 6.0  # a charge point has no signal for less (IEC 61851)
_ROUNDING_A = 1e-6


class Car(msgspec.Struct):
    """Its battery, how much it can draw, its manners, and what it does now."""

    capacity_wh: float = 58_000.0
    soc: float = 40.0  # percent
    most_a: float = 16.0
    phases: int = 3
    minimum_a: float = LEAST_OFFERED_A  # offered less, it does not charge
    ramp_s: float = 10.0  # from nothing to the most that it draws
    wakes_s: float = 0.0  # it begins so long after it was offered something
    obeys_s: float = 0.0  # it goes down so long after it was offered less
    pauses: int | None = None  # after so many it has had enough and charges no more
    greedy: bool = False  # it draws what it can, whatever it is offered
    tapers: bool = True
    current_a: float = 0.0
    pauses_had: int = 0
    waited_s: float = 0.0
    behind_s: float = 0.0

    @property
    def full(self) -> bool:
        return self.soc >= FULL

    @property
    def gone_to_sleep(self) -> bool:
        """Whether it has been paused more often than it bears."""
        return self.pauses is not None and self.pauses_had > self.pauses

    def draws_of(self, offered_a: float) -> bool:
        """Whether it charges, or is about to, when it is offered that."""
        return offered_a > self.minimum_a - _ROUNDING_A and not self.full and not self.gone_to_sleep

    def awake_with(self, offered_a: float) -> bool:
        """Whether it also has begun."""
        return self.draws_of(offered_a) and (self.current_a > 0 or self.waited_s >= self.wakes_s)

    def draw(self, offered_a: float, seconds: float, phases: int = 3) -> float:
        """The Wh that flow while it is offered so much for so long, on its first `phases` at most."""
        before = self.current_a
        if self.draws_of(offered_a):
            target = min(offered_a, self.most_a)
            if self.tapers and self.soc > TAPER_FROM:
                target *= 1.0 - (1.0 - TAPER_LEAST) * (self.soc - TAPER_FROM) / (100.0 - TAPER_FROM)
        else:
            target = 0.0
        if target < before:
            self.behind_s += seconds
            if self.behind_s >= self.obeys_s:
                self.current_a, self.behind_s = target, 0.0
                if target == 0.0:
                    self.waited_s = 0.0
                    self.pauses_had += not self.full
        elif target > before:
            self.behind_s = 0.0
            if before == 0.0 and self.waited_s < self.wakes_s:
                self.waited_s += seconds
            else:
                rise = self.most_a * seconds / self.ramp_s if self.ramp_s else self.most_a
                self.current_a = min(target, before + rise)
        elif target == 0.0:
            self.waited_s = 0.0
        else:
            self.behind_s = 0.0
        if seconds == 0.0 or (before == 0.0 and self.current_a == 0.0):
            return 0.0
        used = min(phases, self.phases)
        energy = (before + self.current_a) / 2 * NOMINAL_VOLTAGE * used * seconds / 3600
        self.soc = min(100.0, self.soc + energy / self.capacity_wh * 100)
        return energy
