"""MeterValues as they are told: turned into rows, the newest readings, and what was odd (C 4.7, 4.10).

A StopTransaction may hold the readings of days. They are read some at a time, so that others have their turns.
"""

import math
from collections.abc import Generator
from datetime import tzinfo
from functools import partial

import msgspec

from csmsd.ocpp.numbers import parse_number
from csmsd.ocpp.timestamps import AHEAD, ReadTime, read_timestamp
from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core.metering import (
    MeterReading,
    MeterShape,
    MeterShapes,
    Taken,
    metered_energy_register,
    plain_metered_numbers,
    taken_by_metering,
)
from csmsd.profiles.core.moments import Course, Moments
from csmsd.profiles.core.sample import Sample
from csmsd.profiles.record import Change, Milliseconds, Once

_AT_ONCE = 100


class Arrivals:
    """How far a connector's readings have come: what is no newer may have been sent before."""

    __slots__ = ("_shapes", "_time")

    def __init__(self, since: Milliseconds) -> None:
        self._time = since
        self._shapes: tuple[int, ...] = ()  # of the newest readings

    def is_new(self, row: MeterReading) -> bool:
        if row.time > self._time:
            self._time = row.time
            self._shapes = (row.shape,)
            return True
        if row.time == self._time and row.shape and row.shape not in self._shapes:
            self._shapes = (*self._shapes, row.shape)
            return True
        return False


class Readings(msgspec.Struct):
    """Everything that a list of MeterValues comes to."""

    changes: list[Change]
    taken: list[Taken]
    oddities: list[tuple[str, str]]


def newest_metered(takings: list[Taken]) -> dict[str, Sample]:
    """The newest sample of each measurand and phase."""
    return {name: sample for taken in takings for name, sample in taken.samples().items()}


def read_meter_values(
    values: list[MeterValue],
    *,
    charge_point: str,
    connector: int,
    transaction_id: int | None,
    shapes: MeterShapes,
    received_at: Milliseconds,
    zone: tzinfo,
    arrivals: Arrivals | None = None,
    course: Course | None = None,
) -> Readings:
    """Turns MeterValues into rows, the newest readings, and what was odd.

    One of a transaction, `course`, may be by another clock than its start and the readings before: its time is a guess.

    Those that are no newer than the connector's `arrivals` (all, where there are none) are kept unless they are kept
    already: a charge point that was not confirmed, or has lost its memory, sends them again.
    """
    told = [read_timestamp(value.timestamp, received_at, zone) for value in values]
    reading = _Reading(values, told, charge_point, connector, transaction_id, shapes, received_at, arrivals, course)
    reading.read(0, len(values))
    return reading.readings


def read_many_meter_values(
    values: list[MeterValue],
    *,
    charge_point: str,
    connector: int,
    transaction_id: int,
    shapes: MeterShapes,
    received_at: Milliseconds,
    zone: tzinfo,
    course: Course | None,
) -> Generator[list[MeterShape], None, Readings]:
    """As `read_meter_values`, some at a time.

    Yields the records of shapes that are new, to be stored before anybody else uses these shapes.
    """
    told: list[ReadTime] = []
    for first in range(0, len(values), _AT_ONCE):
        told += [read_timestamp(value.timestamp, received_at, zone) for value in values[first : first + _AT_ONCE]]
        yield []
    reading = _Reading(values, told, charge_point, connector, transaction_id, shapes, received_at, None, course)
    changes = reading.readings.changes
    for first in range(0, len(values), _AT_ONCE):
        before = len(changes)
        reading.read(first, min(first + _AT_ONCE, len(values)))
        yield [change for change in changes[before:] if isinstance(change, MeterShape)]
    return reading.readings


class _Reading(msgspec.Struct, gc=False):
    """The values of a message on their way; `told` are the times of all of them, as they are written."""

    values: list[MeterValue]
    told: list[ReadTime]
    charge_point: str
    connector: int
    transaction_id: int | None
    shapes: MeterShapes
    received_at: Milliseconds
    arrivals: Arrivals | None
    course: Course | None
    readings: Readings = msgspec.field(default_factory=lambda: Readings([], [], []))
    moments: Moments | None = None

    def read(self, first: int, end: int) -> None:
        """Some of them, in order."""
        course, arrivals, readings, moments = self.course, self.arrivals, self.readings, self.moments
        latest = self.received_at + AHEAD
        usual = course.usual_since if course is not None else 0
        for place in range(first, end):
            value, moment = self.values[place], self.told[place]
            if moment.oddity:
                readings.oddities.append(("meterValue.timestamp", moment.oddity))
                moments = moments or Moments(self.told, self.received_at, course)
                moment = moments.beside(place, moment)
            elif not usual <= moment.time <= latest:
                moments = moments or Moments(self.told, self.received_at, course)
                ahead = moment.time > latest
                moment = moments.put_right(value.timestamp, moment, partial(_lowest_register, value))
                if ahead or moment.oddity:
                    readings.oddities.append(
                        ("meterValue.timestamp", "ahead_of_arrival" if ahead else "clock_set_back")
                    )
            samples = value.sampled_value
            texts = [sample.value for sample in samples]
            numbers = plain_metered_numbers(texts)
            ordinary = numbers is not None and not moment.oddity
            if numbers is None:
                samples, numbers, oddities = _read_one_by_one(samples)
                readings.oddities += [("meterValue.sampledValue.value", oddity) for oddity in oddities]
                texts = [sample.value for sample in samples]
            if not samples:
                continue
            shape, new_shape = self.shapes.recognize(samples)
            if new_shape is not None:
                readings.changes.append(new_shape)
            # With milliseconds and `Z` the text can be made again from the time.
            text = value.timestamp
            canonical = (
                not moment.oddity and len(text) == 24 and text[10] == "T" and text[19] == "." and text[-1] == "Z"
            )
            row = MeterReading(
                charge_point=self.charge_point,
                connector=self.connector,
                transaction_id=self.transaction_id,
                time=moment.time,
                text=None if canonical else value.timestamp,
                shape=shape.number,
                samples=shape.pack(samples, texts),
            )
            readings.changes.append(row if arrivals is not None and arrivals.is_new(row) else Once(row))
            taken = (
                Taken(shape, numbers, row, shape.number)
                if ordinary
                else taken_by_metering(shape, numbers, row, not moment.oddity)
            )
            readings.taken.append(taken)
        self.moments = moments


def _lowest_register(value: MeterValue) -> float | None:
    return min((wh for wh in map(metered_energy_register, value.sampled_value) if wh is not None), default=None)


def _read_one_by_one(samples: list[SampledValue]) -> tuple[list[SampledValue], list[float | None], list[str]]:
    """The samples that have a value, as numbers, and what is odd: no value, or one not as numbers are written.

    What is signed is no number (C 7.43).
    """
    kept: list[SampledValue] = []
    numbers: list[float | None] = []
    oddities: list[str] = []
    for sample in samples:
        number: float | None
        try:
            number, written_as_one = float(sample.value), True
        except ValueError:
            number, written_as_one = parse_number(sample.value), False
        if number is None or not math.isfinite(number):
            if _metered_nothing(sample.value):
                continue
            number = None
        if not written_as_one and sample.format != "SignedData":
            oddities.append("not_a_number" if number is None else "decimal_comma")
        kept.append(sample)
        numbers.append(number)
    return kept, numbers, ["no_value"] * (len(samples) - len(kept)) + oddities


def _metered_nothing(value: str) -> bool:
    text = value.strip().casefold()
    return not text or text == "nan"
