"""When readings were measured, where their charge point does not say so, or says so by a clock that is not its own.

Such a time is a guess, and the reading is kept with it as one (`is_timed`). Pure.
"""

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Protocol

from csmsd.ocpp.timestamps import AHEAD, ReadTime, parse_timestamp, read_timestamp
from csmsd.profiles.record import Milliseconds

# No reading is told later; one that seems so was stamped by a clock that had lost the time.
TOLD_WITHIN = 365 * 24 * 3_600_000  # ms
# Readings of one moment, of different contexts, are told in any order; one of the start may be of before it.
BESIDE = 300_000  # ms
BEFORE_START = 900_000  # ms
_ROUNDING_WH = 10.0
_QUARTER = 900_000  # ms; by how much zones differ, up to:
ZONES = 14 * 3_600_000
_ELSEWHERE = timezone(timedelta(hours=1))


class Told(Protocol):
    """A StartTransaction: when it was by its charge point's clock, when it came, and its register in Wh."""

    @property
    def time(self) -> Milliseconds: ...
    @property
    def received_at(self) -> Milliseconds: ...
    @property
    def register(self) -> float | None: ...


class Course(Protocol):
    """A transaction so far: its start, and registers in Wh; `highest` counts the start, `latest` came last.

    What is from before `usual_since` is late, or by another clock; `put_right` are the times of what was, by its text.
    """

    @property
    def start(self) -> Told: ...
    @property
    def usual_since(self) -> Milliseconds: ...
    @property
    def latest(self) -> float | None: ...
    @property
    def highest(self) -> float: ...
    @property
    def put_right(self) -> dict[str, Milliseconds]: ...


class Moments:
    """The moments of the MeterValues of one message, held against each other and the start of their transaction."""

    def __init__(self, told: list[ReadTime], received_at: Milliseconds, course: Course | None) -> None:
        self._course = course
        times = [None if read.oddity else read.time for read in told]
        self._beside = _neighbours(times)
        if course is not None:
            self._since = course.usual_since
            self._now = max(received_at, self._since + BESIDE + 1)  # in the order in which they came
            self._newest = max((time for time in times if time is not None), default=0)
            self._newest_before = max((time for time in times if time is not None and time < self._since), default=0)
            last = course.latest if course.latest is not None else course.highest
            self._grows = last >= course.highest - _ROUNDING_WH

    def beside(self, place: int, moment: ReadTime) -> ReadTime:
        """Of a value whose own cannot be used: that of the one before it in the message, or behind it.

        A message may be hours old; beside its neighbours a reading is nearer to when it was taken than on its arrival.
        """
        time = self._beside[place]
        return moment if time is None else ReadTime(time, moment.oddity)

    def put_right(self, text: str, moment: ReadTime, lowest_register: Callable[[], float | None]) -> ReadTime:
        """Of a value that is ahead of its arrival, or from before what came already.

        Where the start was ahead of its arrival, all that is ahead is by its clock, and only differences count.
        A register that is beyond all that came already was not read before it: its clock was set back, or has lost the
        time. What else is older is late, or of another transaction, and from a day or so before the start it is; but
        not from years before it where no register tells that. The newest of those by another clock is of now, so that
        what came in one message keeps the time between.
        """
        course = self._course
        if course is None or course.start.time > course.start.received_at + AHEAD:
            return moment
        known = course.put_right.get(text)
        if known is not None:
            return ReadTime(known, "by_another_clock")  # it is told once more
        if moment.time < self._since:
            register = lowest_register() if self._grows and not self._is_of_another(moment.time, course) else None
            lost = moment.time < course.start.time - TOLD_WITHIN and lowest_register() is None
            if not lost and (register is None or register <= course.highest + _ROUNDING_WH):
                return moment
            newest = self._newest_before
        else:
            newest = self._newest
        return ReadTime(moment.time - newest + self._now, "by_another_clock")

    def _is_of_another(self, time: Milliseconds, course: Course) -> bool:
        return course.start.time - TOLD_WITHIN <= time < course.start.time - ZONES


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
    read = read_timestamp(text, time)
    if read.oddity or read.time == time:
        return not read.oddity
    # Without a zone it was read in the charge point's own, which may be another by now.
    has_zone = parse_timestamp(text, _ELSEWHERE) == read.time
    return not has_zone and abs(read.time - time) <= ZONES and (read.time - time) % _QUARTER == 0
