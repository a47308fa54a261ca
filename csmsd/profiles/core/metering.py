"""Meter values: what a sample means, how it is kept in few bytes, and what it says about a transaction (C 7.43)."""

import math
from typing import ClassVar

import msgspec
from msgspec.structs import astuple

from csmsd.ocpp.frames import encode_json
from csmsd.ocpp.timestamps import read_time
from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core.charge_points import Sample
from csmsd.profiles.core.energy import EnergyRegister
from csmsd.profiles.record import Change, Milliseconds, Record

ENERGY_REGISTER = "Energy.Active.Import.Register"
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


class MeterShapes:
    """The shapes that are known, by their text and by number."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._seen: dict[tuple[object, ...], int] = {}  # the same by the samples' attributes: no JSON to make
        self._next = 1

    def add(self, shape: MeterShape) -> None:
        self._ids[shape.shape] = shape.id
        self._next = max(self._next, shape.id + 1)

    def pack(self, samples: list[SampledValue]) -> tuple[int, str, MeterShape | None]:
        """(shape number, samples as JSON, the shape's record when it is new). Shape 0: samples are written out."""
        values = encode_json([sample.value for sample in samples]).decode()
        attributes = tuple([astuple(sample)[1:] for sample in samples])  # all but the value
        seen = self._seen.get(attributes)
        if seen is not None:
            return seen, values, None
        shape = encode_json([[s.measurand, s.phase, s.unit, s.context, s.location, s.format] for s in samples]).decode()
        known = self._ids.get(shape)
        if known is None and (len(self._ids) >= MAX_SHAPES or len(shape) > MAX_SHAPE_LENGTH):
            return 0, encode_json(samples).decode(), None
        if known is not None:
            self._seen[attributes] = known
            return known, values, None
        record = MeterShape(id=self._next, shape=shape)
        self.add(record)
        self._seen[attributes] = record.id
        return record.id, values, record


def unpack(shape: str | None, samples: str) -> list[SampledValue]:
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


def number(sample: SampledValue) -> tuple[float, str] | None:
    """A sample's value in its base unit, or None where it has no number (SignedData is opaque)."""
    if sample.format == "SignedData":
        return None
    try:
        value = float(sample.value)
    except ValueError:
        return None
    unit = (sample.unit or _default_unit(sample.measurand or ENERGY_REGISTER)).strip()
    base, factor = _UNITS.get(unit.casefold(), (unit, 1))
    value *= factor
    return (value, base) if math.isfinite(value) else None


def _default_unit(measurand: str) -> str:
    """The unit that an absent one stands for: the longest beginning of the measurand's name decides."""
    while measurand not in _DEFAULT_UNITS:
        measurand, dot, _ = measurand.rpartition(".")
        if not dot:
            return ""
    return _DEFAULT_UNITS[measurand]


def energy_register(sample: SampledValue) -> float | None:
    """Wh, when the sample is the register that is billed: imported active energy over all phases at the outlet."""
    if (sample.measurand or ENERGY_REGISTER) != ENERGY_REGISTER or sample.phase:
        return None
    if sample.location and sample.location != "Outlet":  # an absent location means Outlet (C 7.43); so does ""
        return None
    read = number(sample)
    return read[0] if read is not None and read[1] == "Wh" else None


class Readings(msgspec.Struct):
    """Everything that a list of MeterValues comes to."""

    changes: list[Change]
    latest: dict[str, Sample]
    oddities: list[tuple[str, str]]


def read_meter_values(
    values: list[MeterValue],
    *,
    charge_point: str,
    connector: int,
    transaction_id: int | None,
    shapes: MeterShapes,
    register: EnergyRegister | None,
    received_at: Milliseconds,
    zone: object,
) -> Readings:
    """Turns MeterValues into rows, the newest readings, and what was odd; moves the energy register on."""
    readings = Readings([], {}, [])
    for value in values:
        moment = read_time(value.timestamp, received_at, zone)  # type: ignore[arg-type]
        if moment.oddity:
            readings.oddities.append(("meterValue.timestamp", moment.oddity))
        samples = []
        for sample in value.sampled_value:
            if not sample.value.strip() or sample.value.strip().casefold() == "nan":
                readings.oddities.append(("meterValue.sampledValue.value", "no_value"))
                continue
            samples.append(sample)
            _take(sample, moment.time, readings.latest, register)
        if not samples:
            continue
        shape, packed, new_shape = shapes.pack(samples)
        if new_shape is not None:
            readings.changes.append(new_shape)
        # With milliseconds and `Z` the text can be made again from the time.
        text = value.timestamp
        canonical = not moment.oddity and len(text) == 24 and text[10] == "T" and text[19] == "." and text[-1] == "Z"
        readings.changes.append(
            MeterReading(
                charge_point=charge_point,
                connector=connector,
                transaction_id=transaction_id,
                time=moment.time,
                text=None if canonical else value.timestamp,
                shape=shape,
                samples=packed,
            )
        )
    return readings


def _take(sample: SampledValue, time: Milliseconds, latest: dict[str, Sample], register: EnergyRegister | None) -> None:
    billed = energy_register(sample)
    if billed is not None and register is not None:
        register.read(billed)
    if sample.phase == "N":
        return  # the neutral conductor says nothing about what a car draws
    name = sample.measurand or ENERGY_REGISTER
    if sample.phase:
        name += f".{sample.phase}"
    read = number(sample)
    if read is not None:
        latest[name] = Sample(read[0], read[1], time)
