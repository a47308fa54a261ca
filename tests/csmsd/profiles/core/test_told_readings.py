"""MeterValues as they are told: what is kept of each, what is odd, and what is new."""

from datetime import UTC
from typing import Any

import pytest

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core.charge_points import LatestSamples
from csmsd.profiles.core.energy.gathered import Gathered
from csmsd.profiles.core.metering import (
    ENERGY_REGISTER,
    MeterReading,
    MeterShape,
    MeterShapes,
)
from csmsd.profiles.core.told_readings import Arrivals, newest_metered, read_many_meter_values, read_meter_values
from tests.csmsd.profiles.scene import NOON, Scene


def sample(value: str, **fields: Any) -> SampledValue:
    return SampledValue(value=value, **fields)


def values(*samples: SampledValue, timestamp: str = "2026-03-01T12:00:00.000Z") -> list[MeterValue]:
    return [MeterValue(timestamp=timestamp, sampled_value=list(samples))]


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


def test_what_is_signed_has_no_number_to_be_missed() -> None:
    """So the newest of such readings stand for those before, as of all that have the same names in them."""
    meter = Meter()
    power = {"measurand": "Power.Active.Import", "unit": "kW"}

    first, second, broken = (
        meter.read(sample(number, **power), sample(signed, format="SignedData")).taken[0]
        for number, signed in (("7.2", "T0JJUw=="), ("7.3", "OBIS"), ("off", "OBIS"))
    )

    assert first.kind == second.kind == first.row.shape
    assert (broken.kind, broken.row.shape) == (0, first.row.shape)
    assert set(first.samples()) == set(second.samples()) == {"Power.Active.Import"}


def test_a_number_beyond_all_is_kept_and_is_none() -> None:
    readings = Meter().read(sample("1e999"), sample("-inf"), sample("5"))

    assert readings.taken[0].numbers == [None, None, 5.0]
    assert readings.taken[0].row.samples == '["1e999","-inf","5"]'
    assert readings.oddities == []


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


def row(time: int, shape: int = 1) -> MeterReading:
    return MeterReading(
        charge_point="CP1", connector=1, transaction_id=7, time=time, text=None, shape=shape, samples='["1"]'
    )


def test_what_is_no_newer_may_have_come_before() -> None:
    arrivals = Arrivals(100)
    told = [(99, 1), (100, 0), (100, 1), (101, 1), (101, 1), (101, 2), (101, 2), (101, 0), (101, 0), (100, 3), (102, 0)]
    new = [arrivals.is_new(row(time, shape)) for time, shape in told]

    assert new == [False, False, True, True, False, True, False, False, False, False, True]


def test_many_are_read_some_at_a_time_and_come_to_the_same() -> None:
    """Among them times that are missing, ahead and years ago, shapes that are new, and values that are none."""
    clocks = [*range(0, 250_000, 1000), 10**9, None, -(10**11), *range(250_000, 500_000, 1000)]
    told = [
        MeterValue(
            timestamp="" if clock is None else format_timestamp(NOON - 600_000 + clock),
            sampled_value=[
                sample("nan" if place == 300 else str(2000 + place), phase="L1" if place % 200 == 7 else None)
            ],
        )
        for place, clock in enumerate(clocks)
    ]
    whose: dict[str, Any] = {
        "charge_point": "CP1",
        "connector": 1,
        "transaction_id": 1,
        "received_at": NOON,
        "zone": UTC,
    }
    course = Gathered(1, Scene().started().start)

    steps = read_many_meter_values(told, shapes=MeterShapes(), course=course, **whose)
    shapes: list[MeterShape] = []
    turns = 0
    while True:
        try:
            shapes += next(steps)
            turns += 1
        except StopIteration as end:
            in_turns = end.value
            break
    at_once = read_meter_values(told, shapes=MeterShapes(), course=course, **whose)

    assert turns > 10
    assert in_turns.changes == at_once.changes
    assert in_turns.oddities == at_once.oddities
    assert [taken.row for taken in in_turns.taken] == [taken.row for taken in at_once.taken]
    assert shapes == [change for change in at_once.changes if isinstance(change, MeterShape)]
    assert len(shapes) == 2
