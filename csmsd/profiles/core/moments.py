"""When readings were measured, where their charge point does not say so, or says so by a clock that is not its own.

Such a time is a guess, and the reading is kept with it as one (`is_timed`). Pure.
"""

from collections.abc import Callable
from datetime import timedelta, timezone, tzinfo
from typing import Protocol

from csmsd.ocpp.timestamps import AHEAD, ReadTime, parse_time, read_time
from csmsd.ocpp.types import MeterValue
from csmsd.profiles.record import Milliseconds

# No reading is told so late; one that seems so was stamped by a clock that had lost the time.
LATEST = 365 * 24 * 3_600_000  # ms
_QUARTER = 900_000  # ms; by how much zones differ, up to:
_ZONES = 14 * 3_600_000
_ELSEWHERE = timezone(timedelta(hours=1))


class Begun(Protocol):
    """What its start says of a transaction."""

    @property
    def start_time(self) -> Milliseconds: ...
    @property
    def start_received_at(self) -> Milliseconds: ...
    @property
    def meter_start_wh(self) -> int: ...


class Moments:
    """The moments of the MeterValues of one message, held against each other and the start of their transaction."""

    def __init__(self, values: list[MeterValue], received_at: Milliseconds, zone: tzinfo, begun: Begun | None) -> None:
        self._begun = begun
        told = [read_time(value.timestamp, received_at, zone) for value in values]
        times = [None if read.oddity else read.time for read in told]
        self._beside = _neighbours(times)
        if begun is not None:
            self._earliest = begun.start_time - LATEST
            self._now = received_at + max(0, begun.start_time - begun.start_received_at)
            self._newest = max((time for time in times if time is not None), default=0)
            long_ago = (time for time in times if time is not None and time < self._earliest)
            self._newest_of_long_ago = max(long_ago, default=0)

    def beside(self, place: int, moment: ReadTime) -> ReadTime:
        """Of a value whose own cannot be used: that of the one before it in the message, or behind it.

        A message may be hours old; beside its neighbours a reading is nearer to when it was taken than on its arrival.
        """
        time = self._beside[place]
        return moment if time is None else ReadTime(time, moment.oddity)

    def put_right(self, moment: ReadTime, lowest_register: Callable[[], float | None]) -> ReadTime:
        """Of a value that is ahead of its arrival further than the start was, or from long before the start.

        The newest of such is of now, so that those that came in one message keep the time between them. What is from
        long ago is a backlog of another transaction, unless its register (Wh) goes on from this one's.
        """
        if self._begun is None:
            return moment
        if moment.time < self._earliest:
            register = lowest_register()
            if register is None or register < self._begun.meter_start_wh:
                return moment
            newest = self._newest_of_long_ago
        elif moment.time > self._now + AHEAD:
            newest = self._newest
        else:
            return moment
        return ReadTime(moment.time - newest + self._now, "by_another_clock")


def _neighbours(times: list[Milliseconds | None]) -> list[Milliseconds | None]:
    """For each place the nearest time before it, else behind it."""
    found: list[Milliseconds | None] = []
    before: Milliseconds | None = None
    for time in times:
        found.append(before)
        before = time if time is not None else before
    behind: Milliseconds | None = None
    for place in range(len(times) - 1, -1, -1):
        if found[place] is None:
            found[place] = behind
        behind = times[place] if times[place] is not None else behind
    return found


def is_timed(text: str | None, time: Milliseconds) -> bool:
    """Whether the time of a row that was kept is what its timestamp says; else it is a guess."""
    if text is None:
        return True
    read = read_time(text, time)
    if read.oddity or read.time == time:
        return not read.oddity
    # Without a zone it was read in the charge point's own, which may be another by now.
    has_zone = parse_time(text, _ELSEWHERE) == read.time
    return not has_zone and abs(read.time - time) <= _ZONES and (read.time - time) % _QUARTER == 0
