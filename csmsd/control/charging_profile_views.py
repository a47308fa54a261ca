"""Charging profiles and composite schedules as operators see them: the JSON of `csmsctl --json`."""

import json
from fractions import Fraction

from csmsd.control.rpc import Json
from csmsd.control.views import time_text
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.smart_charging.composite_schedule import Cause, Period, rounded_schedule_limit
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile
from csmsd.profiles.smart_charging.limit_comparison import Difference
from csmsd.profiles.smart_charging.profile_library import LibraryProfile


def library_profile_view(record: LibraryProfile, installed: list[InstalledProfile]) -> Json:
    profile = record.read()
    schedule = profile.charging_schedule
    limits = [period.limit for period in schedule.charging_schedule_period]
    return {
        "id": record.id,
        "name": record.name,
        "purpose": profile.charging_profile_purpose,
        "kind": profile.charging_profile_kind,
        "recurrency": profile.recurrency_kind,
        "stack_level": profile.stack_level,
        "unit": schedule.charging_rate_unit,
        "lowest_limit": min(limits, default=None),
        "highest_limit": max(limits, default=None),
        "periods": len(limits),
        "duration": schedule.duration,
        "valid_from": profile.valid_from,
        "valid_to": profile.valid_to,
        "installed": len(installed),
        "time_zone": record.time_zone,
        "note": record.note,
        "created_at": time_text(record.created_at),
    }


def installed_profile_view(record: InstalledProfile) -> Json:
    return {
        "charge_point": record.charge_point,
        "connector": record.connector,
        "purpose": record.purpose,
        "stack_level": record.stack_level,
        "id": record.profile_id,
        "name": record.name,
        "transaction": record.transaction_id,
        "awaits_id_tag": record.id_tag if record.pending else None,
        "accepted_at": time_text(record.accepted_at),
        "profile": json.loads(record.profile),
    }


def composite_schedule_view(periods: list[Period]) -> Json:
    start, end = periods[0].start, periods[-1].end
    return {
        "start": time_text(start),
        "end": time_text(end),
        "periods": [
            {
                "start": time_text(period.start),
                "end": time_text(period.end),
                "start_s": (period.start - start) / 1000,
                "duration_s": (period.end - period.start) / 1000,
                "limit": _limit(period.limit),
                "phases": period.phases,
                "min_charging_rate": _limit(period.minimum),
                "because": [_cause_view(cause) for cause in period.because],
            }
            for period in periods
        ],
    }


def _limit(limit: Fraction | None) -> float | None:
    return None if limit is None else rounded_schedule_limit(limit)


def _cause_view(cause: Cause) -> Json:
    profile = cause.source.profile
    return {
        "id": profile.charging_profile_id,
        "name": cause.source.name,
        "purpose": profile.charging_profile_purpose,
        "connector": cause.source.connector,
        "stack_level": profile.stack_level,
        "limit": rounded_schedule_limit(cause.limit),
        "unit": cause.unit,
        "phases": cause.phases,
        "decides": cause.decides,
    }


def schedule_difference_view(difference: Difference) -> Json:
    return {
        "start": time_text(difference.start),
        "end": time_text(difference.end),
        "kind": difference.kind,
        "expected": _limit(difference.expected),
        "reported": _limit(difference.reported),
    }


def reported_schedule_view(stretch: tuple[Milliseconds, Milliseconds, Fraction | None]) -> Json:
    start, end, limit = stretch
    return {"start": time_text(start), "end": time_text(end), "limit": _limit(limit)}
