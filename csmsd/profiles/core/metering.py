"""Meter values: what a sample means, how it is kept in few bytes, and what it says about a transaction (C 7.43)."""

import math
from collections.abc import Iterator
from datetime import tzinfo
from functools import lru_cache, partial
from typing import ClassVar, Literal

import msgspec
from msgspec.structs import astuple

from csmsd.ocpp.json_text import encode_json
from csmsd.ocpp.numbers import parse_number
from csmsd.ocpp.timestamps import AHEAD, read_timestamp
from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core.moments import Course, Moments, is_timed
from csmsd.profiles.core.sample import Sample
from csmsd.profiles.record import Change, Milliseconds, Once, Record

ENERGY_REGISTER = "Energy.Active.Import.Register"
ENERGY_INTERVAL = "Energy.Active.Import.Interval"
POWER = "Power.Active.Import"
MAX_SHAPES = 5000
MAX_SHAPE_LENGTH = 2000  # characters; nine samples take some 500

# Unit as read, in lower case → base unit and factor.
_UNITS: dict[str, tuple[str, float]] = {
    "wh": ("Wh", 1),
    "kwh": ("Wh", 1000),
    "varh": ("varh", 1),
    "kvarh": ("varh", 1000),
    "w": ("W", 1),
    "kw": ("W", 1000),
    "va": ("VA", 1),
    "kva": ("VA", 1000),
    "var": ("var", 1),
    "kvar": ("var", 1000),
    "a": ("A", 1),
    "amp": ("A", 1),
    "amps": ("A", 1),
    "ampere": ("A", 1),
    "v": ("V", 1),
    "volt": ("V", 1),
    "volts": ("V", 1),
    "hz": ("Hz", 1),
    "hertz": ("Hz", 1),
    "k": ("K", 1),
    "celsius": ("Celsius", 1),
    "celcius": ("Celsius", 1),
    "fahrenheit": ("Fahrenheit", 1),
    "percent": ("Percent", 1),
    "%": ("Percent", 1),
}
_DEFAULT_UNITS = {
    "Energy": "Wh",
    "Power": "W",
    "Power.Reactive": "var",
    "Power.Factor": "",
    "Current": "A",
    "Voltage": "V",
    "SoC": "Percent",
    "Frequency": "Hz",
    "Temperature": "Celsius",
    "RPM": "RPM",
}


class MeterShape(Record, kw_only=True):
    """What the samples of a meter value stand for: [[measurand, phase, unit, context, location, format], …] as JSON.

    A charge point sends the same few shapes for ever, so a row keeps the number of its shape and the bare values.
    """

    table: ClassVar[str] = "meter_shape"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    shape: str


class MeterReading(Record, kw_only=True):
    """One MeterValue. `text` is the timestamp as written, kept only where `time` alone would not give it back."""

    table: ClassVar[str] = "meter_value"

    charge_point: str
    connector: int
    transaction_id: int | None
    time: Milliseconds
    text: str | None
    shape: int
    samples: str  # JSON: the values as text; with shape 0 the whole sampledValue list


# What a sample says about a transaction's energy: `register` is the one that is billed where all is plain (imported
# active energy over all phases at the outlet), `begin` repeats the one of the start, `other` needs a verdict.
Energy = Literal["register", "begin", "other"]
StreamName = tuple[str, str, str, str]  # measurand, context, phase, location, with the defaults of C 7.43 filled in


class Meaning(msgspec.Struct, frozen=True):
    """What the number of a sample says, worked out once for all samples of that kind.

    Times `factor` it is in the base unit `unit`. `name` is None where it is not among the newest readings, `energy`
    where it says nothing about the energy of a transaction.
    """

    name: str | None
    unit: str
    factor: float
    energy: Energy | None


def _meaning_in_metering(sample: SampledValue) -> Meaning:
    measurand = sample.measurand or ENERGY_REGISTER
    unit = (sample.unit or _default_metering_unit(measurand)).strip()
    base, factor = _UNITS.get(unit.casefold(), (unit, 1))
    name = f"{measurand}.{sample.phase}" if sample.phase else measurand
    opaque = sample.format == "SignedData"
    return Meaning(
        # The neutral conductor says nothing about what a car draws.
        name=None if opaque or sample.phase == "N" else name,
        unit=base,
        factor=factor,
        energy=_energy_in_metering(measurand, sample) if base == "Wh" and not opaque else None,
    )


def _energy_in_metering(measurand: str, sample: SampledValue) -> Energy | None:
    if measurand not in (ENERGY_REGISTER, ENERGY_INTERVAL):
        return None
    at_outlet = not sample.location or sample.location == "Outlet"  # an absent location means Outlet (C 7.43)
    if measurand == ENERGY_INTERVAL or sample.phase or not at_outlet:
        return "other"
    return "begin" if sample.context == "Transaction.Begin" else "register"


def _attributes_of_sample(sample: SampledValue) -> tuple[object, ...]:
    """All but its value."""
    return astuple(sample)[1:]


