"""The readings of a transaction as they are kept in memory: bounded, by letting go of what others say as well.

Of readings that advance, those between others say nothing that the others do not say. Each thinning makes room for many
more, so that a reading costs the same however many there are, and whatever they say. Intervals are what no other
reading says: of those that are let go the sum stays.
"""

import math
from array import array
from bisect import bisect_left, insort
from itertools import count

import msgspec

from csmsd.ocpp.json_text import encode_json
from csmsd.profiles.core.energy.evidence import CLOCK, INTERVAL, Reading, evidence_of_row
from csmsd.profiles.core.energy.plain import LIMIT_WH
from csmsd.profiles.core.metering import StreamName, Taken, unpack_metered
from csmsd.profiles.record import Milliseconds

# Readings that are kept; one takes some 300 bytes.
MOST_OF_PLAIN = 24
MOST = 512
# One weighs 1, and 1 more for so many numbers that tell energy or power, each of which is evidence, and for so much
# text.
MOST_WEIGHT = 1024
_NUMBERS = 4
_CHARACTERS = 500
_LEFT = 0.75  # of both, at most, by a thinning
# Of a longer reading only what says something about energy is kept, up to so many samples.
LONGEST_READING = 1000  # characters
_MOST_TELLING = 24
_MOST_SAMPLES = 12
_LONGEST_NUMBER = 40
# Times of intervals that were let go: one of them that comes again is not counted twice. Each takes 8 bytes.
_MOST_TIMES = 20_000

Row = tuple[int, Milliseconds, str | None, str, bool]  # connector, time, shape, samples, whether its time was told


class _Said(msgspec.Struct, frozen=True, gc=False):
    """What a row says of energy: Wh or W of each of the streams, and how many numbers there were in all."""

    connector: int
    time: Milliseconds
    streams: tuple[StreamName, ...]
    values: tuple[float, ...]
    weight: int


class _Summed(msgspec.Struct):
    """A stream of intervals: Wh of those that were let go, and of all whether each is more than the one before."""

    connector: int
    newest: Milliseconds
    last: float  # Wh of the newest
    grows: bool = True
    energy: float = 0.0
    until: Milliseconds = 0  # the last of those that were let go


class ThinnedRows:
    """Rows in order of arrival. While all of them are plain (see `plain`) the newest few and a choice are enough.

    Those of before `since` are not summed: they are of before the transaction.
    """

    __slots__ = ("_known", "_said", "_since", "_summed", "_times", "_weight", "rows")

    def __init__(self, since: Milliseconds) -> None:
        self.rows: list[Row] = []
        self._since = since
        self._summed: dict[tuple[int, StreamName], _Summed] = {}
        self._times = array("q")  # of what was summed, in order
        self._known: set[Row] | None = None  # the rows, once one came that may be among them
        self._said: list[_Said] | None = None  # of each row, once one was not plain
        self._weight = 0  # then, of all

    def copy(self) -> "ThinnedRows":
        """Goes on by itself."""
        other = ThinnedRows(self._since)
        other.rows = [*self.rows]
        other._summed = {stream: msgspec.structs.replace(summed) for stream, summed in self._summed.items()}
        other._times = self._times[:]
        other._said = None if self._said is None else [*self._said]
        other._weight = self._weight
        return other

    def __contains__(self, row: Row) -> bool:
        if self._known is None:
            self._known = set(self.rows)
        return row in self._known

    def has_summed(self, taken: Taken) -> bool:
        """Whether these intervals are among those that were let go, as far as their time can tell."""
        times, time = self._times, taken.row.time
        if not times or time > times[-1] or not taken.timed:
            return False
        if not any(stream[0] == INTERVAL for _, stream, _ in taken.shape.telling):
            return False
        return len(times) >= _MOST_TIMES or times[bisect_left(times, time)] == time

    def summed(self) -> list[Reading]:
        """An interval for all that were let go of a stream; where they only grow, the last says all."""
        taken = {time for _, time, _, _, _ in self.rows}
        return [
            Reading(
                time=next(time for time in count(summed.until, -1) if time not in taken),
                value=round(summed.energy, 6),
                connector=summed.connector,
                measurand=INTERVAL,
                context=context or "Sample.Periodic",
                phase=phase,
                location=location,
            )
            for (_, (_, context, phase, location)), summed in self._summed.items()
            if summed.energy and not summed.grows
        ]

    def add_plain(self, row: Row) -> None:
        """Takes one more, all of which are plain."""
        rows = self.rows
        rows.append(row)
        if self._known is not None:
            self._known.add(row)
        if len(rows) > MOST_OF_PLAIN:
            del rows[1:-1:2]
            self._known = None

    def add(self, row: Row, taken: Taken) -> None:
        """Takes one more, where not all are plain."""
        said = self._said
        if said is None:
            said = self._said = [_said_by_row(known) for known in self.rows]
            self._weight = sum(known.weight for known in said)
            for known in said:
                self._follow(known)
        self.rows.append(row)
        if self._known is not None:
            self._known.add(row)
        said.append(_said_by_row(row) if row[2] is None else _said_by_taken(row, taken))
        self._weight += said[-1].weight
        self._follow(said[-1])
        if len(said) > MOST or self._weight > MOST_WEIGHT:
            self._thin(said)

    def _thin(self, said: list[_Said]) -> None:
        """Lets go of every second reading that is between its neighbours; of any, where there are too many others."""
        last = len(said) - 1
        kept = [
            place
            for place, one in enumerate(said)
            if place % 2 == 0 or place == last or not _between(said[place - 1], one, said[place + 1])
        ]
        weight = sum(said[place].weight for place in kept)
        while len(kept) > 2 and (len(kept) > _LEFT * MOST or weight > _LEFT * MOST_WEIGHT):
            kept = [*kept[:1], *kept[1:-1:2], *kept[-1:]]
            weight = sum(said[place].weight for place in kept)
        left = set(kept)
        for place, one in enumerate(said):
            if place not in left and self.rows[place][4] and one.time >= self._since:
                self._sum(one)
        self.rows = [self.rows[place] for place in kept]
        self._said = [said[place] for place in kept]
        self._weight = weight
        self._known = None

    def _follow(self, said: _Said) -> None:
        """Takes note of the intervals of a row, in order of arrival."""
        for stream, value in _intervals(said):
            known = self._summed.get(stream)
            if known is None:
                self._summed[stream] = _Summed(said.connector, said.time, value)
            elif said.time > known.newest:
                known.grows = known.grows and value > known.last
                known.newest, known.last = said.time, value

    def _sum(self, said: _Said) -> None:
        """Takes note of the intervals of a row that is let go."""
        told = _intervals(said)
        for stream, value in told:
            summed = self._summed[stream]
            summed.energy += value
            summed.until = max(summed.until, said.time)
        if told and len(self._times) < _MOST_TIMES:
            insort(self._times, said.time)


