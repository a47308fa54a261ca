"""What is measured on a connector outside of every transaction, of late. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from csmsd.profiles.core.metering import Taken
from csmsd.profiles.core.power import imported_power
from csmsd.profiles.core.sample import Sample
from csmsd.profiles.core.unclaimed_energy import LEAST_WH, Read, find_unclaimed_energy
from csmsd.profiles.record import Milliseconds

_LATELY_MS = 900_000
_AFTER_A_STOP_MS = 60_000  # the last readings of a transaction may be of a little later
_LEAST_W = 100.0  # what a charge point itself takes is none
_REGISTER = "Energy.Active.Import.Register"


class Flow(NamedTuple):
    """What flows and belongs to nobody."""

    since: Milliseconds  # when the first reading of it came
    power_w: float | None  # where it was measured
    energy_wh: int


class Outside:
    """The newest readings of a connector while no transaction runs on it."""

    __slots__ = ("_after", "_kept")

    def __init__(self, after: Milliseconds = 0) -> None:
        """Readings of before `after` are of a transaction that has ended then."""
        self._after = after + _AFTER_A_STOP_MS if after else 0
        self._kept: deque[tuple[Milliseconds, Taken]] = deque(maxlen=16)

    def take(self, takings: Iterable[Taken], now: Milliseconds) -> None:
        """Takes what came now and is of now, more or less: a backlog says nothing of what flows."""
        for taken in takings:
            if abs(now - taken.row.time) <= _LATELY_MS and taken.row.time > self._after:
                self._kept.append((now, taken))

    def flow(self, now: Milliseconds) -> Flow | None:
        """Two readings prove it: both with power, or the register of one beyond that of another."""
        found = [
            (came_at, taken.row.time, taken.samples()) for came_at, taken in self._kept if now - came_at <= _LATELY_MS
        ]
        found.sort(key=lambda known: known[1])
        if len(found) < 2:
            return None
        powers = [(imported_power(samples) or 0.0) for _, _, samples in found[-2:]]
        power = powers[-1] if min(powers) >= _LEAST_W and found[-1][1] > found[-2][1] else None
        advanced = find_unclaimed_energy(
            (Read("", 0, time, wh) for time, wh in map(_register_outside_transactions, found) if wh is not None), {}
        )
        energy = advanced[-1].energy_wh if advanced else 0
        if power is None and energy < LEAST_WH:
            return None
        return Flow(min(came_at for came_at, _, _ in found), power, energy)


def _register_outside_transactions(
    read: tuple[Milliseconds, Milliseconds, dict[str, Sample]],
) -> tuple[Milliseconds, float | None]:
    sample = read[2].get(_REGISTER)
    return read[1], sample.value if sample is not None and sample.unit == "Wh" else None
