"""The period of a report: a month of the site's local time, or from one moment to another."""

import re
from datetime import UTC, datetime, tzinfo

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])\Z", re.ASCII)


def month_period(text: str, zone: tzinfo | None, now: datetime) -> tuple[datetime, datetime]:
    """First moment of a month and of the next one, in UTC. `zone` None is the machine's. Raises ValueError."""
    if text in ("this", "last"):
        local = now.astimezone(zone)
        year, number = local.year, local.month - (text == "last")
    elif found := _MONTH.match(text):
        year, number = int(found[1]), int(found[2])
    else:
        raise ValueError(f"{text!r} is no month; write it as 2026-11, this or last")
    if number == 0:
        year, number = year - 1, 12
    if not 1 < year < 9999:
        raise ValueError(f"{text!r} is no month that exists")
    return _first_of_period(year, number, zone), _first_of_period(year + number // 12, number % 12 + 1, zone)


def _first_of_period(year: int, number: int, zone: tzinfo | None) -> datetime:
    local = datetime(year, number, 1)
    return local.astimezone(UTC) if zone is None else local.replace(tzinfo=zone).astimezone(UTC)
