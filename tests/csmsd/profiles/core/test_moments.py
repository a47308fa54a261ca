"""When readings were measured that are told without a time, or by another clock than their transaction."""

from datetime import UTC
from zoneinfo import ZoneInfo

import msgspec
import pytest

from csmsd.ocpp.timestamps import format_time, read_time
from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core.metering import MeterShapes, read_meter_values
from csmsd.profiles.core.moments import is_timed
from tests.csmsd.profiles.scene import HOUR, NOON

MINUTE = 60_000
YEAR = 365 * 24 * HOUR


class Start(msgspec.Struct):
    start_time: int = NOON - HOUR
    start_received_at: int = NOON - HOUR
    meter_start_wh: int = 1000


def read(*told: tuple[int, str] | None, begun: Start | None = None) -> list[tuple[float, bool]]:
    """(minutes from noon, whether that is its own time) of values that arrive at noon."""
    values = [
        MeterValue(
            timestamp=format_time(moment[0]) if moment is not None else "",
            sampled_value=[SampledValue(value=moment[1] if moment is not None else "1")],
        )
        for moment in told
    ]
    readings = read_meter_values(
        values,
        charge_point="CP1",
        connector=1,
        transaction_id=7 if begun else None,
        shapes=MeterShapes(),
        received_at=NOON,
        zone=UTC,
        begun=begun,
    )
    rows = [taken.row for taken in readings.taken]
    assert [is_timed(row.text, row.time) for row in rows] == [taken.timed for taken in readings.taken]
    return [((taken.row.time - NOON) / MINUTE, taken.timed) for taken in readings.taken]


@pytest.mark.parametrize(
    ("told", "begun", "found"),
    [
        (NOON, Start(), (0, True)),
        (NOON + MINUTE, Start(), (1, True)),
        (NOON + MINUTE + 1, Start(), (0, False)),
        (NOON + 2 * HOUR, Start(), (0, False)),
        (NOON + 2 * HOUR, None, (120, True)),  # of no transaction
        # The start was two hours ahead as well: as good as right.
        (NOON + 2 * HOUR, Start(start_time=NOON + HOUR), (120, True)),
        (NOON + 3 * HOUR, Start(start_time=NOON + HOUR), (120, False)),
        (NOON + 2 * MINUTE, Start(start_time=NOON - HOUR + MINUTE), (2, True)),
        # The start was told late: that says nothing of its clock.
        (NOON + 2 * HOUR, Start(start_received_at=NOON), (0, False)),
        (NOON - HOUR - YEAR, Start(), (-60 - YEAR // MINUTE, True)),
        (NOON - HOUR - YEAR - 1, Start(), (0, False)),
        (NOON - HOUR - YEAR - 1, Start(meter_start_wh=2001), (-60 - (YEAR + 1) / MINUTE, True)),  # another one's
        (NOON - HOUR - YEAR - 1, None, (-60 - (YEAR + 1) / MINUTE, True)),
        (NOON - 2 * YEAR, Start(start_time=NOON - 2 * YEAR - HOUR), (-2 * YEAR // MINUTE, True)),
    ],
)
def test_a_reading_far_from_the_clock_of_its_start_is_of_its_arrival(
    told: int, begun: Start | None, found: tuple[float, bool]
) -> None:
    assert read((told, "2000"), begun=begun) == [found]


@pytest.mark.parametrize("shift", [2 * HOUR, -8 * YEAR])
def test_what_came_in_one_message_by_another_clock_keeps_the_time_between(shift: int) -> None:
    told = [(NOON + shift + minute * MINUTE, str(2000 + minute)) for minute in (-10, -20, -30)]

    found = [(0, False), (-10, False), (-20, False)]
    assert read(*told, begun=Start()) == found
    assert read((NOON - 40 * MINUTE, "1500"), *told, begun=Start()) == [(-40, True), *found]


def test_without_a_time_it_is_of_its_neighbour() -> None:
    before, behind = (NOON - 20 * MINUTE, "2000"), (NOON - 10 * MINUTE, "2100")

    assert read(None, before, None, behind, None) == [
        (-20, False), (-20, True), (-20, False), (-10, True), (-10, False)
    ]  # fmt: skip
    assert read(None, None) == [(0, False), (0, False)]


@pytest.mark.parametrize("text", ["2026-03-01T11:30:00", "2026-03-01 11:30", "2026-03-01T11:30:00Z"])
def test_a_time_in_the_zone_of_its_charge_point_is_its_own(text: str) -> None:
    time = read_time(text, NOON, ZoneInfo("Asia/Kathmandu")).time

    assert is_timed(text, time)
    assert not is_timed(text, time + 2 * HOUR + 1)


def test_a_long_message_by_a_wrong_clock_is_read_in_no_time() -> None:
    """Each place looks at its neighbours, but not at all of them."""
    many = 5_000

    assert len(read(*[None] * many)) == many
    assert len(read(*[(NOON + 2 * HOUR, "1")] * many, begun=Start())) == many
