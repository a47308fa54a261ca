"""Times and lengths of time as operators type them, the same in every command."""

import re
from datetime import UTC, date, datetime, time, timedelta

DURATIONS = "90s, 30m, 2h, 1d, 1w or seconds"
FORMS = (
    "RFC 3339 (2026-01-31T12:00:00Z), a date (as an end it means its end), 08:00, today, yesterday, a weekday, "
    "or a distance from now: now, +15m, -2h, -7d, +1w, and 2h, which is back from now in lists and ahead elsewhere"
)

_SIGNED = re.compile(r"([+-])(.+)\Z")
_DURATION = re.compile(r"(?:\d{1,9}[smhdw])+\Z", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,3})?\Z", re.ASCII)
_PART = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?\Z", re.ASCII)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ABSOLUTE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:?\d\d)?)?\Z", re.ASCII
)


def parse_when(text: str, now: datetime | None = None, *, past: bool = False, end: bool = False) -> str:
    """RFC 3339 in UTC with milliseconds. A time without an offset is local time. Raises ValueError.

    What may lie on either side of now (`2h`, `08:00`, `monday`) is in the `past`, today included, or else to come. A
    day without a time is its beginning, or its `end`, which is the beginning of the next one.
    """
    now = datetime.now(UTC) if now is None else now
    text = text.strip()
    try:
        found = _moment_of_when(text, now, past=past, end=end)
        if found is not None:
            return _format_when(found)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no time that exists ({error})") from error
    raise ValueError(f"{text!r} is no time; write {FORMS}")


def _moment_of_when(text: str, now: datetime, *, past: bool, end: bool) -> datetime | None:
    word = text.casefold()
    if word == "now":
        return now
    if (found := _SIGNED.match(word)) and _DURATION.match(found[2]):
        distance = _length_of_duration(found[2])
        return now - distance if found[1] == "-" else now + distance
    if _DURATION.match(word):
        return now - _length_of_duration(word) if past else now + _length_of_duration(word)
    if found := _ABSOLUTE.match(text):
        day, clock, offset = found.groups()
        if clock is None:
            return _midnight_of_when(date.fromisoformat(day) + timedelta(days=end))
        fraction = re.sub(r"\.\d+", lambda digits: (digits[0] + "000000")[:7], clock)
        return datetime.fromisoformat(f"{day}T{fraction}{(offset or '').upper()}")
    today = now.astimezone().date()
    if found := _CLOCK.match(word):
        hour, minute, second = (int(part or 0) for part in found.groups())
        clock_time = time(hour, minute, second)
        chosen = datetime.combine(today, clock_time).astimezone()
        if past and chosen > now:
            chosen = datetime.combine(today - timedelta(days=1), clock_time).astimezone()
        elif not past and chosen < now:
            chosen = datetime.combine(today + timedelta(days=1), clock_time).astimezone()
        return chosen
    days = _days_of_when(today, word, past=past)
    return None if days is None else _midnight_of_when(today + timedelta(days=days + end))


def _days_of_when(today: date, word: str, *, past: bool) -> int | None:
    """How many days the one that is named is from today; None when none is named."""
    if word in ("yesterday", "today", "tomorrow"):
        return ("yesterday", "today", "tomorrow").index(word) - 1
    for number, name in enumerate(_WEEKDAYS):
        if word in (name, name[:3]):
            ahead = (number - today.weekday()) % 7
            return -((-ahead) % 7) if past else ahead or 7
    return None


def _midnight_of_when(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone()


def is_duration(text: str) -> bool:
    """Whether it is certainly a length of time, and not the name of something: written with its units."""
    return _DURATION.match(text.removeprefix("+")) is not None


def parse_duration(text: str) -> float:
    """Seconds of 90s, 15m, 2h, 3d, 1w, 1h30m, with or without a plus; a bare number is seconds. Raises ValueError."""
    length = text.removeprefix("+")
    if _SECONDS.match(length):
        return float(length)
    if not _DURATION.match(length):
        raise ValueError(f"{text!r} is no length of time; write {DURATIONS}")
    try:
        return _length_of_duration(length).total_seconds()
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long") from error


def _length_of_duration(text: str) -> timedelta:
    parts = [timedelta(**{_UNITS[unit]: int(amount)}) for amount, unit in _PART.findall(text)]
    return sum(parts, timedelta())


def _format_when(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.").rjust(20, "0") + f"{moment.microsecond // 1000:03d}Z"
