"""Power as it was read of a transaction: what was drawn at a moment, over all phases."""

from itertools import pairwise

import msgspec

from csmsd.profiles.core.energy.clocks import Clocks
from csmsd.profiles.core.energy.evidence import Reading
from csmsd.profiles.core.energy.plain import ABOVE_RATING, CHARGING_W, HOUR
from csmsd.profiles.core.metering import POWER
from csmsd.profiles.record import Milliseconds

_SEVERAL = 3
_STEADY = 0.6
_CONSTANT = 0.85


class Drawn(msgspec.Struct, frozen=True):
    """(time, W) of each moment at which power was read since the start, in order."""

    moments: list[tuple[Milliseconds, float]] = []

    @property
    def peak(self) -> float:
        """The highest W; 0 where none tells that anything was charged, or where kW are called W."""
        highest = max((watts for _, watts in self.moments), default=0.0)
        return highest if highest >= CHARGING_W else 0.0

    @property
    def is_steady(self) -> bool:
        """Whether it stayed about the same while it was read several times."""
        return self._stays_above(_STEADY)

    @property
    def is_constant(self) -> bool:
        """Whether it stayed the same, nearly to the watt."""
        return self._stays_above(_CONSTANT)

    def _stays_above(self, part: float) -> bool:
        told = [watts for _, watts in self.moments if watts]
        return len(told) >= _SEVERAL and min(told) >= part * max(told)

    def between(self, since: Milliseconds, until: Milliseconds) -> "Drawn":
        return Drawn([moment for moment in self.moments if since <= moment[0] <= until])

    @property
    def least(self) -> float:
        """Wh that were drawn at least: by the lower of each two readings, for an hour at most."""
        return sum(
            min(until - since, HOUR) / HOUR * min(before, after)
            for (since, before), (until, after) in pairwise(self.moments)
        )

    @property
    def likely(self) -> float:
        """Wh between the first and the last reading, by trapezia."""
        return sum(
            (until - since) / HOUR * (before + after) / 2 for (since, before), (until, after) in pairwise(self.moments)
        )


def drawn_by_power(readings: list[Reading], clocks: Clocks) -> Drawn:
    """What Power.Active.Import tells of readings in the order of time: the total, or else the phases together."""
    most = clocks.watts * ABOVE_RATING
    kinds: dict[bool, dict[Milliseconds, dict[tuple[str, str], float]]] = {}
    for reading in readings:
        if reading.measurand == POWER and 0 <= reading.value <= most and reading.phase != "N":
            moment = kinds.setdefault(bool(reading.phase), {}).setdefault(reading.time, {})
            moment[reading.location, reading.phase] = reading.value
    found = kinds.get(False) or kinds.get(True) or {}
    return Drawn([(time, _drawn_at_one_place(watts)) for time, watts in sorted(found.items())])


def _drawn_at_one_place(watts: dict[tuple[str, str], float]) -> float:
    places: dict[str, float] = {}
    for (place, _), value in watts.items():
        places[place] = places.get(place, 0.0) + value
    return places["Outlet"] if "Outlet" in places else max(places.values())
