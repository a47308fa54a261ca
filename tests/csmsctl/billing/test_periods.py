"""Months by the clock on the wall."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from csmsctl.billing.periods import month_period

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)  # 1 February in Berlin


@pytest.mark.parametrize(
    ("text", "zone", "first", "after"),
    [
        ("2026-11", UTC, "2026-11-01T00:00", "2026-12-01T00:00"),
        ("2026-12", UTC, "2026-12-01T00:00", "2027-01-01T00:00"),
        ("2026-03", BERLIN, "2026-02-28T23:00", "2026-03-31T22:00"),  # the clocks change in it
        ("2026-10", BERLIN, "2026-09-30T22:00", "2026-10-31T23:00"),
        ("this", UTC, "2026-01-01T00:00", "2026-02-01T00:00"),
        ("last", UTC, "2025-12-01T00:00", "2026-01-01T00:00"),
        ("this", BERLIN, "2026-01-31T23:00", "2026-02-28T23:00"),
        ("last", BERLIN, "2025-12-31T23:00", "2026-01-31T23:00"),
    ],
)
def test_months(text: str, zone: tzinfo, first: str, after: str) -> None:
    assert [moment.isoformat()[:16] for moment in month_period(text, zone, NOW)] == [first, after]


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "2026-1", "next", "0000-01", "9999-12", "٢٠٢٦-01"])
def test_what_is_no_month(text: str) -> None:
    with pytest.raises(ValueError, match="month"):
        month_period(text, UTC, NOW)


def test_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert month_period("2026-03", None, NOW) == month_period("2026-03", BERLIN, NOW)
    finally:
        monkeypatch.undo()
        time.tzset()
