"""When readings were measured that are told without a time, or by another clock than their transaction."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from csmsd.ocpp.timestamps import format_timestamp, read_timestamp
from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core.energy.evidence import Start
from csmsd.profiles.core.energy.gathered import Gathered
from csmsd.profiles.core.metering import MeterShapes, Taken
from csmsd.profiles.core.moments import is_timed
from csmsd.profiles.core.told_readings import read_meter_values
from tests.csmsd.profiles.scene import HOUR, NOON

MINUTE = 60_000
YEAR = 365 * 24 * HOUR


def begun(
    *registers: tuple[int, float], time: int = NOON - HOUR, came: int = NOON - HOUR, register: float | None = 1000
) -> Gathered:
    """A transaction that began at `register`, and what was read of it already, at minutes from noon."""
    course = Gathered(1, Start(time, came, register))
    for minute, wh in registers:
        value = MeterValue(
            timestamp=format_timestamp(NOON + minute * MINUTE), sampled_value=[SampledValue(value=str(wh))]
        )
        for taken in taken_of([value], course):
            course.take(taken)
    return course


def taken_of(values: list[MeterValue], course: Gathered | None) -> list[Taken]:
    return read_meter_values(
        values,
        charge_point="CP1",
        connector=1,
        transaction_id=7 if course else None,
        shapes=MeterShapes(),
        received_at=NOON,
        zone=UTC,
        course=course,
    ).taken


def read(*told: tuple[int, str] | None, course: Gathered | None = None) -> list[tuple[float, bool]]:
    """(minutes from noon, whether that is its own time) of values that arrive at noon."""
    values = [
        MeterValue(
            timestamp=format_timestamp(moment[0]) if moment is not None else "",
            sampled_value=[SampledValue(value=moment[1] if moment is not None else "1")],
        )
        for moment in told
    ]
    found = taken_of(values, course)
    assert [is_timed(taken.row.text, taken.row.time) for taken in found] == [taken.timed for taken in found]
    return [((taken.row.time - NOON) / MINUTE, taken.timed) for taken in found]


@pytest.mark.parametrize(
    ("told", "course", "found"),
    [
        (NOON, begun(), (0, True)),
        (NOON + MINUTE, begun(), (1, True)),
        (NOON + MINUTE + 1, begun(), (0, False)),
        (NOON + 2 * HOUR, begun(), (0, False)),
        (NOON + 2 * HOUR, None, (120, True)),  # of no transaction
        # The start was two hours ahead as well: as good as right.
        (NOON + 2 * HOUR, begun(time=NOON + HOUR), (120, True)),
        (NOON + 3 * HOUR, begun(time=NOON + HOUR), (180, True)),
        (NOON + 2 * HOUR, begun(time=NOON - HOUR + MINUTE + 1), (120, True)),
        (NOON + 2 * HOUR, begun(time=NOON - HOUR + MINUTE), (0, False)),
        (NOON, begun((90, 1500), time=NOON + HOUR), (0, True)),
        # not before what came already
        (NOON + 2 * HOUR, begun((1, 1500)), (1 + 1 / MINUTE, False)),
        # The start was told late: that says nothing of its clock.
        (NOON + 2 * HOUR, begun(came=NOON), (0, False)),
        # from before the start
        (NOON - 75 * MINUTE, begun(), (-75, True)),
        (NOON - 75 * MINUTE - 1, begun(), (0, False)),
        (NOON - 75 * MINUTE - 1, begun(register=None), (0, False)),
        (NOON - 75 * MINUTE - 1, begun((-1500, 1000)), (0, False)),  # after one of yesterday
        (NOON - 75 * MINUTE - 1, begun(register=2000), (-75 - 1 / MINUTE, True)),  # it has not grown: whose is it?
        (NOON - 75 * MINUTE - 1, begun(time=NOON + 2 * HOUR), (-75 - 1 / MINUTE, True)),  # it is the start that is off
        (NOON - 15 * HOUR, begun(), (0, False)),
        (NOON - 15 * HOUR - 1, begun(), (-900 - 1 / MINUTE, True)),  # another one's
        (NOON - HOUR - YEAR, begun(), (-60 - YEAR // MINUTE, True)),
        (NOON - HOUR - YEAR - 1, begun(), (0, False)),
        (NOON - HOUR - YEAR - 1, None, (-60 - (YEAR + 1) / MINUTE, True)),
        (NOON - 2 * YEAR, begun(time=NOON - 2 * YEAR - HOUR), (-2 * YEAR // MINUTE, True)),
        # from before what came already
        (NOON - 30 * MINUTE, begun((-25, 1900)), (-30, True)),
        (NOON - 30 * MINUTE - 1, begun((-25, 1900)), (0, False)),
        (NOON - 40 * MINUTE, begun((-20, 1990)), (-40, True)),  # out of a backlog
        (NOON - 40 * MINUTE, begun((-20, 1989)), (0, False)),
        (NOON - 40 * MINUTE, begun((-20, 5000), (-50, 1500)), (-40, True)),
        (NOON - 40 * MINUTE, begun((-20, 100)), (-40, True)),  # the register was set back: nobody knows
        (NOON - 40 * MINUTE, begun((-30, 1500), (-20, 1485)), (-40, True)),
        (NOON - 40 * MINUTE, begun((-30, 1500), (-20, 1490)), (0, False)),
    ],
)
def test_a_reading_by_another_clock_is_of_its_arrival(
    told: int, course: Gathered | None, found: tuple[float, bool]
) -> None:
    assert read((told, "2000"), course=course) == [found]


@pytest.mark.parametrize("shift", [2 * HOUR, -8 * YEAR])
def test_what_came_in_one_message_by_another_clock_keeps_the_time_between(shift: int) -> None:
    told = [(NOON + shift + minute * MINUTE, str(2000 + minute)) for minute in (-10, -20, -30)]

    found = [(0, False), (-10, False), (-20, False)]
    assert read(*told, course=begun()) == found
    assert read((NOON - 40 * MINUTE, "1500"), *told, course=begun()) == [(-40, True), *found]


def test_without_a_time_it_is_of_its_neighbour() -> None:
    before, behind = (NOON - 20 * MINUTE, "2000"), (NOON - 10 * MINUTE, "2100")

    assert read(None, before, None, behind, None) == [
        (-20, False), (-20, True), (-20, False), (-10, True), (-10, False)
    ]  # fmt: skip
    assert read(None, None) == [(0, False), (0, False)]


@pytest.mark.parametrize("text", ["2026-03-01T11:30:00", "2026-03-01 11:30", "2026-03-01T11:30:00Z"])
def test_a_time_in_the_zone_of_its_charge_point_is_its_own(text: str) -> None:
    time = read_timestamp(text, NOON, ZoneInfo("Asia/Kathmandu")).time

    assert is_timed(text, time)
    assert not is_timed(text, time + 2 * HOUR + 1)


def test_a_long_message_by_a_wrong_clock_is_read_in_no_time() -> None:
    """Each place looks at its neighbours, but not at all of them."""
    many = 5_000

    assert len(read(*[None] * many)) == many
    assert len(read(*[(NOON + 2 * HOUR, "1")] * many, course=begun())) == many
