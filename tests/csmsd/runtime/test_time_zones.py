"""What the clocks of a time zone show, and what is no time zone."""

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from csmsd.runtime.time_zones import LOCAL, NoTimeZone, unknown_local_zone, utc_offset


@pytest.fixture(autouse=True)
def _set_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield
    monkeypatch.undo()
    time.tzset()


def here(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    time.tzset()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize("local", [False, True])
def test_clocks_are_changed_in_the_night(monkeypatch: pytest.MonkeyPatch, local: bool) -> None:
    here(monkeypatch, "Europe/Amsterdam")
    zone = LOCAL if local else "Europe/Amsterdam"
    assert utc_offset(zone, at("2026-10-25T00:59:59Z")) == 7200
    assert utc_offset(zone, at("2026-10-25T01:00:00Z")) == 3600


@pytest.mark.parametrize(
    "name", ["Europe/Amsterdam", ":Europe/Amsterdam", "UTC", "", "CET-1CEST,M3.5.0,M10.5.0/3", "<+0330>-3:30"]
)
def test_what_is_a_time_zone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    here(monkeypatch, name)
    assert unknown_local_zone() is None
    utc_offset(LOCAL, 0)


@pytest.mark.parametrize("name", ["Europe/Amsterdm", "Nowhere", "/no/such/file", "../etc/passwd"])
def test_what_is_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    here(monkeypatch, name)
    assert unknown_local_zone() == name
    with pytest.raises(NoTimeZone, match="no time zone that is known here"):
        utc_offset(LOCAL, 0)
    with pytest.raises(NoTimeZone):
        utc_offset(name, 0)
