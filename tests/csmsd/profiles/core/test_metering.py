"""What a sample means, and how it is kept."""

from datetime import UTC
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core.charge_points import LatestSamples
from csmsd.profiles.core.metering import (
    ENERGY_REGISTER,
    MAX_SHAPE_LENGTH,
    MAX_SHAPES,
    MeterReading,
    MeterShape,
    MeterShapes,
    metered_energy_register,
    metered_number,
    unpack_metered,
)
from csmsd.profiles.core.told_readings import Arrivals, newest_metered, read_meter_values
from tests.csmsd.profiles.messages import instances
from tests.csmsd.profiles.scene import NOON


def sample(value: str, **fields: Any) -> SampledValue:
    return SampledValue(value=value, **fields)


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        (sample("1000"), (1000, "Wh")),
        (sample("1000", unit="Wh"), (1000, "Wh")),
        (sample("1.5", unit="kWh"), (1500, "Wh")),
        (sample("1.5", unit="KWH"), (1500, "Wh")),
        (sample(" 1.5 ", unit=" kWh "), (1500, "Wh")),
        (sample("1e3"), (1000, "Wh")),
        (sample("-5"), (-5, "Wh")),
        (sample("7", unit=""), (7, "Wh")),
        (sample("7.2", measurand="Power.Active.Import", unit="kW"), (7200, "W")),
        (sample("7200", measurand="Power.Active.Import"), (7200, "W")),
        (sample("11", measurand="Power.Reactive.Import"), (11, "var")),
        (sample("11", measurand="Power.Reactive.Import", unit="kvar"), (11_000, "var")),
        (sample("0.98", measurand="Power.Factor"), (0.98, "")),
        (sample("16", measurand="Current.Import"), (16, "A")),
        (sample("16", measurand="Current.Import", unit="Amp"), (16, "A")),
        (sample("230", measurand="Voltage", unit="Volt"), (230, "V")),
        *((sample("230", measurand="Voltage", unit=unit), (230, "V")) for unit in ("v", "V", "volts")),
        *((sample("16", measurand="Current.Import", unit=unit), (16, "A")) for unit in ("a", "amps", "Ampere")),
        (sample("1.5", unit="kvarh", measurand="Energy.Reactive.Import.Register"), (1500, "varh")),
        (sample("1.5", unit="kVA", measurand="Power.Offered"), (1500, "VA")),
        (sample("230", measurand="Voltage"), (230, "V")),
        (sample("50", measurand="Frequency", unit="Hertz"), (50, "Hz")),
        (sample("50", measurand="Frequency", unit="Hz"), (50, "Hz")),
        (sample("50", measurand="Frequency"), (50, "Hz")),
        (sample("21", measurand="Temperature", unit="Celcius"), (21, "Celsius")),
        (sample("21", measurand="Temperature"), (21, "Celsius")),
        (sample("80", measurand="SoC"), (80, "Percent")),
        (sample("80", measurand="SoC", unit="%"), (80, "Percent")),
        (sample("3", measurand="Vendor.Thing"), (3, "")),
        (sample("3", measurand="Vendor.Thing", unit="furlong"), (3, "furlong")),
        (sample("", unit="Wh"), None),
        (sample("n/a"), None),
        (sample("NaN"), None),
        (sample("-inf"), None),
        (sample("1e400"), None),
        (sample("1e308", unit="kWh"), None),
        (sample("12,5"), (12.5, "Wh")),
        (sample("12,5 kWh"), None),
        (sample("1000", format="SignedData"), None),
    ],
)
def test_a_number_in_its_base_unit(read: SampledValue, meant: tuple[float, str] | None) -> None:
    assert metered_number(read) == meant


@pytest.mark.parametrize(
    ("read", "wh"),
    [
        (sample("1000"), 1000),
        (sample("1", unit="kWh"), 1000),
        (sample("1000", measurand="Energy.Active.Import.Register", location="Outlet", context="Sample.Clock"), 1000),
        (sample("1000", phase="", location="", measurand=""), 1000),
        (sample("1000", phase="L1"), None),
        (sample("1000", phase="N"), None),
        (sample("1000", location="Inlet"), None),
        (sample("1000", measurand="Energy.Active.Export.Register"), None),
        (sample("1000", measurand="Energy.Active.Import.Interval"), None),
        (sample("1000", unit="varh"), None),
        (sample("1000", format="SignedData"), None),
        (sample("x"), None),
    ],
)
def test_the_register_that_is_billed(read: SampledValue, wh: float | None) -> None:
    assert metered_energy_register(read) == wh


def values(*samples: SampledValue, timestamp: str = "2026-03-01T12:00:00.000Z") -> list[MeterValue]:
    return [MeterValue(timestamp=timestamp, sampled_value=list(samples))]


def pack(shapes: MeterShapes, samples: list[SampledValue]) -> tuple[int, str, MeterShape | None]:
    """(shape number, samples as JSON, the shape's record when it is new)"""
    shape, record = shapes.recognize(samples)
    return shape.number, shape.pack(samples, [sample.value for sample in samples]), record


class Meter:
    """Reads meter values one after the other, as one charge point's would be."""

    def __init__(self) -> None:
        self.shapes = MeterShapes()
        self.arrivals = Arrivals(0)

    def read(self, *samples: SampledValue, **fields: str) -> Any:
        return read_meter_values(
            values(*samples, **fields),
            charge_point="CP1",
            connector=1,
            transaction_id=7,
            shapes=self.shapes,
            received_at=NOON,
            zone=UTC,
            arrivals=self.arrivals,
        )


