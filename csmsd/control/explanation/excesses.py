"""Where a vehicle drew more than the limits of the time allowed: the charge point did not keep them. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from csmsd.control.explanation.facts import Facts, Measured
from csmsd.control.explanation.limits import Limit
from csmsd.profiles.record import Milliseconds

# A charge point needs a while to act, its meter is not exact, and its clock is not ours.
_GRACE_MS = 60_000
_TOLERANCE = 1.1
_NOISE = {"A": 1.0, "W": 250.0}
_PHASES = 3


class Excess(NamedTuple):
    """From `begin` to `end` readings were above a limit; `most` in its unit."""

    begin: Milliseconds
    end: Milliseconds
    most: float
    limit: Limit

    @property
    def text(self) -> str:
        return f"{self.most:.1f} {self.limit.unit} were drawn, and the limit was {self.limit.text}"


def excesses(facts: Facts, limits: Sequence[Limit]) -> list[Excess]:
    """One for each limit that was not kept, in the order of time."""
    found = []
    for limit in limits:
        if limit.limit is None:
            continue
        drawn = [
            (reading.time, value)
            for reading in facts.measured
            if limit.start + _GRACE_MS <= reading.time < limit.end
            and (value := _drawn(reading, limit.unit, facts.voltage)) is not None
            and value > limit.limit * _TOLERANCE + _NOISE.get(limit.unit, 0)
        ]
        if drawn:
            found.append(Excess(drawn[0][0], drawn[-1][0], max(value for _, value in drawn), limit))
    return found


def _drawn(reading: Measured, unit: str, voltage: int) -> float | None:
    """What was drawn at least, in A on one phase or in W over all (C 7.12); None: not known."""
    if unit == "A":
        if reading.current_a is not None:
            return reading.current_a
        return None if reading.power_w is None else reading.power_w / (voltage * _PHASES)
    if reading.power_w is not None:
        return reading.power_w
    return None if reading.current_a is None else reading.current_a * voltage
