"""When a charging profile says what, and which of several leads."""

from fractions import Fraction
from typing import Any

import pytest

from csmsd.profiles.smart_charging.timeline import (
    Source,
    Timeline,
    exact_on_timeline,
    leading_timeline,
    merged_timelines,
    timeline_segments,
)
from tests.csmsd.profiles.smart_charging.profiles import DAY, HOUR, MONDAY, profile

Limits = list[tuple[int, int, int]]


def said(source: Source, start: int, end: int, *, anchor: int = MONDAY) -> Limits:
    """Hours since Monday, from and to, and the limit."""
    return [
        ((begin - MONDAY) // HOUR, (stop - MONDAY) // HOUR, int(rate.limit))
        for begin, stop, rate in timeline_segments(source, anchor, start, end)
    ]


def source(*periods: tuple[int, float], connector: int = 1, accepted_at: int = 0, **fields: Any) -> Source:
    return Source(connector, profile(*periods, **fields), accepted_at)


def test_a_limit_is_the_number_that_was_written() -> None:
    assert exact_on_timeline(8.1) == Fraction(81, 10)


@pytest.mark.parametrize(
    ("fields", "limits"),
    [
        ({}, [(0, 2, 16), (2, 48, 8)]),  # C 7.13: without a duration the last period goes on
        ({"duration": 3 * 3600}, [(0, 2, 16), (2, 3, 8)]),
        ({"duration": 3600}, [(0, 1, 16)]),
        ({"start": MONDAY + DAY}, [(24, 26, 16), (26, 48, 8)]),
        ({"start": MONDAY - HOUR}, [(0, 1, 16), (1, 48, 8)]),
        ({"start": MONDAY + 3 * DAY}, []),
        ({"kind": "Relative", "start": MONDAY + DAY}, [(0, 2, 16), (2, 48, 8)]),
        ({"start": None}, [(0, 2, 16), (2, 48, 8)]),
    ],
)
def test_what_is_said_over_two_days(fields: dict[str, Any], limits: Limits) -> None:
    assert said(source((0, 16), (7200, 8), **fields), MONDAY, MONDAY + 2 * DAY) == limits


@pytest.mark.parametrize(
    ("recurrency", "duration", "limits"),
    [
        ("Daily", 3 * 3600, [(0, 2, 16), (2, 3, 8), (24, 26, 16), (26, 27, 8)]),
        ("Daily", None, [(0, 2, 16), (2, 24, 8), (24, 26, 16), (26, 48, 8)]),
        ("Daily", 30 * 3600, [(0, 2, 16), (2, 24, 8), (24, 26, 16), (26, 48, 8)]),  # CE 3.44: it is cut
        ("Weekly", 3 * 3600, [(0, 2, 16), (2, 3, 8)]),
    ],
)
def test_what_comes_again(recurrency: str, duration: int | None, limits: Limits) -> None:
    again = source((0, 16), (7200, 8), kind="Recurring", recurrency=recurrency, duration=duration)
    assert said(again, MONDAY, MONDAY + 2 * DAY) == limits
    weeks = 7 * DAY * 52
    assert len(said(again, MONDAY + weeks, MONDAY + weeks + 2 * DAY)) == len(limits), "also a year later"


def test_what_comes_again_began_some_time() -> None:
    later = source((0, 16), kind="Recurring", recurrency="Daily", start=MONDAY + DAY, duration=3600)
    assert said(later, MONDAY, MONDAY + 2 * DAY) == [(24, 25, 16)]
    assert said(later, MONDAY + HOUR, MONDAY + HOUR) == []


def lead(*sources: Source, end: int = MONDAY + 4 * HOUR) -> Timeline:
    return leading_timeline(sources, lambda source: MONDAY, MONDAY, end)


def limits(timeline: Timeline) -> list[tuple[int, int, int | None]]:
    return [
        ((begin - MONDAY) // HOUR, (stop - MONDAY) // HOUR, None if rate is None else int(rate.limit))
        for begin, stop, rate in timeline
    ]


def test_the_highest_level_leads_while_it_says_something() -> None:
    low = source((0, 32), level=0)
    high = source((0, 6), level=1, start=MONDAY + HOUR, duration=3600)
    expected = [(0, 1, 32), (1, 2, 6), (2, 4, 32)]
    assert limits(lead(low, high)) == limits(lead(high, low)) == expected


def test_where_nobody_says_anything_there_is_a_gap() -> None:
    assert limits(lead(source((0, 6), start=MONDAY + HOUR, duration=3600))) == [(0, 1, None), (1, 2, 6), (2, 4, None)]
    assert limits(lead()) == [(0, 4, None)]


def test_of_two_of_one_level_the_newer_one_leads() -> None:
    old, new = source((0, 32), accepted_at=1), source((0, 6), accepted_at=2)
    assert limits(lead(old, new)) == limits(lead(new, old)) == [(0, 4, 6)]


def test_timelines_side_by_side_are_cut_wherever_one_changes() -> None:
    one = lead(source((0, 16), (3600, 8)))
    two = lead(source((0, 10), (7200, 5)))
    found = [
        ((begin - MONDAY) // HOUR, (stop - MONDAY) // HOUR, [int(rate.limit) for rate in rates if rate is not None])
        for begin, stop, rates in merged_timelines([one, two])
    ]
    assert found == [(0, 1, [16, 10]), (1, 2, [8, 10]), (2, 4, [8, 5])]
