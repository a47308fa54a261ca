"""Times: RFC 3339 with milliseconds and `Z` when written, nearly anything when read (C 3.14, 3.15).

Inside csms a moment is an integer: milliseconds since 1970-01-01 UTC.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EARLIEST = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp() * 1000)
_FUTURE_TOLERANCE = 24 * 3600 * 1000  # a day: beyond it a charge point's clock is not worth booking with

# A message that comes from so much later was not written by a right clock, though the time can be booked with.
AHEAD = 60_000  # ms

# Longer text is no time, and not worth the work of finding out.
_LONGEST = 64

_LENIENT = re.compile(
    r"""(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|(\d\d)(\d\d))             # date
        [Tt\s]*(?:(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?|(\d\d)(\d\d)(\d\d)?)  # time
        (?:[.,](\d+))?                                                    # a fraction of any precision
        \s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d\d)?)?$""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_EPOCH_TEXT = re.compile(r"(\d{10})(?:\.(\d+))?|(\d{13})", re.ASCII)  # seconds or milliseconds since 1970, 2001 to 2286

# As the libraries of many languages write it; Python's reads it in a third of the time that the above takes.
_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class ReadTime(msgspec.Struct, frozen=True, gc=False):
    """A moment as read: `time` in ms since 1970 UTC, and what was odd about the text, if anything."""

    time: int
    oddity: str | None = None


def format_timestamp(time: int) -> str:
    """`2026-01-31T12:00:00.000Z` for ms since 1970 UTC."""
    seconds, milliseconds = divmod(time, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"{_date(day)}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"


@lru_cache(1024)
def optional_timestamp(time: int | None) -> str | None:
    """As `format_timestamp`; of no time, None."""
    return None if time is None else format_timestamp(time)


def _date(day: int) -> str:
    """`2026-01-31` for days since 1970."""
    return date.fromordinal(_EPOCH.toordinal() + day).isoformat()


def parse_timestamp(text: str, zone: tzinfo = UTC) -> int | None:
    """Milliseconds since 1970 UTC, or None when the text is no time; without a zone, `zone` is meant."""
    if len(text) in (20, 24) and text[-1] == "Z" and text[10] == "T" and text.isascii():
        try:  # nearly all that charge points send
            return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
        except (ValueError, TypeError):
            pass
    if len(text) > _LONGEST:
        return None
    if _ISO_8601.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
            return ((moment if moment.tzinfo else moment.replace(tzinfo=zone)) - _EPOCH) // _MILLISECOND
        except (ValueError, OverflowError):  # the last second of a minute may be a leap second
            pass
    text = text.strip()
    match = _LENIENT.match(text)
    if match is None:
        return _since_1970(text)
    year, _, month, day, month_2, day_2, hour, minute, second, hour_2, minute_2, second_2, fraction, offset = (
        match.groups()
    )
    seconds = int(second or second_2 or 0)
    try:
        # A leap second is the last one of its minute.
        moment = datetime(
            int(year),
            int(month or month_2),
            int(day or day_2),
            int(hour or hour_2),
            int(minute or minute_2),
            59 if seconds == 60 else seconds,
            tzinfo=_zone(offset, zone),
        )
        return (moment - _EPOCH) // _MILLISECOND + _milliseconds(fraction)
    except (ValueError, OverflowError):
        return None


def _since_1970(text: str) -> int | None:
    match = _EPOCH_TEXT.fullmatch(text)
    if match is None:
        return None
    return int(match[3]) if match[3] else int(match[1]) * 1000 + _milliseconds(match[2])


def _milliseconds(fraction: str | None) -> int:
    return int(((fraction or "") + "000")[:3])


def is_rfc_3339(text: str) -> bool:
    """Whether it is a moment as the JSON schemas have it (`date-time`): a date, a time with seconds, and a zone."""
    return _RFC_3339.fullmatch(text) is not None and parse_timestamp(text) is not None


def _zone(offset: str | None, default: tzinfo) -> tzinfo:
    if offset is None:
        return default
    if offset[0] not in "+-":
        return UTC
    digits = offset[1:].replace(":", "")
    if len(digits) % 2:  # +2 and +2:00
        digits = "0" + digits
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def read_timestamp(text: str | None, received_at: int, zone: tzinfo = UTC) -> ReadTime:
    """The moment a charge point means, or `received_at` with the reason why its own word cannot be used."""
    if not text:
        return ReadTime(received_at, "missing")
    time = parse_timestamp(text, zone)
    if time is None:
        return ReadTime(received_at, "unreadable")
    if time < _EARLIEST:
        return ReadTime(received_at, "before_2010")
    if time > received_at + _FUTURE_TOLERANCE:
        return ReadTime(received_at, "in_the_future")
    return ReadTime(time)


def oddity_of_timestamp(moment: ReadTime, received_at: int) -> str | None:
    """What is odd about a time as it was read: why it cannot be used, or that it lies ahead of its arrival."""
    return moment.oddity or ("ahead_of_arrival" if moment.time > received_at + AHEAD else None)
