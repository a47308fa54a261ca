"""Charging profiles in a few words: a flat limit, or windows of the day. Pure."""

import re
from decimal import Decimal

import msgspec

from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import (
    ChargingProfile,
    ChargingProfileKind,
    ChargingProfilePurpose,
    ChargingRateUnit,
    ChargingSchedule,
    ChargingSchedulePeriod,
)
from csmsd.profiles.record import Milliseconds

_LIMIT = re.compile(r"(\d+(?:\.\d+)?)\s*(kW|W|A)", re.IGNORECASE)
_WINDOW = re.compile(r"(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)\s*=\s*(.+)")
_MINUTES_A_DAY = 24 * 60
_DAY_MS = _MINUTES_A_DAY * 60_000

Limit = tuple[float, ChargingRateUnit]


class NotUnderstood(ValueError):
    """The text says what is wrong and how it is written."""


class ShortForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What may be said instead of a csChargingProfiles object; times are RFC 3339."""

    limit: str | None = None
    daily: str | None = None
    purpose: ChargingProfilePurpose = "TxDefaultProfile"
    kind: ChargingProfileKind | None = None
    stack_level: int = 0
    phases: int | None = None
    min_rate: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    start: str | None = None
    duration: int | None = None


def limit_of_short_form(text: str) -> Limit:
    """`16A`, `11kW`, `7400W` as a number and its unit. Raises NotUnderstood."""
    match = _LIMIT.fullmatch(text.strip())
    if match is None:
        raise NotUnderstood(f"{text!r} is no limit; write it as 16A, 11kW or 7400W")
    number, unit = Decimal(match[1]), match[2].casefold()
    if unit == "a":
        return float(number), "A"
    return float(number * 1000 if unit == "kw" else number), "W"


def build_from_short_form(short: ShortForm, now: Milliseconds, utc_offset: int = 0) -> ChargingProfile:
    """The profile, still without an id; windows of the day are so many seconds ahead of UTC. Raises NotUnderstood."""
    if (short.limit is None) == (short.daily is None):
        raise NotUnderstood("say either a limit or windows of the day")
    if short.daily is not None:
        if short.kind not in (None, "Recurring") or short.start is not None or short.duration is not None:
            raise NotUnderstood("windows of the day are Recurring, and say themselves when they begin and end")
        schedule = _daily_short_form(short.daily, now, utc_offset, short.phases)
        return _short_form_profile(short, "Recurring", schedule)
    assert short.limit is not None
    number, unit = limit_of_short_form(short.limit)
    # C 3.13.1: a TxProfile is for one transaction and begins with it, unless told otherwise.
    kind = short.kind or ("Relative" if short.purpose == "TxProfile" else "Absolute")
    schedule = ChargingSchedule(
        duration=short.duration,
        start_schedule=_short_form_time("start", short.start),
        charging_rate_unit=unit,
        charging_schedule_period=[ChargingSchedulePeriod(start_period=0, limit=number, number_phases=short.phases)],
    )
    return _short_form_profile(short, kind, schedule)


def _short_form_profile(short: ShortForm, kind: ChargingProfileKind, schedule: ChargingSchedule) -> ChargingProfile:
    if short.min_rate is not None:
        number, unit = limit_of_short_form(short.min_rate)
        if unit != schedule.charging_rate_unit:
            raise NotUnderstood(f"the minimum rate is in {unit}, the limit in {schedule.charging_rate_unit}")
        schedule = msgspec.structs.replace(schedule, min_charging_rate=number)
    return ChargingProfile(
        charging_profile_id=0,
        stack_level=short.stack_level,
        charging_profile_purpose=short.purpose,
        charging_profile_kind=kind,
        recurrency_kind="Daily" if kind == "Recurring" else None,
        valid_from=_short_form_time("valid-from", short.valid_from),
        valid_to=_short_form_time("valid-to", short.valid_to),
        charging_schedule=schedule,
    )


def _short_form_time(what: str, text: str | None) -> str | None:
    if text is None:
        return None
    time = parse_timestamp(text)
    if time is None:
        raise NotUnderstood(f"{what} {text!r} is no time; write it as 2026-12-31T23:59:59Z")
    return format_timestamp(time)


Window = tuple[int, int, float]  # minutes of the day, limit; it ends after it begins, at most a day later


def _daily_short_form(text: str, now: Milliseconds, utc_offset: int, phases: int | None) -> ChargingSchedule:
    """`22:00-06:00=32A,06:00-22:00=8A` as a schedule that recurs daily (CE 3.78)."""
    windows, unit = _short_form_windows(text)
    gaps = [
        (one[1] % _MINUTES_A_DAY, (following[0] - one[1]) % _MINUTES_A_DAY)
        for one, following in zip(windows, windows[1:] + windows[:1], strict=True)
        if (following[0] - one[1]) % _MINUTES_A_DAY
    ]
    if len(gaps) > 1:
        raise NotUnderstood("the windows leave more than one gap in the day; say what holds in between")
    # A gap can only be the end of a schedule, so the schedule begins after it; a full day begins at midnight.
    begin = sum(gaps[0]) % _MINUTES_A_DAY if gaps else 0
    duration = _MINUTES_A_DAY - (gaps[0][1] if gaps else 0)
    starts: dict[int, float] = {}
    for start, end, number in windows:
        offset = (start - begin) % _MINUTES_A_DAY
        starts[offset] = number
        if offset + (end - start) > _MINUTES_A_DAY:  # it goes over the beginning of the schedule
            starts[0] = number
    periods: list[ChargingSchedulePeriod] = []
    for offset in sorted(starts):
        if not periods or periods[-1].limit != starts[offset]:
            periods.append(ChargingSchedulePeriod(start_period=offset * 60, limit=starts[offset], number_phases=phases))
    return ChargingSchedule(
        duration=duration * 60,
        start_schedule=format_timestamp(_yesterday_for_short_form(now, begin, utc_offset)),
        charging_rate_unit=unit,
        charging_schedule_period=periods,
    )


def _short_form_windows(text: str) -> tuple[list[Window], ChargingRateUnit]:
    windows: list[Window] = []
    units: set[ChargingRateUnit] = set()
    for part in text.split(","):
        match = _WINDOW.fullmatch(part.strip())
        if match is None:
            raise NotUnderstood(f"{part.strip()!r} is no window of the day; write it as 22:00-06:00=32A")
        start, end = (int(match[at]) * 60 + int(match[at + 1]) for at in (1, 3))
        if start >= _MINUTES_A_DAY or end > _MINUTES_A_DAY or int(match[2]) > 59 or int(match[4]) > 59:
            raise NotUnderstood(f"{part.strip()!r}: there is no such time of the day")
        number, unit = limit_of_short_form(match[5])
        units.add(unit)
        windows.append((start, end if end > start else end + _MINUTES_A_DAY, number))
    if len(units) > 1:
        raise NotUnderstood("the windows are in A and in W; a schedule has one unit (C 7.13)")
    windows.sort()
    for one, following in zip(windows, [*windows[1:], (windows[0][0] + _MINUTES_A_DAY, 0, 0.0)], strict=True):
        if following[0] < one[1]:
            raise NotUnderstood(f"the windows overlap at {following[0] // 60 % 24:02}:{following[0] % 60:02}")
    return windows, units.pop()


def _yesterday_for_short_form(now: Milliseconds, minute: int, utc_offset: int) -> Milliseconds:
    """That minute of yesterday, as the clocks stand now: a beginning in the past leaves no gap (C 5.16.4)."""
    shown = now + utc_offset * 1000
    midnight = shown - shown % _DAY_MS
    return midnight - _DAY_MS + minute * 60_000 - utc_offset * 1000
