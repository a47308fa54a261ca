"""Times as charge points write them (C 3.14, 3.15; FIELD-NOTES "Fields")."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csmsd.ocpp.timestamps import format_timestamp, is_rfc_3339, parse_timestamp, read_timestamp

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 24 * 3600 * 1000


def ms(*when: int, zone: timezone | ZoneInfo = UTC) -> int:
    year, month, day, hour, minute, second, millisecond = when
    moment = datetime(year, month, day, hour, minute, second, millisecond * 1000, tzinfo=zone)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


NOON = ms(2026, 3, 1, 12, 0, 0, 0)
NOW = ms(2026, 3, 1, 12, 30, 0, 0)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-01T12:00:00.000Z", NOON),
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T12:00:00z", NOON),
        ("2026-03-01t12:00:00z", NOON),
        ("2026-03-01T12:00Z", NOON),
        ("2026-03-01 12:00:00Z", NOON),
        ("2026-03-01 12:00:00 UTC", NOON),
        ("2026-03-01  12:00:00", NOON),
        ("  2026-03-01T12:00:00Z \r\n", NOON),
        ("2026-03-01T12:00:00", NOON),
        ("2026-03-01T12:00:00.5Z", NOON + 500),
        ("2026-03-01T12:00:00.05Z", NOON + 50),
        ("2026-03-01T12:00:00,123Z", NOON + 123),
        ("2026-03-01T12:00:00.123456Z", NOON + 123),
        ("2026-03-01T12:00:00.123456789Z", NOON + 123),
        ("2026-03-01T12:00:00.9999999Z", NOON + 999),
        ("2026-03-01T13:00:00+01:00", NOON),
        ("2026-03-01T14:00:00+02", NOON),
        ("2026-03-01T14:00:00+0200", NOON),
        ("2026-03-01T14:00:00 +02:00", NOON),
        ("2026-03-01T17:30:00.250+05:30", NOON + 250),
        ("2026-03-01T04:00:00-08:00", NOON),
        ("2026-03-01T12:00:00-00:00", NOON),
        ("2026-03-01T12:00:00+00:00", NOON),
        ("20260301T120000Z", NOON),
        ("20260301120000", NOON),
        ("2026-03-01T9:5:7Z", ms(2026, 3, 1, 9, 5, 7, 0)),
        ("2026-3-1T12:00:00Z", NOON),
        ("2026/03/01 12:00:00", NOON),
        ("2026.3.01 12:00", NOON),
        ("2026-03-01T12:00:00 GMT", NOON),
        ("2026-03-01T14:00:00+2:00", NOON),
        ("2026-03-01T14:00:00+2", NOON),
        ("2026-03-01T11:59:60Z", NOON - 1000),  # a leap second
        ("1772366400", NOON),
        ("1772366400.25", NOON + 250),
        ("1772366400250", NOON + 250),
        ("2024-02-29T12:00:00Z", ms(2024, 2, 29, 12, 0, 0, 0)),
        ("0001-01-01T00:00:00Z", ms(1, 1, 1, 0, 0, 0, 0)),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999Z", ms(9999, 12, 31, 23, 59, 59, 999)),
    ],
)
def test_times_are_read(text: str, time: int) -> None:
    assert parse_timestamp(text) == time


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "now",
        "12:00:00",
        "2026-03-01",
        "01.03.2026 12:00",
        "2026-13-01T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-03-01T24:01:00Z",
        "2026-03-01T12:60:00Z",
        "2026-03-01T12:00:00+99:00",
        "2026-03-01T12:00:00X",
        "2026-03-01T12:00:00Z and more",
        "0000-00-00T00:00:00Z",
        "0001-01-01T00:00:00+14:00x",
        "177236640",
        "177236640000",
        "17723664000000",
        "-1772366400",
        "2026-03/01T12:00:00Z",
        "2026-03-01T12:00:00+",
        "2026-03-01T12:00:61Z",
        "2026-03-01T012:00:00Z",
        "2026-03-01T12:00:00." + "0" * 100 + "Z",
        "\0",
        "2026-03-01T12:00:00Z\0",
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_timestamp(text) is None


def test_a_time_without_zone_is_meant_in_the_charge_points_zone() -> None:
    assert parse_timestamp("2026-03-01T13:00:00", BERLIN) == NOON
    assert parse_timestamp("2026-07-01T14:00:00", BERLIN) == ms(2026, 7, 1, 12, 0, 0, 0)
    assert parse_timestamp("2026-03-01T12:00:00Z", BERLIN) == NOON
    assert parse_timestamp("2026-03-01T14:00:00+02:00", BERLIN) == NOON
    assert parse_timestamp("0001-01-01T00:00:00", BERLIN) is not None


@pytest.mark.parametrize(
    ("text", "time", "oddity"),
    [
        ("2026-03-01T12:00:00Z", NOON, None),
        ("2010-01-01T00:00:00Z", ms(2010, 1, 1, 0, 0, 0, 0), None),
        ("2026-03-02T12:30:00Z", NOW + DAY, None),
        ("2026-03-02T12:30:00.001Z", NOW, "in_the_future"),
        ("9999-12-31T23:59:59Z", NOW, "in_the_future"),
        ("2009-12-31T23:59:59Z", NOW, "before_2010"),
        ("1970-01-01T00:00:00Z", NOW, "before_2010"),
        ("0001-01-01T00:00:00Z", NOW, "before_2010"),
        ("yesterday", NOW, "unreadable"),
        (" ", NOW, "unreadable"),
        ("", NOW, "missing"),
        (None, NOW, "missing"),
    ],
)
def test_the_moment_of_arrival_stands_in_for_a_time_that_cannot_be_used(
    text: str | None, time: int, oddity: str | None
) -> None:
    read = read_timestamp(text, NOW)

    assert (read.time, read.oddity) == (time, oddity)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOON, "2026-03-01T12:00:00.000Z"),
        (NOON + 7, "2026-03-01T12:00:00.007Z"),
        (NOON - 1, "2026-03-01T11:59:59.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds(time: int, text: str) -> None:
    assert format_timestamp(time) == text


@given(st.integers(ms(1000, 1, 1, 0, 0, 0, 0), ms(9999, 12, 31, 23, 59, 59, 999)))
def test_a_time_that_is_written_is_read_back(time: int) -> None:
    text = format_timestamp(time)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert parse_timestamp(text) == time


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_iso_times_of_any_offset_and_precision_are_read(moment: datetime, zone: timezone, precision: str) -> None:
    aware = moment.replace(tzinfo=zone)
    text = aware.isoformat(timespec=precision)
    kept = datetime.fromisoformat(text)

    assert parse_timestamp(text) == (kept - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


DIGITS = st.text("0123456789", min_size=1, max_size=12)
FIELDS = st.tuples(
    st.sampled_from([2026, 2024, 1969, 1, 9999, 0]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.integers(0, 25),
    st.integers(0, 61),
    st.integers(0, 61),
)


@given(
    FIELDS.map(lambda fields: "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*fields)),
    st.just("") | DIGITS.map(".{}".format) | DIGITS.map(",{}".format),
    st.sampled_from(["", "Z", "z", "+01:00", "-08:00", "+14:59", "+01:75", "+23:59", "-24:00", "+99:99", "+01:00:30"]),
    st.sampled_from([UTC, BERLIN, timezone(timedelta(hours=-8))]),
)
@example("2026-03-29T02:30:00", "", "", BERLIN)
@example("2026-10-25T02:30:00", ".5", "", BERLIN)
@example("0001-01-01T00:00:00", "", "+14:59", UTC)
@example("9999-12-31T23:59:59", ".999999999", "-08:00", UTC)
@example("2026-03-01T11:59:60", ".25", "+01:00", UTC)
def test_what_is_written_as_usual_is_read_as_what_is_not(time: str, fraction: str, offset: str, zone: tzinfo) -> None:
    """A blank in front is not usual."""
    text = f"{time}{fraction}{offset}"

    assert parse_timestamp(text, zone) == parse_timestamp(f" {text}", zone)


@given(st.text() | st.from_regex(r"\d{4}-?\d\d-?\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?([+-]\d\d(:?\d\d)?|Z)?"))
def test_any_text_gives_a_moment(text: str) -> None:
    read = read_timestamp(text, NOW, BERLIN)

    assert read.time <= NOW + DAY
    assert (read.time == NOW) or read.oddity is None


@pytest.mark.parametrize("filler", [" ", "T", "0", "\t", "2026-03-01T12:00:00Z"])
def test_endless_text_takes_no_time(filler: str) -> None:
    begin = process_time()
    for text in (filler * 50_000, "2026-03-01T12:00:00" + filler * 50_000 + "x"):
        assert parse_timestamp(text) is None

    assert process_time() - begin < 2, "a quadratic part takes longer"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026-03-01T12:00:00Z", True),
        ("2026-03-01T12:00:00.000Z", True),
        ("2026-03-01t12:00:00.123456789z", True),
        ("2026-03-01T12:00:00+01:00", True),
        ("2026-03-01T12:00:00", False),
        ("2026-03-01T12:00:00+01", False),
        ("2026-03-01T12:00:00+0100", False),
        ("2026-03-01 12:00:00Z", False),
        ("2026-03-01T12:00Z", False),
        ("20260301T120000Z", False),
        ("2026-13-01T12:00:00Z", False),
        ("2026-03-01T12:00:00,5Z", False),
        ("yesterday", False),
        ("", False),
        ("٢٠٢٦-03-01T12:00:00Z", False),
    ],
)
def test_times_as_the_schemas_have_them(text: str, good: bool) -> None:
    assert is_rfc_3339(text) == good
