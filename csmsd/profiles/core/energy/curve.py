"""How the energy of a transaction came over time, reckoned as for its bill: for prices that change by the hour."""

import math

import msgspec

from csmsd.profiles.core.energy.clocks import own_readings_by_clocks, read_clocks
from csmsd.profiles.core.energy.evidence import BEGIN, INTERVAL, REGISTER, Evidence, Reading
from csmsd.profiles.core.energy.plain import Plain
from csmsd.profiles.core.energy.verdict import verdict_of_evidence
from csmsd.profiles.record import Milliseconds

# What is not plain is reckoned anew for each of so many moments at most.
_MOST = 100

Point = tuple[Milliseconds, int]  # Wh until then


def energy_curve(evidence: Evidence, energy_wh: int) -> list[Point]:
    """Points in the order of time, until the stop: never above the figure that counts.

    One is lower than the one before where that turned out to have been too high.
    """
    own, clocks = own_readings_by_clocks(evidence, read_clocks(evidence))
    until = clocks.ended if clocks.ended is not None else math.inf
    told = [reading for reading in own if reading.measurand in (REGISTER, INTERVAL) and reading.time <= until]
    points = _plain_curve(evidence, told)
    if points is None:
        points = _reckoned_curve(evidence, sorted({reading.time for reading in told}))
    return [(time, min(wh, energy_wh)) for time, wh in points]


def _plain_curve(evidence: Evidence, told: list[Reading]) -> list[Point] | None:
    start = evidence.start
    plain = Plain.began(
        register=start.register, time=start.time, received_at=start.received_at, oddity=start.oddity, rating_w=None
    )
    points = []
    for reading in told:
        if reading.measurand != REGISTER or reading.phase or reading.location != "Outlet":
            return None
        begins = reading.context == BEGIN
        if not (plain.begin(reading.value) if begins else plain.take(reading.time, reading.value)):
            return None
        if not begins:
            points.append((reading.time, round(plain.wh - plain.start_wh)))
    return points


def _reckoned_curve(evidence: Evidence, times: list[Milliseconds]) -> list[Point]:
    step = -(-len(times) // _MOST) or 1
    chosen = times[step - 1 :: step]
    points = []
    for time in chosen:
        until = [reading for reading in evidence.readings if reading.time <= time]
        points.append(
            (time, verdict_of_evidence(msgspec.structs.replace(evidence, stop=None, readings=until)).energy_wh)
        )
    return points