def _stream_in_metering(sample: SampledValue, meaning: Meaning) -> StreamName | None:
    """Which stream of energy or power it belongs to; None: of none."""
    measurand = sample.measurand or ENERGY_REGISTER
    unit = "Wh" if measurand in (ENERGY_REGISTER, ENERGY_INTERVAL) else "W" if measurand == POWER else None
    if meaning.unit != unit or sample.format == "SignedData":
        return None
    return measurand, sample.context or "Sample.Periodic", sample.phase or "", sample.location or "Outlet"


def _powers(samples: list[SampledValue], meanings: list[Meaning]) -> list[tuple[int, float]]:
    """The places of what is drawn, with the factors to W: the total at the outlet, or what may be its phases."""
    found = [
        (place, meaning.factor)
        for place, meaning in enumerate(meanings)
        if samples[place].measurand == POWER and meaning.unit == "W" and meaning.name is not None
    ]
    found = [one for one in found if samples[one[0]].location in (None, "", "Outlet")] or found
    return [one for one in found if not samples[one[0]].phase][:1] or found


class Shape:
    """A shape that is known, by number, and what its samples mean. Number 0 stands for all that are not kept."""

    def __init__(self, number: int, samples: list[SampledValue], text: str | None = None) -> None:
        self.number = number
        self.text = text  # as it is kept; None where it is not
        known: dict[tuple[object, ...], tuple[Meaning, StreamName | None]] = {}
        found = []
        for sample in samples:
            attributes = _attributes_of_sample(sample)
            of_kind = known.get(attributes)
            if of_kind is None:
                meaning = _meaning_in_metering(sample)
                of_kind = known[attributes] = meaning, _stream_in_metering(sample, meaning)
            found.append(of_kind)
        self.meanings = [meaning for meaning, _ in found]
        # The places of what is evidence of energy, with the factors to Wh or W.
        self.telling = [
            (place, stream, meaning.factor) for place, (meaning, stream) in enumerate(found) if stream is not None
        ]
        # What is measured in several places is shown as it is at the outlet.
        self.shown = sorted(range(len(samples)), key=lambda place: samples[place].location in (None, "", "Outlet"))
        self.energies = [
            (place, meaning.energy, meaning.factor)
            for place, meaning in enumerate(self.meanings)
            if meaning.energy is not None
        ]
        self.powers = _powers(samples, self.meanings)

    def pack(self, samples: list[SampledValue], values: list[str]) -> str:
        """Samples of this shape as JSON: their values, or all of them where the shape is not kept."""
        return encode_json(values if self.number else samples).decode()


class MeterShapes:
    """The shapes that are known, by their text and by the samples' attributes."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._seen: dict[tuple[object, ...], Shape] = {}  # no JSON to make, no meaning to work out
        self._next = 1

    def add(self, shape: MeterShape) -> None:
        self._numbers[shape.shape] = shape.id
        self._next = max(self._next, shape.id + 1)

    def recognize(self, samples: list[SampledValue]) -> tuple[Shape, MeterShape | None]:
        """The samples' shape, and its record when it is new."""
        attributes = tuple([astuple(sample)[1:] for sample in samples])  # all but the value; without a call for each
        seen = self._seen.get(attributes)
        if seen is not None:
            return seen, None
        text = encode_json([[s.measurand, s.phase, s.unit, s.context, s.location, s.format] for s in samples]).decode()
        known = self._numbers.get(text)
        if known is None and (len(self._numbers) >= MAX_SHAPES or len(text) > MAX_SHAPE_LENGTH):
            return Shape(0, samples), None
        record = None
        if known is None:
            record = MeterShape(id=self._next, shape=text)
            self.add(record)
        shape = Shape(known or self._next - 1, samples, text)
        self._seen[attributes] = shape
        return shape, record


def unpack_metered(shape: str | None, samples: str) -> list[SampledValue]:
    """The samples as they came, from a row's `samples` and the text of its shape (None for shape 0)."""
    if shape is None:
        # Not decoded by type: a unit or measurand that is no value of the specification was kept as well.
        return [SampledValue(**fields) for fields in msgspec.json.decode(samples)]
    return [
        SampledValue(
            value=value,
            measurand=what[0],
            phase=what[1],
            unit=what[2],
            context=what[3],
            location=what[4],
            format=what[5],
        )
        for what, value in zip(msgspec.json.decode(shape), msgspec.json.decode(samples), strict=True)
    ]


def metered_number(sample: SampledValue) -> tuple[float, str] | None:
    """A sample's value in its base unit, or None where it has no number (SignedData is opaque)."""
    meaning = _meaning_in_metering(sample)
    ((value,), _) = _metered_numbers([sample.value])
    if value is None or sample.format == "SignedData":
        return None
    value *= meaning.factor
    return (value, meaning.unit) if math.isfinite(value) else None


def _metered_numbers(texts: list[str]) -> tuple[list[float | None], bool]:
    """Values as numbers, None for those that are none; and whether all are written plainly as numbers."""
    try:
        numbers: list[float | None] = [*map(float, texts)]  # all at once: one by one takes three times as long
        if math.isfinite(sum(numbers)):  # type: ignore[arg-type]
            return numbers, True
    except ValueError:
        pass
    return [parse_number(text) for text in texts], False


