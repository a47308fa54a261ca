"""WHEN: RFC 3339 or relative."""

from datetime import UTC, datetime

import pytest

from csmsctl.arguments.when import parse_when

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


def test_without_an_offset_it_is_local_time() -> None:
    there = datetime(2026, 2, 1, 10, 0).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert parse_when("2026-02-01T10:00", NOW) == there
    assert parse_when("2026-02-01", NOW) == datetime(2026, 2, 1).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize(
    "text",
    ["", "soon", "15m", "+15", "+15x", "2026-13-01", "2026-02-30T00:00:00Z", "+999999999w", "12:00", "٢٠٢٦-01-01"],
)
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        parse_when(text, NOW)
