"""How single values are written for people: times, durations, energy, sizes."""

from datetime import datetime
from typing import Any


def moment_text(value: Any, human: bool) -> str:
    """RFC 3339 as the daemon gave it; on a terminal local time to the second, without the date if that is today."""
    if not isinstance(value, str):
        return ""
    if not human:
        return value
    try:
        local = datetime.fromisoformat(value).astimezone()
    except (ValueError, OverflowError):
        return value
    return local.strftime("%H:%M:%S" if local.date() == datetime.now().date() else "%Y-%m-%d %H:%M:%S")


def local_time_text(value: Any) -> str:
    """RFC 3339 as date and local time to the minute, as letters and reports have it."""
    return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M") if isinstance(value, str) else ""


def thousands_text(value: Any, human: bool = True) -> str:
    """Wh as kWh, W as kW."""
    return f"{value / 1000:.3f}" if isinstance(value, int | float) else ""


def counted_text(number: Any, noun: str) -> str:
    """`1 transaction`, `2 transactions`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def duration_text(seconds: Any, human: bool = True) -> str:
    """`3 h 12 min`."""
    if not isinstance(seconds, int | float):
        return ""
    if not human:
        return str(seconds)
    rest = max(0, int(seconds))
    if rest < 60:
        return f"{rest} s"
    minutes, rest = divmod(rest, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def milliseconds_text(value: Any, human: bool = True) -> str:
    if not isinstance(value, int | float):
        return ""
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"


def size_text(value: object, human: bool) -> str:
    """Bytes; on a terminal in a unit that leaves few digits."""
    if not isinstance(value, int):
        return ""
    if not human or value < 1024:
        return f"{value} B" if human else str(value)
    return f"{value / 1024:.1f} KiB" if value < 1_048_576 else f"{value / 1_048_576:.1f} MiB"


def plain_text(value: Any) -> str:
    """Any JSON value as a word: yes and no, lists with blanks, nothing for null."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(plain_text(part) for part in value)
        case dict():
            return " ".join(f"{key}={plain_text(part)}" for key, part in value.items())
        case float() if value == int(value):
            return str(int(value))
        case _:
            return str(value)
