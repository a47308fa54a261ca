"""When a transaction began and ended, and which readings are therefore its own."""

import math

import msgspec

from csmsd.ocpp.timestamps import AHEAD
from csmsd.profiles.core.energy.doubts import Doubt
from csmsd.profiles.core.energy.evidence import BEGIN, END, REGISTER, Evidence, Reading, Start, Stop, Told
from csmsd.profiles.core.energy.plain import HOUR, LAG_WH, UNKNOWN_CONNECTOR_W, WALLBOX_W, plain_reach
from csmsd.profiles.core.moments import TOLD_WITHIN
from csmsd.profiles.record import Milliseconds

_MINUTE = 60_000
_DAY = 24 * HOUR
_BEHIND = 30 * _DAY  # nobody is offline for so long while others of its messages come at once
_DRIFT = 5 * _MINUTE  # what a clock gains that is not set for long
_NEAR = 15 * _MINUTE  # a register of the start or the end is read so near to it
_ZONES = 14 * HOUR
_DELAY = 5000  # ms; of a message that is told at once


class Clocks(msgspec.Struct, frozen=True):
    """`began` and `ended` are None where no clock tells; `until` is None as long as it runs."""

    began: Milliseconds | None
    ended: Milliseconds | None
    ahead: Milliseconds  # how far the charge point's clock is known to be before ours
    watts: float
    doubts: frozenset[Doubt]

    @property
    def likely_watts(self) -> float:
        """What it delivers if it is a wallbox, as nearly all are of which nothing is known."""
        return WALLBOX_W if self.watts == UNKNOWN_CONNECTOR_W else self.watts

    def reach(self, since: Milliseconds | None, until: Milliseconds | None) -> float:
        """Wh that the connector can have delivered between two moments; in a day where one is unknown."""
        if since is None or until is None:
            return plain_reach(self.likely_watts, _DAY)
        return plain_reach(self.watts, until - since)

    def since_start(self, time: Milliseconds | None) -> float:
        return self.reach(self.began, time)

    def until_end(self, time: Milliseconds | None) -> float:
        return self.reach(time, self.ended)


def read_clocks(evidence: Evidence) -> Clocks:
    """Judges the times of start and stop by their arrival and by each other.

    A clock that is wrong by the same time throughout is as good as a right one: only differences count.
    """
    start, stop = evidence.start, evidence.stop
    if stop is not None and _are_of_another_time(start, stop):
        watts = evidence.rating_w or UNKNOWN_CONNECTOR_W
        return Clocks(start.time, stop.time, 0, watts, frozenset({"start_clock", "stop_clock"}))
    doubts: set[Doubt] = set()
    began: Milliseconds | None = start.time
    ended = stop.time if stop is not None else None
    ahead = _clock_ahead(start)
    if start.oddity is not None:
        doubts.add("start_clock")
        began = None
    elif ahead and not (stop is not None and abs(_clock_ahead(stop) - ahead) <= _MINUTE):
        told = [reading.time for reading in _readings_for_clocks(evidence)]
        if stop is not None and stop.oddity is None:
            told.append(stop.time)
        if any(time < start.time - _MINUTE for time in told):
            doubts.add("start_clock")
            began = start.received_at
            ahead = 0
    elif ahead and any(reading.time < start.time - _MINUTE for reading in _readings_for_clocks(evidence)):
        began, ahead = start.received_at, 0  # only the readings are by another clock
        ended = stop.received_at if stop is not None else None
    elif start.received_at - start.time > _BEHIND and _clock_is_present(evidence):
        doubts.add("start_clock")
        began = None
    elif start.received_at - start.time > TOLD_WITHIN:
        doubts.add("start_clock")
    if stop is not None and (
        stop.oddity is not None
        or stop.received_at - stop.time > TOLD_WITHIN
        or (began is not None and stop.time < began - _MINUTE and "start_clock" not in doubts)
        or (not _clock_ahead(start) and _clock_ahead(stop) > max(0, start.time - start.received_at) + _DRIFT)
        or (start.oddity is None and stop.received_at - stop.time > _BEHIND > start.received_at - start.time)
    ):
        doubts.add("stop_clock")
        ended = stop.received_at if stop.oddity is None else None
    return Clocks(began, ended, ahead, evidence.rating_w or UNKNOWN_CONNECTOR_W, frozenset(doubts))