def _default_metering_unit(measurand: str) -> str:
    """The unit that an absent one stands for: the longest beginning of the measurand's name decides."""
    while measurand not in _DEFAULT_UNITS:
        measurand, dot, _ = measurand.rpartition(".")
        if not dot:
            return ""
    return _DEFAULT_UNITS[measurand]


def metered_energy_register(sample: SampledValue) -> float | None:
    """Wh, when the sample is the register that is billed: imported active energy over all phases at the outlet."""
    read = metered_number(sample) if _meaning_in_metering(sample).energy == "register" else None
    return read[0] if read is not None else None


class Taken(msgspec.Struct, frozen=True, gc=False):
    """The numbers of one MeterValue as they were taken; next to none is looked at, so that names and units can wait."""

    shape: Shape
    numbers: list[float | None]  # finite
    row: MeterReading
    kind: int  # takings of one kind have the same names in them; 0: nobody knows which
    timed: bool = True  # else the time of the row is a guess

    def samples(self) -> dict[str, Sample]:
        """By measurand and phase, in base units."""
        named = {}
        for place in self.shape.shown:
            meaning, number = self.shape.meanings[place], self.numbers[place]
            if number is not None and meaning.name is not None and math.isfinite(number * meaning.factor):
                named[meaning.name] = Sample(number * meaning.factor, meaning.unit, self.row.time)
        return named


def metered_again(shape: str | None, row: MeterReading) -> Taken:
    """What was taken of a row that was kept, with the text of its shape (None for shape 0)."""
    samples = unpack_metered(shape, row.samples)
    return _taken_by_metering(
        _metering_shape_of(shape) if shape is not None else Shape(0, samples),
        _metered_numbers([sample.value for sample in samples])[0],
        row,
        is_timed(row.text, row.time),
    )


def _taken_by_metering(shape: Shape, numbers: list[float | None], row: MeterReading, timed: bool) -> Taken:
    return Taken(shape, numbers, row, 0 if None in numbers else shape.number, timed)


@lru_cache(MAX_SHAPES)
def _metering_shape_of(text: str) -> Shape:
    return Shape(1, unpack_metered(text, encode_json([""] * len(msgspec.json.decode(text))).decode()), text)


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
    readings = Readings([], [], [])
    latest = received_at + AHEAD
    usual = course.usual_since if course is not None else 0
    moments: Moments | None = None
    for place, value in enumerate(values):
        moment = read_timestamp(value.timestamp, received_at, zone)
        if moment.oddity:
            readings.oddities.append(("meterValue.timestamp", moment.oddity))
            moments = moments or Moments(values, received_at, zone, course)
            moment = moments.beside(place, moment)
        elif not usual <= moment.time <= latest:
            moments = moments or Moments(values, received_at, zone, course)
            ahead = moment.time > latest
            moment = moments.put_right(value.timestamp, moment, partial(_lowest_register, value))
            if ahead or moment.oddity:
                readings.oddities.append(("meterValue.timestamp", "ahead_of_arrival" if ahead else "clock_set_back"))
        samples = value.sampled_value
        texts = [sample.value for sample in samples]
        numbers, plain = _metered_numbers(texts)
        if not plain:
            samples = [sample for sample in samples if not _metered_nothing(sample.value)]
            dropped = len(value.sampled_value) - len(samples)
            readings.oddities += [("meterValue.sampledValue.value", "no_value")] * dropped
            readings.oddities += [("meterValue.sampledValue.value", oddity) for oddity in _metering_oddities(samples)]
            texts = [sample.value for sample in samples]
            numbers, _ = _metered_numbers(texts)
        if not samples:
            continue
        shape, new_shape = shapes.recognize(samples)
        if new_shape is not None:
            readings.changes.append(new_shape)
        # With milliseconds and `Z` the text can be made again from the time.
        text = value.timestamp
        canonical = not moment.oddity and len(text) == 24 and text[10] == "T" and text[19] == "." and text[-1] == "Z"
        row = MeterReading(
            charge_point=charge_point,
            connector=connector,
            transaction_id=transaction_id,
            time=moment.time,
            text=None if canonical else value.timestamp,
            shape=shape.number,
            samples=shape.pack(samples, texts),
        )
        readings.changes.append(row if arrivals is not None and arrivals.is_new(row) else Once(row))
        ordinary = plain and not moment.oddity
        taken = (
            Taken(shape, numbers, row, shape.number)
            if ordinary
            else _taken_by_metering(shape, numbers, row, not moment.oddity)
        )
        readings.taken.append(taken)
    return readings


def _lowest_register(value: MeterValue) -> float | None:
    return min((wh for wh in map(metered_energy_register, value.sampled_value) if wh is not None), default=None)


def _metering_oddities(samples: list[SampledValue]) -> Iterator[str]:
    """What is odd about values that are not as numbers are written (C 7.43); what is signed is no number."""
    for sample in samples:
        try:
            float(sample.value)
        except ValueError:
            if sample.format != "SignedData":
                yield "not_a_number" if parse_number(sample.value) is None else "decimal_comma"


def _metered_nothing(value: str) -> bool:
    text = value.strip().casefold()
    return not text or text == "nan"