def test_a_shape_is_kept_once_and_its_values_alone_after_that() -> None:
    meter = Meter()
    power = {"measurand": "Power.Active.Import", "unit": "kW"}

    first = meter.read(sample("1100"), sample("7.2", **power)).changes
    later = "2026-03-01T12:01:00.000Z"
    second = meter.read(sample("1200"), sample("7.3", **power), timestamp=later).changes
    other = meter.read(sample("1300"), timestamp=later).changes

    assert [type(change) for change in first] == [MeterShape, MeterReading]
    assert [(reading.shape, reading.samples) for reading in second] == [(first[0].id, '["1200","7.3"]')]
    assert [type(change) for change in other] == [MeterShape, MeterReading]
    assert other[0].id != first[0].id


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        ("2026-03-01T12:00:00.000Z", None),
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
        ("2026-03-01T13:00:00.000+01:00", "2026-03-01T13:00:00.000+01:00"),
        ("2026-03-01 12:00:00.000Z", "2026-03-01 12:00:00.000Z"),
        ("2026-03-01T12:00:00,000Z", "2026-03-01T12:00:00,000Z"),
        ("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_the_text_of_a_time_is_kept_where_the_time_would_not_give_it_back(timestamp: str, text: str | None) -> None:
    (reading,) = Meter().read(sample("1"), timestamp=timestamp).changes[1:]

    assert (reading.time, reading.text) == (NOON, text)


@pytest.mark.parametrize("value", ["", " ", "NaN", "nan", " NAN "])
def test_a_sample_without_a_value_is_skipped_and_noted(value: str) -> None:
    readings = Meter().read(sample(value), sample("1100"))

    assert readings.oddities == [("meterValue.sampledValue.value", "no_value")]
    assert readings.changes[-1].samples == '["1100"]'
    assert Meter().read(sample(value)).changes == []


def test_the_newest_reading_of_each_measurand_and_phase_and_none_of_the_neutral() -> None:
    current = {"measurand": "Current.Import"}
    samples = [
        *(sample(value, phase=phase, **current) for value, phase in (("16", "L1"), ("15", "L2"), ("1", "N"))),
        sample("7", measurand="Power.Active.Import", unit="kW"),
        sample("xyz", format="SignedData"),
    ]
    latest = newest_metered(Meter().read(*samples).taken)

    assert {name: (found.value, found.unit) for name, found in latest.items()} == {
        "Current.Import.L1": (16, "A"),
        "Current.Import.L2": (15, "A"),
        "Power.Active.Import": (7000, "W"),
    }


def test_readings_that_nobody_looked_at_are_not_lost_to_newer_ones_that_say_less() -> None:
    meter, latest = Meter(), LatestSamples()
    power = {"measurand": "Power.Active.Import"}
    for samples in (
        [sample("1000"), sample("7000", **power)],
        [sample("1100"), sample("none", **power)],
        [sample("16", measurand="Current.Import")],
        [sample("1200"), sample("none", **power)],
    ):
        latest.take(7, meter.read(*samples).taken, NOON)

    assert {name: found.value for name, found in latest.items()} == {
        ENERGY_REGISTER: 1200,
        "Power.Active.Import": 7000,
        "Current.Import": 16,
    }


@given(st.lists(st.lists(instances(SampledValue), min_size=1, max_size=4), min_size=1, max_size=4))
def test_samples_come_back_as_they_came(messages: list[list[SampledValue]]) -> None:
    shapes = MeterShapes()
    kept: dict[int, str] = {}
    for samples in messages:
        number_of_shape, packed, new = pack(shapes, samples)
        if new is not None:
            kept[new.id] = new.shape
        assert unpack_metered(kept.get(number_of_shape), packed) == samples


def test_shapes_are_known_again_after_a_restart() -> None:
    before, after = MeterShapes(), MeterShapes()
    samples = [sample("1", unit="kWh")]
    _, _, shape = pack(before, samples)
    assert shape is not None

    after.add(shape)

    assert pack(after, samples) == (shape.id, '["1"]', None)
    _, _, other = pack(after, [sample("1")])
    assert other is not None
    assert other.id > shape.id


def test_shapes_are_bounded_in_number_and_length_and_nothing_is_lost() -> None:
    shapes = MeterShapes()
    endless = [sample("1", measurand="x" * MAX_SHAPE_LENGTH)]
    assert pack(shapes, endless)[0] == 0
    for count in range(MAX_SHAPES):
        assert pack(shapes, [sample("1", measurand=f"m{count}")])[2] is not None

    number_of_shape, packed, new = pack(shapes, [sample("1", measurand="one more")])

    assert (number_of_shape, new) == (0, None)
    assert unpack_metered(None, packed) == [sample("1", measurand="one more")]
    assert pack(shapes, [sample("2", measurand="m0")])[0] == 1


def test_packing_saves_what_repeats() -> None:
    shapes = MeterShapes()
    samples = [sample("1", measurand="Current.Import", phase=phase, unit="A") for phase in ("L1", "L2", "L3")]
    _, packed, _ = pack(shapes, samples)

    assert len(packed) * 10 < len(msgspec.json.encode(samples))


def row(time: int, shape: int = 1) -> MeterReading:
    return MeterReading(
        charge_point="CP1", connector=1, transaction_id=7, time=time, text=None, shape=shape, samples='["1"]'
    )


def test_what_is_no_newer_may_have_come_before() -> None:
    arrivals = Arrivals(100)
    told = [(99, 1), (100, 0), (100, 1), (101, 1), (101, 1), (101, 2), (101, 2), (101, 0), (101, 0), (100, 3), (102, 0)]
    new = [arrivals.is_new(row(time, shape)) for time, shape in told]

    assert new == [False, False, True, True, False, True, False, False, False, False, True]
