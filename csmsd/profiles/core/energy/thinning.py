"""The readings of a transaction as they are kept in memory: bounded, by letting go of what others say as well.

Of readings that advance, those between others say nothing that the others do not say. Each thinning makes room for many
more, so that a reading costs the same however many there are, and whatever they say.
"""

import math

import msgspec

from csmsd.ocpp.json_text import encode_json
from csmsd.profiles.core.energy.evidence import evidence_of_samples
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

Row = tuple[int, Milliseconds, str | None, str, bool]  # connector, time, shape, samples, whether its time was told


class _Said(msgspec.Struct, frozen=True, gc=False):
    """What a row says of energy: Wh or W of each of the streams, and how many numbers there were in all."""

    connector: int
    time: Milliseconds
    streams: tuple[StreamName, ...]
    values: tuple[float, ...]
    weight: int


class ThinnedRows:
    """Rows in order of arrival. While all of them are plain (see `plain`) the newest few and a choice are enough."""

    __slots__ = ("_known", "_said", "_weight", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._known: set[Row] | None = None  # the rows, once one came that may be among them
        self._said: list[_Said] | None = None  # of each row, once one was not plain
        self._weight = 0  # then, of all

    def copy(self) -> "ThinnedRows":
        """Goes on by itself."""
        other = ThinnedRows()
        other.rows = [*self.rows]
        other._said = None if self._said is None else [*self._said]
        other._weight = self._weight
        return other

    def __contains__(self, row: Row) -> bool:
        if self._known is None:
            self._known = set(self.rows)
        return row in self._known

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
        self.rows.append(row)
        if self._known is not None:
            self._known.add(row)
        said.append(_said_by_row(row) if row[2] is None else _said_by_taken(row, taken))
        self._weight += said[-1].weight
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
        self.rows = [self.rows[place] for place in kept]
        self._said = [said[place] for place in kept]
        self._weight = weight
        self._known = None


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
    readings = evidence_of_samples(unpack_metered(shape, samples), connector=connector, time=time)
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
