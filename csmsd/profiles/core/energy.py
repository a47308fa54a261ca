"""Energy from register readings that jump: a bill is never higher than what the readings prove."""

import msgspec

# Readings in kWh with two decimals are up to this far off; a step back of so little is no jump.
ROUNDING_WH = 10.0
# No register shows a terawatt hour. What does is kept with its transaction, but not billed.
LIMIT_WH = 1e12


class EnergyRegister(msgspec.Struct):
    """Sums what an energy register advanced, in Wh.

    A step back means one of three things. When the register is still where it was before the last reading, or above
    it, that reading alone was too high and is taken back. Otherwise the register was reset or misread: until the
    old level is reached again only what it gained since then counts; when it is, the dip was a misreading and the
    advance is taken from the old level. Whatever it was, the sum is marked `suspect`.
    """

    highest: float
    energy: float = 0.0
    suspect: bool = False
    _before: float = 0.0  # the reading before `highest`
    _low: float | None = None
    _since_reset: float = 0.0

    def __post_init__(self) -> None:
        if abs(self.highest) > LIMIT_WH:
            self.highest = LIMIT_WH if self.highest > 0 else -LIMIT_WH
            self.suspect = True
        self._before = self.highest

    def read(self, register: float) -> None:
        """Takes the next reading, in Wh."""
        if abs(register) > LIMIT_WH:
            self.suspect = True
            return
        if register >= self.highest:
            self.energy += register - self.highest
            self._before = self.highest
            self.highest = register
            self._low = None
            self._since_reset = 0.0
            return
        if self.highest - register > ROUNDING_WH:
            self.suspect = True
        if self._low is None and register >= self._before:
            self.energy -= self.highest - register
            self.highest = register
            return
        if self._low is not None and register > self._low:
            self._since_reset += register - self._low
        self._low = register

    @property
    def latest(self) -> float:
        """The register as last read."""
        return self.highest if self._low is None else self._low

    @property
    def total(self) -> float:
        """Wh so far."""
        return self.energy + self._since_reset
