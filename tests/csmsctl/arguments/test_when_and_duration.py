"""WHEN: RFC 3339 or relative."""

from datetime import UTC, datetime
from time import tzset

import pytest

from csmsctl.arguments.when_and_duration import parse_duration, parse_when

NOW = datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-01-31T12:00:00.123Z"),
        ("+15m", "2026-01-31T12:15:00.123Z"),
        ("-2h", "2026-01-31T10:00:00.123Z"),
        ("-7d", "2026-01-24T12:00:00.123Z"),
        ("+1w", "2026-02-07T12:00:00.123Z"),
        ("+90s", "2026-01-31T12:01:30.123Z"),
        ("2026-02-01T10:00:00Z", "2026-02-01T10:00:00.000Z"),
        ("2026-02-01T10:00:00.5+01:00", "2026-02-01T09:00:00.500Z"),
        ("2026-02-01t10:00:00.123456789z", "2026-02-01T10:00:00.123Z"),
        ("2026-02-01 10:00+00:00", "2026-02-01T10:00:00.000Z"),
    ],
)
def test_times(text: str, moment: str) -> None:
    assert parse_when(text, NOW) == moment


@pytest.mark.parametrize(
    ("text", "ahead", "back", "end_of_it"),
    [  # it is a Saturday
        ("2h", "2026-01-31T14:00:00.123Z", "2026-01-31T10:00:00.123Z", "2026-01-31T10:00:00.123Z"),
        ("1h30m", "2026-01-31T13:30:00.123Z", "2026-01-31T10:30:00.123Z", "2026-01-31T10:30:00.123Z"),
        ("today", "2026-01-31T00:00:00.000Z", "2026-01-31T00:00:00.000Z", "2026-02-01T00:00:00.000Z"),
        ("Yesterday", "2026-01-30T00:00:00.000Z", "2026-01-30T00:00:00.000Z", "2026-01-31T00:00:00.000Z"),
        ("tomorrow", "2026-02-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "2026-02-02T00:00:00.000Z"),
        ("monday", "2026-02-02T00:00:00.000Z", "2026-01-26T00:00:00.000Z", "2026-01-27T00:00:00.000Z"),
        ("sat", "2026-02-07T00:00:00.000Z", "2026-01-31T00:00:00.000Z", "2026-02-01T00:00:00.000Z"),
        ("08:00", "2026-02-01T08:00:00.000Z", "2026-01-31T08:00:00.000Z", "2026-01-31T08:00:00.000Z"),
        ("18:30", "2026-01-31T18:30:00.000Z", "2026-01-30T18:30:00.000Z", "2026-01-30T18:30:00.000Z"),
        ("2026-01-28", "2026-01-28T00:00:00.000Z", "2026-01-28T00:00:00.000Z", "2026-01-29T00:00:00.000Z"),
    ],
)
def test_words_ahead_back_and_as_an_end(
    text: str, ahead: str, back: str, end_of_it: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    tzset()
    assert parse_when(text, NOW) == ahead
    assert parse_when(text, NOW, past=True) == back
    assert parse_when(text, NOW, past=True, end=True) == end_of_it


def test_a_day_is_local_and_as_long_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    tzset()
    try:  # the day on which summer begins has 23 hours
        assert parse_when("2026-03-29", NOW, past=True) == "2026-03-28T23:00:00.000Z"
        assert parse_when("2026-03-29", NOW, past=True, end=True) == "2026-03-29T22:00:00.000Z"
    finally:
        monkeypatch.undo()
        tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0.5", 0.5),
        ("90s", 90),
        ("30m", 1800),
        ("+30m", 1800),
        ("2h", 7200),
        ("1d", 86_400),
        ("1h30m", 5400),
    ],
)
def test_one_dialect_of_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_without_an_offset_it_is_local_time() -> None:
    there = datetime(2026, 2, 1, 10, 0).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert parse_when("2026-02-01T10:00", NOW) == there
    assert parse_when("2026-02-01", NOW) == datetime(2026, 2, 1).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize(
    "text",
    ["", "soon", "+15", "15", "+15x", "2026-13-01", "2026-02-30T00:00:00Z", "+999999999w", "24:00", "٢٠٢٦-01-01"],
)
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        parse_when(text, NOW)
