"""Energy from register readings that jump: a bill is never higher than what the readings prove."""

import msgspec


class EnergyRegister(msgspec.Struct):
    """Sums what an energy register advanced, in Wh.

    A reading below an earlier one is either a glitch or a register that was reset. Until the old level is reached
    again only what the register gained since then counts; when it is, the dip was a glitch and the advance is taken
    from the old level. Either way the sum is marked `suspect`.
    """

    highest: float
    energy: float = 0.0
    suspect: bool = False
    _low: float | None = None
    _since_reset: float = 0.0

    def read(self, register: float) -> None:
        """Takes the next reading, in Wh."""
        if register >= self.highest:
            self.energy += register - self.highest
            self.highest = register
            self._low = None
            self._since_reset = 0.0
            return
        self.suspect = True
        if self._low is not None and register > self._low:
            self._since_reset += register - self._low
        self._low = register

    @property
    def total(self) -> float:
        """Wh so far."""
        return self.energy + self._since_reset
