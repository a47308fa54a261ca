"""Profiles in a few words."""

from typing import Any

import pytest

from csmsd.profiles.smart_charging.profile_library import prepared_profile
from csmsd.profiles.smart_charging.profile_linter import lint_profile
from csmsd.profiles.smart_charging.short_form import (
    NotUnderstood,
    ShortForm,
    build_from_short_form,
    limit_of_short_form,
)
from tests.csmsd.profiles.smart_charging.profiles import HOUR, MONDAY

NOW = MONDAY + 15 * HOUR


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16A", (16, "A")),
        ("13.5 a", (13.5, "A")),
        ("11kW", (11000, "W")),
        ("7.36kW", (7360, "W")),
        ("7400 W", (7400, "W")),
        ("0A", (0, "A")),
    ],
)
def test_limits(text: str, expected: tuple[float, str]) -> None:
    assert limit_of_short_form(text) == expected


@pytest.mark.parametrize("text", ["", "16", "A", "-6A", "16 Amp", "1e3W", "16A 3", "NaNA"])
def test_no_limits(text: str) -> None:
    with pytest.raises(NotUnderstood, match="write it as 16A, 11kW or 7400W"):
        limit_of_short_form(text)


def test_a_flat_limit() -> None:
    made = build_from_short_form(ShortForm(limit="16A", stack_level=2, phases=1, min_rate="6A"), NOW)
    assert (made.charging_profile_purpose, made.charging_profile_kind) == ("TxDefaultProfile", "Absolute")
    schedule = made.charging_schedule
    assert (made.stack_level, schedule.charging_rate_unit, schedule.min_charging_rate) == (2, "A", 6)
    [period] = schedule.charging_schedule_period
    assert (period.start_period, period.limit, period.number_phases) == (0, 16, 1)
    assert lint_profile(prepared_profile(made, connector=1, transaction=None, now=NOW), NOW) == []


def test_the_profile_of_tc_056() -> None:
    made = build_from_short_form(
        ShortForm(
            limit="6A",
            kind="Absolute",
            phases=1,
            valid_from="2025-01-13T00:00:00+01:00",
            valid_to="2025-01-20T00:00:00Z",
            start="2025-01-13T00:00:00Z",
            duration=86400,
        ),
        NOW,
    )
    assert (made.valid_from, made.valid_to) == ("2025-01-12T23:00:00.000Z", "2025-01-20T00:00:00.000Z")
    assert made.charging_schedule.start_schedule == "2025-01-13T00:00:00.000Z"
    assert made.charging_schedule.duration == 86400
    assert lint_profile(made, NOW) == []


def test_a_tx_profile_is_relative() -> None:
    # TC_059
    made = build_from_short_form(ShortForm(limit="11kW", purpose="TxProfile"), NOW)
    assert (made.charging_profile_kind, made.charging_schedule.start_schedule) == ("Relative", None)
    assert lint_profile(made, NOW) == []


H = 3600


@pytest.mark.parametrize(
    ("text", "start", "duration", "periods"),
    [
        ("22:00-06:00=32A,06:00-22:00=8A", "00:00", 24, [(0, 32), (6 * H, 8), (22 * H, 32)]),
        ("06:00-22:00=8A, 22:00-06:00=32A", "00:00", 24, [(0, 32), (6 * H, 8), (22 * H, 32)]),
        ("00:00-24:00=6A", "00:00", 24, [(0, 6)]),
        ("00:00-00:00=6A", "00:00", 24, [(0, 6)]),
        ("08:00-08:00=6A", "00:00", 24, [(0, 6)]),
        # what is left open is the end of the schedule, so it begins after it
        ("22:00-06:00=16A", "22:00", 8, [(0, 16)]),
        ("23:00-05:30=16A,05:30-08:00=6A", "23:00", 9, [(0, 16), (6 * H + H // 2, 6)]),
        ("08:00-10:00=8A,10:00-07:00=10A", "08:00", 23, [(0, 8), (2 * H, 10)]),
        # equal neighbours are one period
        ("00:00-12:00=6A,12:00-24:00=6A", "00:00", 24, [(0, 6)]),
    ],
)
def test_windows_of_the_day(text: str, start: str, duration: int, periods: list[tuple[int, float]]) -> None:
    made = build_from_short_form(ShortForm(daily=text), NOW)
    schedule = made.charging_schedule
    assert (made.charging_profile_kind, made.recurrency_kind) == ("Recurring", "Daily")
    assert schedule.start_schedule == f"2025-01-12T{start}:00.000Z"
    assert schedule.duration == duration * 3600
    assert [(period.start_period, period.limit) for period in schedule.charging_schedule_period] == periods
    assert lint_profile(made, NOW) == []


def test_windows_are_those_of_the_clocks_on_the_wall() -> None:
    made = build_from_short_form(ShortForm(daily="22:00-06:00=16A"), NOW, 3600)
    assert made.charging_schedule.start_schedule == "2025-01-12T21:00:00.000Z"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "either a limit or windows"),
        ({"limit": "16A", "daily": "00:00-24:00=6A"}, "either a limit or windows"),
        ({"daily": "22-6=16A"}, "write it as 22:00-06:00=32A"),
        ({"daily": "22:00-25:00=16A"}, "no such time of the day"),
        ({"daily": "22:00-06:70=16A"}, "no such time of the day"),
        ({"daily": "22:00-06:00=16A,05:00-08:00=6A"}, "overlap at 05:00"),
        ({"daily": "08:00-12:00=16A,22:00-09:00=6A"}, "overlap at 08:00"),
        ({"daily": "08:00-10:00=16A,12:00-14:00=6A"}, "more than one gap"),
        ({"daily": "00:00-12:00=16A,12:00-24:00=6kW"}, "in A and in W"),
        ({"daily": "00:00-24:00=6A", "kind": "Absolute"}, "Recurring"),
        ({"daily": "00:00-24:00=6A", "duration": 60}, "when they begin and end"),
        ({"limit": "16A", "valid_to": "tomorrow"}, "valid-to 'tomorrow' is no time"),
        ({"limit": "16A", "min_rate": "1kW"}, "minimum rate is in W, the limit in A"),
    ],
)
def test_what_is_not_understood(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(NotUnderstood, match=words):
        build_from_short_form(ShortForm(**fields), NOW)
