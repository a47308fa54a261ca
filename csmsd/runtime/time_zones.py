"""Time zones by name, and that of this machine: what its clocks show, and whether its name is one."""

import os
import re
from datetime import UTC, datetime, tzinfo

LOCAL = "local"  # that of this machine, whatever its name is
_POSIX = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?\d")


class NoTimeZone(ValueError):
    """There is none of that name; the text says so."""


def utc_offset(zone: str, at: int) -> int:
    """Seconds by which the clocks of the zone are ahead of UTC at a time in ms since 1970. Raises NoTimeZone."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    if zone == LOCAL:
        unknown = unknown_local_zone()
        if unknown is not None:
            raise NoTimeZone(f"TZ={unknown} is no time zone that is known here")
        shown = moment.astimezone()
    else:
        known = _known(zone)
        if known is None:
            raise NoTimeZone(f"{zone!r} is no time zone that is known here")
        shown = moment.astimezone(known)
    offset = shown.utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def local_utc_offset(at: int) -> int:
    """As `utc_offset` of this machine; 0 where TZ names none, as the system takes it."""
    try:
        return utc_offset(LOCAL, at)
    except NoTimeZone:
        return 0


def unknown_local_zone() -> str | None:
    """What TZ says, if there is no such time zone: the system takes it for UTC, without a word."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name or _POSIX.match(name):
        return None
    known = os.path.isfile(name) if name.startswith("/") else _known(name) is not None  # noqa: PTH113 - never raises
    return None if known else name


def _known(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # csmsctl need not wait for it

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
