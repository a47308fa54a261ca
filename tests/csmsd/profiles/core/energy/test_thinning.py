"""However many readings come, and whatever they say, so many are kept in memory; what others say as well goes first."""

from zoneinfo import ZoneInfo

import msgspec
import pytest

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core.energy.thinning import MOST, MOST_OF_PLAIN, MOST_WEIGHT, Row, ThinnedRows, row_to_keep
from csmsd.profiles.core.metering import MeterShapes, Taken
from csmsd.profiles.core.told_readings import read_meter_values
from tests.csmsd.profiles.scene import HOUR, NOON

SHAPES = MeterShapes()


def taken(minute: int, *samples: SampledValue) -> Taken:
    """As it is taken of a MeterValue of so many minutes after noon."""
    value = MeterValue(timestamp=format_timestamp(NOON + minute * 60_000), sampled_value=[*samples])
    (found,) = read_meter_values(
        [value],
        charge_point="CP1",
        connector=1,
        transaction_id=1,
        shapes=SHAPES,
        received_at=NOON + 1000 * HOUR,
        zone=ZoneInfo("UTC"),
    ).taken
    return found


def register(wh: float, **attributes: str) -> SampledValue:
    return SampledValue(value=f"{wh:g}", **attributes)  # type: ignore[arg-type]


def add(rows: ThinnedRows, reading: Taken) -> Row:
    row = row_to_keep(reading)
    rows.add(row, reading)
    return row


def minutes(rows: ThinnedRows) -> list[int]:
    return [(time - NOON) // 60_000 for _, time, _, _, _ in rows.rows]


def test_of_plain_ones_the_newest_and_a_choice_are_kept() -> None:
    rows = ThinnedRows(NOON)
    for minute in range(1000):
        rows.add_plain(row_to_keep(taken(minute, register(minute))))
        assert len(rows.rows) <= MOST_OF_PLAIN
    assert minutes(rows)[0] == 0
    assert minutes(rows)[-1] == 999


def test_turning_points_are_kept_longer_than_what_is_between_them() -> None:
    rows = ThinnedRows(NOON)
    turns = {100, 300, 450}
    wh = 0
    for minute in range(MOST + 1):
        add(rows, taken(minute, register(wh)))
        wh += -1 if minute in turns else 1
    kept = set(minutes(rows))
    assert len(kept) < MOST * 0.6
    assert turns | {turn + 1 for turn in turns} | {0, MOST} <= kept


@pytest.mark.parametrize("number", [1, 3, 24, 60])
def test_readings_that_none_is_between_are_bounded_with_what_they_say(number: int) -> None:
    rows = ThinnedRows(NOON)
    for minute in range(2 * MOST):
        add(rows, taken(minute, *[register((minute + place) * 7919 % 1000) for place in range(number)]))
        told = sum(len(msgspec.json.decode(samples)) for _, _, _, samples, _ in rows.rows)
        assert len(rows.rows) <= MOST
        assert told <= 4 * MOST_WEIGHT
    assert minutes(rows)[0] == 0
    assert minutes(rows)[-1] == 2 * MOST - 1


def test_the_text_that_is_kept_is_bounded() -> None:
    rows = ThinnedRows(NOON)
    for minute in range(2 * MOST):
        add(rows, taken(minute, *[SampledValue(value=f"{minute % 2}" + "x" * 900, format="SignedData")]))
    assert sum(len(samples) for _, _, _, samples, _ in rows.rows) <= 500 * MOST_WEIGHT


def test_each_thinning_makes_room_for_many() -> None:
    rows = ThinnedRows(NOON)
    thinned = 0
    for minute in range(5 * MOST):
        before = len(rows.rows)
        add(rows, taken(minute, register(minute % 2)))
        thinned += len(rows.rows) <= before
    assert thinned <= 5 * 4


def test_one_that_is_kept_is_known_and_one_that_was_let_go_is_not() -> None:
    rows = ThinnedRows(NOON)
    added = [add(rows, taken(minute, register(minute % 2))) for minute in range(MOST)]
    assert all(row in rows for row in added)
    assert row_to_keep(taken(3, register(7))) not in rows

    added.append(add(rows, taken(MOST, register(0))))
    assert [row in rows for row in added] == [row in rows.rows for row in added]
    assert len(rows.rows) < MOST


def test_of_a_long_reading_what_says_something_about_energy_is_kept() -> None:
    long = taken(0, SampledValue(value="x" * 2000, format="SignedData"), register(5, unit="kWh"), register(7, unit="A"))
    _, _, shape, samples, _ = row_to_keep(long)
    assert shape is None
    assert msgspec.json.decode(samples) == [{"value": "5", "unit": "kWh"}]