def _intervals(said: _Said) -> list[tuple[tuple[int, StreamName], float]]:
    """What the clock has told is the same energy once more; otherwise the context does not matter."""
    return [
        ((said.connector, (measurand, context if context == CLOCK else "", phase, location)), value)
        for (measurand, context, phase, location), value in zip(said.streams, said.values, strict=True)
        if measurand == INTERVAL and 0 <= value < LIMIT_WH
    ]


def row_to_keep(taken: Taken) -> Row:
    """A reading as it is kept."""
    row, shape = taken.row, taken.shape
    if len(row.samples) > LONGEST_READING or len(shape.telling) > _MOST_TELLING:
        return (row.connector, row.time, None, _of_energy(taken), taken.timed)
    return (row.connector, row.time, shape.text, row.samples, taken.timed)


def _of_energy(taken: Taken) -> str:
    """The samples of a reading that say something about energy, as those are kept whose shape is not known."""
    shape, row = taken.shape, taken.row
    values = msgspec.json.decode(row.samples)
    telling = []
    for place, _, _ in shape.telling:
        value = values[place] if shape.text is not None else values[place]["value"]
        if taken.numbers[place] is not None and len(value) <= _LONGEST_NUMBER:
            telling.append(place)
            if len(telling) == _MOST_SAMPLES:
                break
    if shape.text is None:
        return encode_json([values[place] for place in telling]).decode()
    attributes = msgspec.json.decode(shape.text)
    chosen = encode_json([attributes[place] for place in telling]).decode()
    return encode_json(unpack_metered(chosen, encode_json([values[place] for place in telling]).decode())).decode()


def _said_by_taken(row: Row, taken: Taken) -> _Said:
    numbers, telling = taken.numbers, taken.shape.telling
    values = {
        name: number * factor
        for place, name, factor in telling
        if (number := numbers[place]) is not None and math.isfinite(number * factor)
    }
    return _said(row, values, len(telling))


def _said_by_row(row: Row) -> _Said:
    connector, time, shape, samples, _ = row
    readings = evidence_of_row(shape, samples, connector=connector, time=time)
    values = {
        (reading.measurand, reading.context, reading.phase, reading.location): reading.value for reading in readings
    }
    return _said(row, values, len(readings))


def _said(row: Row, values: dict[StreamName, float], numbers: int) -> _Said:
    weight = 1 + numbers // _NUMBERS + len(row[3]) // _CHARACTERS
    return _Said(row[0], row[1], tuple(values), tuple(values.values()), weight)


def _between(before: _Said, at: _Said, after: _Said) -> bool:
    """Whether a reading says nothing that its neighbours do not say."""
    if not at.values:
        return True
    if not (before.connector == at.connector == after.connector and before.time <= at.time <= after.time):
        return False
    if before.streams == at.streams == after.streams:
        return all(
            low <= value <= high for low, value, high in zip(before.values, at.values, after.values, strict=True)
        )
    earlier, later = (
        dict(zip(before.streams, before.values, strict=True)),
        dict(zip(after.streams, after.values, strict=True)),
    )
    return all(
        stream in earlier and stream in later and earlier[stream] <= value <= later[stream]
        for stream, value in zip(at.streams, at.values, strict=True)
    )