def _are_of_another_time(start: Start, stop: Stop) -> bool:
    """Whether start and stop are by one clock that shows another time: what happened then is not told so late.

    Or it was told as it happened, days later by that clock: what a charge point has kept while it was offline comes
    all at once. How long it lasted is right all the same.
    """
    if start.oddity is not None or stop.oddity is not None or stop.time < start.time:
        return False
    behind = min(start.received_at - start.time, stop.received_at - stop.time)
    lasted, came = stop.time - start.time, stop.received_at - start.received_at
    at_once = lasted >= _MINUTE / 2 and abs(came - lasted) <= max(_DELAY, lasted / 50)
    return behind > TOLD_WITHIN or (behind > _DAY and at_once)


def _clock_ahead(told: Told) -> Milliseconds:
    ahead = told.time - told.received_at
    return ahead if ahead > AHEAD and told.oddity is None else 0


def _clock_is_present(evidence: Evidence) -> bool:
    """Whether something of the transaction was told by a clock of the present."""
    start, stop = evidence.start, evidence.stop
    if stop is not None and stop.oddity is None and stop.received_at - stop.time < _DAY:
        return True
    return any(reading.time > start.time + _BEHIND for reading in _readings_for_clocks(evidence))


def _readings_for_clocks(evidence: Evidence) -> list[Reading]:
    return [reading for reading in evidence.readings if reading.connector == evidence.connector]


def own_readings_by_clocks(evidence: Evidence, clocks: Clocks) -> tuple[list[Reading], Clocks]:
    """The transaction's readings in order of measuring, each once.

    None of another connector (0 is the main meter, C 4.7), of before the start or of after the end. Readings that all
    seem to be of before the start, but go on from its register, are by another clock.
    """
    known: dict[tuple[object, ...], Reading] = {}
    for reading in _readings_for_clocks(evidence):
        key = (reading.measurand, reading.phase, reading.location, reading.context, reading.time, reading.value)
        known.setdefault(key, reading)
    ordered = _readings_with_clock(sorted(known.values(), key=lambda reading: reading.time))
    register = evidence.start.register
    own = [reading for reading in ordered if _is_own_by_clocks(reading, clocks, register)]
    if clocks.began is None or register is None or any(reading.context != BEGIN for reading in own):
        return own, clocks
    early = [reading for reading in ordered if clocks.began - _ZONES <= reading.time < clocks.began]
    advanced = [reading.value for reading in early if reading.measurand == REGISTER and reading.value > register + 10]
    if not advanced or any(reading.value < register - 10 for reading in early if reading.measurand == REGISTER):
        return own, clocks
    doubts: frozenset[Doubt] = clocks.doubts | {"start_clock"}
    return early, Clocks(None, clocks.ended, clocks.ahead, clocks.watts, doubts)


class _ToldTimes(msgspec.Struct):
    """Of the readings of a stream that tell their time: all these times, the last one, and the highest number."""

    times: set[Milliseconds] = msgspec.field(default_factory=set)
    last: Milliseconds = 0
    highest: float = -math.inf


def _readings_with_clock(readings: list[Reading]) -> list[Reading]:
    """Those that count: where others tell their time, one that does not is no evidence of how it went in between.

    It counts where a register is read anew or its charge point has lost the time: later than the others, and not less.
    """
    if all(reading.timed for reading in readings):
        return readings
    told: dict[tuple[str, str, str], _ToldTimes] = {}
    for reading in readings:
        if reading.timed and reading.context != BEGIN:
            others = told.setdefault((reading.measurand, reading.phase, reading.location), _ToldTimes())
            others.times.add(reading.time)
            others.last = reading.time
            others.highest = max(others.highest, reading.value)

    def counts(reading: Reading) -> bool:
        others = told.get((reading.measurand, reading.phase, reading.location))
        if reading.timed or others is None or reading.context in (BEGIN, END):
            return True
        if reading.measurand != REGISTER:
            return reading.time not in others.times
        return reading.time >= others.last and reading.value >= others.highest

    return [reading for reading in readings if counts(reading)]


def _is_own_by_clocks(reading: Reading, clocks: Clocks, register: float | None) -> bool:
    if clocks.began is not None and reading.time < clocks.began:
        return reading.context == BEGIN and reading.time >= clocks.began - _NEAR
    if clocks.ended is not None and reading.time > clocks.ended + _MINUTE:
        if reading.context == BEGIN:
            return register is None or abs(reading.value - register) <= LAG_WH  # told late, else of the next one
        return reading.context == END and reading.time <= clocks.ended + _NEAR
    return True
