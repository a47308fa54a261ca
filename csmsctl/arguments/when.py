"""WHEN: a time as operators type it, RFC 3339 or relative to now."""

import re
from datetime import UTC, datetime, timedelta

FORMS = "RFC 3339 (2026-01-31T12:00:00Z), a date, or relative: now, +15m, -2h, -7d, +1w"

_RELATIVE = re.compile(r"([+-])(\d{1,9})([smhdw])\Z")
_DURATION = re.compile(r"(\d{1,9})([smhdw])\Z", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ABSOLUTE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:?\d\d)?)?\Z", re.ASCII
)


def parse_when(text: str, now: datetime | None = None) -> str:
    """RFC 3339 in UTC with milliseconds. A time without an offset is local time. Raises ValueError."""
    now = datetime.now(UTC) if now is None else now
    text = text.strip()
    if text == "now":
        return _format(now)
    try:
        if found := _RELATIVE.match(text):
            sign, amount, unit = found.groups()
            distance = timedelta(**{_UNITS[unit]: int(amount)})
            return _format(now - distance if sign == "-" else now + distance)
        if found := _ABSOLUTE.match(text):
            day, time, offset = found.groups()
            fraction = re.sub(r"\.\d+", lambda digits: (digits[0] + "000000")[:7], time or "00:00")
            moment = datetime.fromisoformat(f"{day}T{fraction}{(offset or '').upper()}")
            return _format(moment.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no time that exists ({error})") from error
    raise ValueError(f"{text!r} is no time; write {FORMS}")


def is_duration(text: str) -> bool:
    """Whether it is written as `parse_duration` reads it."""
    return _DURATION.match(text) is not None


def parse_duration(text: str) -> float:
    """Seconds of 90s, 15m, 2h, 3d or 1w. Raises ValueError."""
    found = _DURATION.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no length of time; write 90s, 15m, 2h, 3d or 1w")
    amount, unit = found.groups()
    try:
        return timedelta(**{_UNITS[unit]: int(amount)}).total_seconds()
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long") from error


def _format(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.").rjust(20, "0") + f"{moment.microsecond // 1000:03d}Z"
