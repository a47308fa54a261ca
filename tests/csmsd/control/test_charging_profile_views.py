"""Charging profiles and composite schedules as operators see them."""

import json
from fractions import Fraction
from typing import Any

from csmsd.control.charging_profile_views import (
    composite_schedule_view,
    installed_profile_view,
    library_profile_view,
    reported_schedule_view,
    schedule_difference_view,
)
from csmsd.ocpp.payloads import encode_payload
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.smart_charging.composite_schedule import Cause, Period
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile
from csmsd.profiles.smart_charging.limit_comparison import Difference
from csmsd.profiles.smart_charging.profile_library import LibraryProfile
from csmsd.profiles.smart_charging.timeline import Source
from tests.csmsd.control.filled import all_shown, filled
from tests.csmsd.profiles.scene import NOON
from tests.csmsd.profiles.smart_charging.profiles import HOUR, MONDAY, profile

NIGHT = profile(
    (0, 16),
    (3600, 6),
    (7200, 32),
    kind="Recurring",
    recurrency="Daily",
    purpose="TxDefaultProfile",
    level=3,
    unit="A",
    duration=86_400,
    valid_from=MONDAY,
    valid_to=MONDAY + HOUR,
    id=7,
)


def library(charging_profile: Any = NIGHT, installed: int = 0) -> dict[str, Any]:
    record = LibraryProfile(
        id=7, name="night", profile=encode_payload(charging_profile).decode(), note="cheap", created_at=NOON
    )
    return library_profile_view(record, [filled(InstalledProfile)] * installed)


def test_a_profile_of_the_library() -> None:
    assert library(installed=2) == {
        "id": 7,
        "name": "night",
        "purpose": "TxDefaultProfile",
        "kind": "Recurring",
        "recurrency": "Daily",
        "stack_level": 3,
        "unit": "A",
        "lowest_limit": 6,
        "highest_limit": 32,
        "periods": 3,
        "duration": 86_400,
        "valid_from": format_timestamp(MONDAY),
        "valid_to": format_timestamp(MONDAY + HOUR),
        "time_zone": None,
        "installed": 2,
        "note": "cheap",
        "created_at": format_timestamp(NOON),
    }
    assert library()["installed"] == 0


def test_an_installed_profile() -> None:
    def view(record: InstalledProfile) -> dict[str, Any]:
        return installed_profile_view(record)

    given: dict[str, Any] = {"profile": encode_payload(NIGHT).decode(), "profile_id": 7, "transaction_id": 17}
    shown = all_shown(InstalledProfile, view, "profile", **given)
    found = view(filled(InstalledProfile, **given))
    assert set(found) - shown == {"id", "transaction", "awaits_id_tag", "profile"}
    assert (found["id"], found["transaction"], found["awaits_id_tag"]) == (7, 17, None)
    assert found["profile"] == json.loads(encode_payload(NIGHT))


def test_one_that_waits_for_its_transaction_names_the_id_tag() -> None:
    found = installed_profile_view(filled(InstalledProfile, profile="{}", transaction_id=None, id_tag="ADA"))
    assert (found["transaction"], found["awaits_id_tag"]) == (None, "ADA")


CAUSE = Cause("limit", Source(2, NIGHT, NOON, "night"), Fraction(50, 3), "A", 3)


def test_a_composite_schedule() -> None:
    periods = [
        Period(NOON, NOON + 90_500, Fraction(50, 3), 3, Fraction(20, 3), (CAUSE,)),
        Period(NOON + 90_500, NOON + HOUR, None, None, None, ()),
    ]
    assert composite_schedule_view(periods) == {
        "start": format_timestamp(NOON),
        "end": format_timestamp(NOON + HOUR),
        "periods": [
            {
                "start": format_timestamp(NOON),
                "end": format_timestamp(NOON + 90_500),
                "start_s": 0,
                "duration_s": 90.5,
                "limit": 16.6,
                "phases": 3,
                "min_charging_rate": 6.6,
                "because": [
                    {
                        "id": 7,
                        "name": "night",
                        "purpose": "TxDefaultProfile",
                        "connector": 2,
                        "stack_level": 3,
                        "limit": 16.6,
                        "unit": "A",
                        "phases": 3,
                        "decides": "limit",
                    }
                ],
            },
            {
                "start": format_timestamp(NOON + 90_500),
                "end": format_timestamp(NOON + HOUR),
                "start_s": 90.5,
                "duration_s": (HOUR - 90_500) / 1000,
                "limit": None,
                "phases": None,
                "min_charging_rate": None,
                "because": [],
            },
        ],
    }


def test_a_limit_of_0_is_a_limit() -> None:
    (period,) = composite_schedule_view([Period(NOON, NOON + HOUR, Fraction(0), 3, Fraction(0), ())])["periods"]
    assert (period["limit"], period["min_charging_rate"]) == (0, 0)


def test_where_a_charge_point_allows_something_else() -> None:
    assert schedule_difference_view(Difference(NOON, NOON + HOUR, "higher", Fraction(16), None)) == {
        "start": format_timestamp(NOON),
        "end": format_timestamp(NOON + HOUR),
        "kind": "higher",
        "expected": 16,
        "reported": None,
    }
    assert schedule_difference_view(Difference(NOON, NOON + HOUR, "lower", Fraction(16), Fraction(0)))["reported"] == 0


def test_what_a_charge_point_reports() -> None:
    start, end = format_timestamp(NOON), format_timestamp(NOON + HOUR)
    assert reported_schedule_view((NOON, NOON + HOUR, Fraction(10))) == {"start": start, "end": end, "limit": 10}
    assert reported_schedule_view((NOON, NOON + HOUR, None))["limit"] is None
