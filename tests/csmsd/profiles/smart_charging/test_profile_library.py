"""The library: names, ids that are never given twice, and profiles as they are sent."""

from typing import Any

import pytest

from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.smart_charging.profile_library import (
    LibraryProfile,
    ProfileLibrary,
    parse_profile,
    prepared_profile,
)
from tests.csmsd.profiles.scene import NOON

GIVEN: dict[str, Any] = {
    "chargingProfileId": 5,
    "stackLevel": 2,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]},
}


def kept(number: int, name: str) -> LibraryProfile:
    return LibraryProfile(id=number, name=name, profile="{}", created_at=0)


def sent(given: dict[str, Any], *, connector: int = 1, transaction: int | None = None) -> ChargingProfile:
    return prepared_profile(parse_profile(given), connector=connector, transaction=transaction, now=NOON)


@pytest.mark.parametrize("given", [GIVEN, {"connectorId": 1, "csChargingProfiles": GIVEN}])
def test_a_profile_or_a_whole_request_around_it(given: dict[str, Any]) -> None:
    assert parse_profile(given).charging_profile_id == 5
    assert parse_profile(given, id=9).charging_profile_id == 9


def test_a_profile_without_an_id_has_none_yet() -> None:
    assert parse_profile({name: value for name, value in GIVEN.items() if name != "chargingProfileId"}).stack_level == 2


@pytest.mark.parametrize(
    "change",
    [
        {"stackLevel": -1},
        {"stackLevel": "2"},
        {"chargingProfilePurpose": "Whatever"},
        {"chargingSchedule": None},
        {"chargingSchedule": {"chargingRateUnit": "kW", "chargingSchedulePeriod": []}},
        {"more": 1},
    ],
)
def test_what_is_no_profile_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CannotSend, match=r"The charging profile cannot be read: .+\."):
        parse_profile(GIVEN | change)


def test_times_are_sent_as_we_write_all_times() -> None:
    schedule = GIVEN["chargingSchedule"] | {"startSchedule": "2026-03-01T13:00:00+01:00"}
    found = parse_profile(
        GIVEN | {"chargingSchedule": schedule, "validTo": "2026-04-01T00:00:00Z", "validFrom": "2026-02-01T00:00:00.5Z"}
    )
    assert found.charging_schedule.start_schedule == "2026-03-01T12:00:00.000Z"
    assert (found.valid_to, found.valid_from) == ("2026-04-01T00:00:00.000Z", "2026-02-01T00:00:00.500Z")


def test_an_absolute_one_begins_a_minute_ago_and_a_recurring_one_on_a_monday() -> None:
    """C 5.16.4: a beginning in the past holds at once."""
    assert sent(GIVEN).charging_schedule.start_schedule == format_timestamp(NOON - 60_000)
    weekly = GIVEN | {"chargingProfileKind": "Recurring", "recurrencyKind": "Weekly"}
    begins = parse_timestamp(sent(weekly).charging_schedule.start_schedule or "")
    assert begins is not None
    assert (begins // 86_400_000 + 3) % 7 == 0, "1970-01-01 was a Thursday"
    assert sent(GIVEN | {"chargingProfileKind": "Relative"}).charging_schedule.start_schedule is None


def test_an_id_of_its_own_stays_and_one_without_gets_that_of_its_place() -> None:
    assert sent(GIVEN).charging_profile_id == 5
    unnamed = GIVEN | {"chargingProfileId": 0}
    places = {
        (purpose, connector, level): sent(
            unnamed | {"chargingProfilePurpose": purpose, "stackLevel": level}, connector=connector
        ).charging_profile_id
        for purpose in ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
        for connector in (0, 1, 299)
        for level in (0, 1, 999_999)
    }
    assert len(set(places.values())) == len(places), "one place, one id"
    assert all(1_000_000_000 <= number < 2**31 for number in places.values())
    assert sent(GIVEN, transaction=7).transaction_id == 7


def test_names_are_found_in_any_case_and_ids_are_never_given_twice() -> None:
    library = ProfileLibrary()
    library.begin_ids_after(41)
    for name in ("night", "Day"):
        library.put(kept(library.new_id(), name))
    assert [(record.id, record.name) for record in library] == [(43, "Day"), (42, "night")]
    night = library.find("NIGHT")
    assert night is not None
    assert library.known(42) is night
    library.drop(night)
    assert (library.find("night"), library.known(42), library.new_id()) == (None, None, 44)


def test_a_name_or_the_object_itself() -> None:
    library = ProfileLibrary()
    assert library.resolve(GIVEN).charging_profile_id == 5
    with pytest.raises(NotThere, match="No charging profile night; see: csmsctl profile list"):
        library.resolve("night")
