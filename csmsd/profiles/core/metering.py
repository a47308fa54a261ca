"""Meter values: what a sample means, how it is kept in few bytes, and what it says about a transaction (C 7.43)."""

import math
from functools import lru_cache
from typing import ClassVar, Literal

import msgspec
from msgspec.structs import astuple

from csmsd.ocpp.json_text import encode_json
from csmsd.ocpp.numbers import parse_number
from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.moments import is_timed
from csmsd.profiles.core.sample import Sample
from csmsd.profiles.record import Milliseconds, Record

ENERGY_REGISTER = "Energy.Active.Import.Register"
ENERGY_INTERVAL = "Energy.Active.Import.Interval"
POWER = "Power.Active.Import"
MAX_SHAPES = 5000
MAX_SHAPE_LENGTH = 2000  # characters; nine samples take some 500
_MOST_IN_SHAPE = MAX_SHAPE_LENGTH // len("[null,null,null,null,null,null],")  # samples

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
    looked_for_by: ClassVar[tuple[str, ...]] = ("transaction_id", "time")

    charge_point: str
    connector: int
    transaction_id: int | None
    time: Milliseconds
    text: str | None
    shape: int
    samples: str  # JSON: the values as text; with shape 0 the whole sampledValue list


# What a sample says about a transaction's energy: `register` is the one that is billed where all is plain (imported
# active energy over all phases at the outlet), `begin` repeats the one of the start, `beside` is one of a phase or of
# another place, which says nothing where the first is told as well, `other` needs a verdict.
Energy = Literal["register", "begin", "beside", "other"]
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
    if measurand == ENERGY_INTERVAL:
        return "other"
    if sample.phase or not at_outlet:
        return "beside"
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
        told = [
            (place, kind.energy, kind.factor) for place, kind in enumerate(self.meanings) if kind.energy is not None
        ]
        with_total = any(energy in ("register", "begin") for _, energy, _ in told)
        self.energies = [one for one in told if not (with_total and one[1] == "beside")]
        self.tells_beside = len(self.energies) < len(told)
        self.powers = _powers(samples, self.meanings)

    def pack(self, samples: list[SampledValue], values: list[str]) -> str:
        """Samples of this shape as JSON: their values, or all of them where the shape is not kept."""
        return encode_json(values if self.number else samples).decode()


decode_metered_values = msgspec.json.Decoder(list[str]).decode


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
        if len(samples) > _MOST_IN_SHAPE:
            return Shape(0, samples), None
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
    ((value,), _) = metered_numbers([sample.value])
    if value is None or sample.format == "SignedData":
        return None
    value *= meaning.factor
    return (value, meaning.unit) if math.isfinite(value) else None


def metered_numbers(texts: list[str]) -> tuple[list[float | None], bool]:
    """Values as numbers, None for those that are none; and whether all are written plainly as numbers."""
    numbers = plain_metered_numbers(texts)
    return (numbers, True) if numbers is not None else ([parse_number(text) for text in texts], False)


def plain_metered_numbers(texts: list[str]) -> list[float | None] | None:
    """Values as numbers; None where not all are written plainly as such."""
    try:
        numbers: list[float | None] = [*map(float, texts)]  # all at once: one by one takes three times as long
    except ValueError:
        return None
    return numbers if math.isfinite(sum(numbers)) else None  # type: ignore[arg-type]


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
    if shape is not None:
        numbers, plain = metered_numbers(decode_metered_values(row.samples))
        known = shape_of_metering(shape)
        if plain and row.text is None:  # nearly all
            return Taken(known, numbers, row, known.number)
        return taken_by_metering(known, numbers, row, is_timed(row.text, row.time))
    samples = unpack_metered(shape, row.samples)
    return taken_by_metering(
        Shape(0, samples),
        metered_numbers([sample.value for sample in samples])[0],
        row,
        is_timed(row.text, row.time),
    )


def taken_by_metering(shape: Shape, numbers: list[float | None], row: MeterReading, timed: bool) -> Taken:
    # One that has no name, such as what is signed, has no number either.
    missing = None in numbers and any(
        number is None and meaning.name is not None for number, meaning in zip(numbers, shape.meanings, strict=True)
    )
    return Taken(shape, numbers, row, 0 if missing else shape.number, timed)


@lru_cache(MAX_SHAPES)
def shape_of_metering(text: str) -> Shape:
    """What rows mean whose shape is kept as that text."""
    return Shape(1, unpack_metered(text, encode_json([""] * len(msgspec.json.decode(text))).decode()), text)
