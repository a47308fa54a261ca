"""What a sample says about energy."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.energy.evidence import INTERVAL, REGISTER, Reading, evidence_of_row, evidence_of_samples
from csmsd.profiles.core.metering import POWER, MeterShapes
from tests.csmsd.profiles.scene import NOON


def of(value: str, **fields: str) -> list[Reading]:
    return evidence_of_samples([SampledValue(value=value, **fields)], connector=2, time=NOON)  # type: ignore[arg-type]


def test_the_defaults_of_the_specification_are_filled_in() -> None:
    assert of("1000") == [Reading(NOON, 1000, 2, REGISTER, "Sample.Periodic", "", "Outlet", 1.0)]


def test_what_it_says_of_itself_is_kept() -> None:
    (reading,) = of("5", context="Trigger", location="Body", phase="L1-N", measurand=POWER, unit="W")
    assert reading == Reading(NOON, 5, 2, POWER, "Trigger", "L1-N", "Body", 1.0)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"unit": "Wh"}, 12.345),
        ({"unit": "kWh"}, 12_345),
        ({"measurand": INTERVAL, "unit": "kWh"}, 12_345),
        ({"measurand": POWER, "unit": "kW"}, 12_345),
        ({"measurand": POWER, "unit": "W"}, 12.345),
    ],
)
def test_numbers_are_in_wh_and_w(fields: dict[str, str], value: float) -> None:
    assert [reading.value for reading in of("12.345", **fields)] == [value]


def test_no_float_is_left_behind_by_the_unit() -> None:
    assert [reading.value for reading in of("4.35", unit="kWh")] == [4350]
    assert [reading.value for reading in of("0.0000014")] == [0.000001]


@pytest.mark.parametrize(
    ("value", "unit", "step"),
    [
        ("1000", "Wh", 1),
        ("1000.5", "Wh", 0.1),
        (" 1000,55 ", "Wh", 0.01),
        ("12", "kWh", 1000),
        ("12.3", "kWh", 100),
        ("12.34", "kWh", 10),
        ("12.345", "kWh", 1),
        ("12.3", "KWH", 100),
        ("1.25e3", "kWh", 1),  # how coarse it is cannot be seen
        ("12.", "kWh", 1000),
        ("-5", "Wh", 1),
        ("1e3", "Wh", 1),
    ],
)
def test_how_coarse_a_number_is(value: str, unit: str, step: float) -> None:
    assert [reading.step for reading in of(value, unit=unit)] == [pytest.approx(step)]


def test_a_reading_is_as_coarse_as_a_watt_hour_unless_it_says_so() -> None:
    assert Reading(NOON, 1, 1).step == 1.0


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ("1000", {"format": "SignedData"}),
        ("none", {}),
        ("NaN", {}),
        ("1e400", {}),
        ("1e308", {"unit": "kWh"}),  # infinity in Wh
        ("1000", {"unit": "varh"}),
        ("1000", {"unit": "W"}),
        ("1000", {"measurand": POWER, "unit": "kWh"}),
        ("1000", {"measurand": "Energy.Active.Export.Register"}),
        ("16", {"measurand": "Current.Import", "unit": "A"}),
    ],
)
def test_what_says_nothing(value: str, fields: dict[str, str]) -> None:
    assert of(value, **fields) == []


def test_samples_keep_their_order() -> None:
    found = evidence_of_samples([SampledValue(value=value) for value in ("3", "x", "1", "2")], connector=1, time=NOON)
    assert [reading.value for reading in found] == [3, 1, 2]


_SAMPLES = st.builds(
    SampledValue,
    value=st.sampled_from(["0", "12.30", "1,5", " 7 ", "1e400", "1e305", "-3", "1_0", "x", "", "nan", "12."]),
    measurand=st.sampled_from([None, REGISTER, INTERVAL, POWER, "Voltage"]),
    unit=st.sampled_from([None, "Wh", "kWh", " KWH ", "W", "kW", "A", "K"]),
    context=st.sampled_from([None, "Sample.Clock", "Transaction.Begin"]),
    phase=st.sampled_from([None, "L1", "N"]),
    location=st.sampled_from([None, "Outlet", "Body"]),
    format=st.sampled_from([None, "Raw", "SignedData"]),
)


@given(st.lists(_SAMPLES, min_size=1, max_size=6))
def test_a_row_says_what_its_samples_said(samples: list[SampledValue]) -> None:
    shape, _ = MeterShapes().recognize(samples)
    told = evidence_of_samples(samples, connector=1, time=NOON, timed=False)

    packed = shape.pack(samples, [sample.value for sample in samples])
    assert evidence_of_row(shape.text, packed, connector=1, time=NOON, timed=False) == told
    packed = msgspec.json.encode(samples).decode()
    assert evidence_of_row(None, packed, connector=1, time=NOON, timed=False) == told
