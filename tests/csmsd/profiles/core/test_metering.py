"""What a sample means, and how it is kept."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.metering import (
    MAX_SHAPE_LENGTH,
    MAX_SHAPES,
    MeterShape,
    MeterShapes,
    metered_energy_register,
    metered_number,
    unpack_metered,
)
from tests.csmsd.profiles.messages import instances


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


def pack(shapes: MeterShapes, samples: list[SampledValue]) -> tuple[int, str, MeterShape | None]:
    """(shape number, samples as JSON, the shape's record when it is new)"""
    shape, record = shapes.recognize(samples)
    return shape.number, shape.pack(samples, [sample.value for sample in samples]), record


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
