"""A charge point's composite schedule against ours."""

import msgspec
import pytest

from csmsd.ocpp.types import ChargingRateUnit, ChargingSchedule
from csmsd.profiles.smart_charging.composite_schedule import Moment, Supply, compose_schedule
from csmsd.profiles.smart_charging.limit_comparison import compare_limits, reported_limits_to_compare
from csmsd.profiles.smart_charging.timeline import Source
from tests.csmsd.profiles.smart_charging.profiles import HOUR, MONDAY, on, profile

END = MONDAY + 10 * HOUR
OURS = on(1, profile((0, 16), (4 * 3600, 8)))  # 0-4 16 | 4-10 8


def compared(
    schedule: ChargingSchedule | None, *sources: Source, unit: ChargingRateUnit = "A"
) -> list[tuple[object, ...]]:
    expected = compose_schedule(sources or [OURS], 1, MONDAY, END, unit, Moment(now=MONDAY, running={}))
    reported = reported_limits_to_compare(schedule, MONDAY, END)
    return [
        (
            (found.start - MONDAY) / HOUR,
            (found.end - MONDAY) / HOUR,
            found.kind,
            None if found.expected is None else float(found.expected),
            None if found.reported is None else float(found.reported),
        )
        for found in compare_limits(expected, reported, unit, Supply())
    ]


def theirs(*periods: tuple[int, float], duration: int | None = None, unit: ChargingRateUnit = "A") -> ChargingSchedule:
    return profile(*periods, start=None, duration=duration, unit=unit).charging_schedule


@pytest.mark.parametrize(
    "schedule",
    [
        theirs((0, 16), (4 * 3600, 8)),
        theirs((0, 16), (4 * 3600, 8), duration=10 * 3600),
        theirs((0, 16), (3600, 16), (4 * 3600, 8)),  # cut where ours is not
        theirs((0, 16.1), (4 * 3600, 7.9)),  # rounded
        theirs((0, 16), (4 * 3600 + 4, 8)),  # a clock that is a little late
    ],
)
def test_what_agrees(schedule: ChargingSchedule) -> None:
    assert compared(schedule) == []


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (theirs((0, 16)), [(4, 10, "higher", 8, 16)]),
        (theirs((0, 10), (4 * 3600, 8)), [(0, 4, "lower", 16, 10)]),
        (theirs((0, 32)), [(0, 4, "higher", 16, 32), (4, 10, "higher", 8, 32)]),
        (theirs((0, 16), (4 * 3600, 8), duration=8 * 3600), [(8, 10, "higher", 8, None)]),
        (theirs((3600, 16), (4 * 3600, 8)), [(0, 1, "higher", 16, None)]),
        (None, [(0, 4, "higher", 16, None), (4, 10, "higher", 8, None)]),  # accepted, but empty
        (
            msgspec.structs.replace(theirs((0, 16)), charging_schedule_period=[]),
            [(0, 4, "higher", 16, None), (4, 10, "higher", 8, None)],
        ),
        (theirs((0, 16), (4 * 3600, -1)), [(4, 10, "higher", 8, None)]),  # -1 is how some write no limit
        (theirs((0, 16), (4 * 3600 + 60, 8)), [(4, 4 + 1 / 60, "higher", 8, 16)]),
    ],
)
def test_what_differs(schedule: ChargingSchedule | None, expected: list[tuple[object, ...]]) -> None:
    assert compared(schedule) == expected


def test_a_limit_of_its_own_where_we_have_none() -> None:
    late = on(1, profile((0, 16), start=MONDAY + 5 * HOUR))
    assert compared(theirs((0, 32), (5 * 3600, 16)), late) == [(0, 5, "lower", None, 32)]


def test_watts_that_were_amperes_may_be_off_by_a_tenth_of_an_ampere() -> None:
    # 16 A on three phases of 230 V are 11040 W
    flat = on(1, profile((0, 16)))
    assert compared(theirs((0, 11000), unit="W"), flat, unit="W") == []
    assert compared(theirs((0, 10000), unit="W"), flat, unit="W") == [(0, 10, "lower", 11040, 10000)]
    watts = on(1, profile((0, 11040), unit="W"))
    assert compared(theirs((0, 11000), unit="W"), watts, unit="W") == [(0, 10, "lower", 11040, 11000)]
