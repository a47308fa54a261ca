"""Which limits held while a transaction ran, from the commands of the time."""

from typing import Any

import msgspec
import pytest

from csmsd.control.explanation.limits import Limit, at, limits_held
from csmsd.profiles.task import Task
from tests.csmsd.control.explanation.told import MINUTE, facts, lines, profile, set_profile, task
from tests.csmsd.profiles.scene import NOON

DEFAULT = "profile 3 (TxDefaultProfile, level 0)"


def held(*tasks: Task, started_by: Task | None = None, **known: Any) -> list[tuple[float, float, float | None]]:
    """(from minute, to minute, limit) of each."""
    found = limits_held(facts(profile_tasks=list(tasks), **known), started_by)
    return [((limit.start - NOON) / MINUTE, (limit.end - NOON) / MINUTE, limit.limit) for limit in found]


def clear(number: int, minute: float, **fields: Any) -> Task:
    status = fields.pop("status", "Accepted")
    return task(number, minute, "ClearChargingProfile", fields, status=status)


def test_no_profile_is_no_limit() -> None:
    assert held() == []
    assert held(set_profile(1, -5, 16, connector=2)) == []
    assert held(clear(1, -5)) == []


def test_a_limit_of_before_holds_from_its_beginning() -> None:
    assert held(set_profile(1, -5, 16)) == [(0, 60, 16)]


def test_a_limit_holds_from_when_it_was_confirmed() -> None:
    assert held(set_profile(1, 20, 16)) == [(0, 20, None), (20, 60, 16)]
    assert held(set_profile(1, 61, 16)) == []


def test_a_limit_holds_until_it_is_cleared_or_replaced() -> None:
    assert held(set_profile(1, 10, 16), set_profile(2, 30, 10), clear(3, 50, id=3)) == [
        (0, 10, None),
        (10, 30, 16),
        (30, 50, 10),
        (50, 60, None),
    ]


def test_commands_count_in_the_order_in_which_they_were_confirmed() -> None:
    assert held(set_profile(2, 30, 10), set_profile(1, -1, 16)) == [(0, 30, 16), (30, 60, 10)]


def test_the_same_again_changes_nothing() -> None:
    assert held(set_profile(1, -5, 16), set_profile(2, 20, 16), set_profile(3, 40, 16)) == [(0, 60, 16)]


def test_a_profile_that_was_refused_does_not_hold() -> None:
    refused = msgspec.structs.replace(set_profile(2, 20, 6), outcome="rejected")
    assert held(set_profile(1, -5, 16), refused) == [(0, 60, 16)]


@pytest.mark.parametrize(
    ("fields", "clears"),
    [
        ({}, True),
        ({"id": 3}, True),
        ({"id": 4}, False),
        ({"connectorId": 1}, True),
        ({"connectorId": 2}, False),
        ({"chargingProfilePurpose": "TxDefaultProfile"}, True),
        ({"chargingProfilePurpose": "TxProfile"}, False),
        ({"stackLevel": 0}, True),
        ({"stackLevel": 1}, False),
        ({"status": "Unknown"}, True),  # then it was not there any more
        ({"status": None}, False),  # not confirmed
    ],
)
def test_what_clears_a_limit(fields: dict[str, Any], clears: bool) -> None:
    expected = [(0, 30, 16), (30, 60, None)] if clears else [(0, 60, 16)]
    assert held(set_profile(1, -5, 16), clear(2, 30, **fields)) == expected


def test_the_profile_of_the_remote_start_that_led_to_it_is_its_own() -> None:
    request = {"idTag": "ADA", "chargingProfile": profile(12, "TxProfile")}
    start = task(5, -1, "RemoteStartTransaction", request)
    other = task(6, -0.5, "RemoteStartTransaction", request)
    plain = task(7, -0.5, "RemoteStartTransaction", {"idTag": "ADA"})

    assert held(start, started_by=start) == [(0, 60, 12)]
    assert held(start, started_by=other) == []
    assert held(start, started_by=None) == []
    assert held(set_profile(1, -5, 16, id=4), plain, started_by=plain) == [(0, 60, 16)]


def test_a_transaction_profile_goes_before_the_default() -> None:
    own = set_profile(2, 10, 20, purpose="TxProfile", id=4, transactionId=17)
    assert held(set_profile(1, -5, 16), own) == [(0, 10, 16), (10, 60, 20)]


def test_what_was_sent_by_force_and_cannot_be_read_is_passed_over() -> None:
    odd = task(2, 10, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": "none"})
    assert held(set_profile(1, -5, 16), odd) == [(0, 60, 16)]


def test_one_that_took_no_time_has_its_limit_all_the_same() -> None:
    short = facts({"stop_time": NOON}, profile_tasks=[set_profile(1, -5, 16)])
    assert [limit.limit for limit in limits_held(short, None)] == [16]


def test_why() -> None:
    whole_site = set_profile(2, -4, 32, connector=0, purpose="ChargePointMaxProfile", id=4)
    (limit,) = limits_held(facts(profile_tasks=[set_profile(1, -5, 16), whole_site]), None)
    assert (limit.limit, limit.because, limit.text) == (16, DEFAULT, f"16 A by {DEFAULT}")
    (named,) = limits_held(facts(profile_tasks=[set_profile(1, -5, 16)], profile_names={3: "night"}), None)
    assert named.because == "night (TxDefaultProfile, level 0)"


@pytest.mark.parametrize(
    ("limit", "text"),
    [(None, "no profile limits it"), (16.0, "16 A by x"), (16.5, "16.5 A by x"), (0.0, "0 A by x")],
)
def test_a_limit_in_words(limit: float | None, text: str) -> None:
    assert Limit(0, 1, limit, "A", "x").text == text


def in_watts(limit: float, **fields: Any) -> Task:
    schedule = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit, **fields.pop("period", {})}],
        **fields,
    }
    request = {"connectorId": 1, "csChargingProfiles": profile(0) | {"chargingSchedule": schedule}}
    return task(1, -5, "SetChargingProfile", request)


@pytest.mark.parametrize(
    ("command", "stops"),
    [
        (set_profile(1, -5, 0), True),
        (set_profile(1, -5, 5.9), True),
        (set_profile(1, -5, 6), False),
        (in_watts(4139), True),  # 6 A at 230 V on three phases
        (in_watts(4140), False),
        (in_watts(1379, period={"numberPhases": 1}), True),
        (in_watts(1380, period={"numberPhases": 1}), False),
        (in_watts(4999, minChargingRate=5000), True),
        (in_watts(5000, minChargingRate=5000), False),
    ],
)
def test_no_vehicle_charges_with_less_than_6_a(command: Task, stops: bool) -> None:
    (limit,) = limits_held(facts(profile_tasks=[command]), None)
    assert limit.stops is stops


def test_no_limit_stops_nobody() -> None:
    found = limits_held(facts(profile_tasks=[set_profile(1, 20, 0)]), None)
    assert [limit.stops for limit in found] == [False, True]


# --- the limit at a moment

SOME = [
    Limit(NOON, NOON + 10, 16, "A", "a"),
    Limit(NOON + 10, NOON + 20, None, "A", ""),
    Limit(NOON + 20, NOON + 30, 0, "A", "b"),
]


@pytest.mark.parametrize(
    ("time", "around", "limit"),
    [
        (-1, 0, None),
        (0, 0, 16),
        (9, 0, 16),
        (10, 0, None),
        (10, 1, 16),
        (19, 0, None),
        (19, 1, 0),
        (29, 0, 0),
        (30, 0, None),
        (30, 1, 0),
        (15, 10, 0),  # the lowest
    ],
)
def test_the_limit_at_a_moment(time: int, around: int, limit: float | None) -> None:
    found = at(SOME, NOON + time, around)
    assert (None if found is None else found.limit) == limit


def test_limits_are_those_of_the_time() -> None:
    cleared = task(9, 50, "ClearChargingProfile", {"id": 3})
    refused = set_profile(8, 30, 10)
    refused.outcome, refused.status = "rejected", "Rejected"
    cap = set_profile(2, -500, 12, connector=0, purpose="ChargePointMaxProfile", id=1)
    again = set_profile(7, 25, 8)
    found = limits_held(facts(profile_tasks=[cap, set_profile(6, 20, 8), again, refused, cleared]), None)
    assert [((limit.start - NOON) / MINUTE, (limit.end - NOON) / MINUTE, limit.limit) for limit in found] == [
        (0, 20, 12),
        (20, 50, 8),
        (50, 60, 12),
    ]


def test_the_profile_of_a_remote_start_belongs_to_its_transaction() -> None:
    given = {"idTag": "ADA", "connectorId": 1, "chargingProfile": profile(10, "TxProfile")}
    start = task(5, -0.1, "RemoteStartTransaction", given)
    assert [limit.limit for limit in limits_held(facts(profile_tasks=[start]), start)] == [10]
    assert limits_held(facts(profile_tasks=[start]), None) == []


def test_a_profile_that_was_sent_by_force_and_cannot_be_read_limits_nothing() -> None:
    odd = task(6, -10, "SetChargingProfile", {"connectorId": "one", "csChargingProfiles": {}})
    assert limits_held(facts(profile_tasks=[odd]), None) == []
    nameless = task(7, 10, "SetChargingProfile", {"csChargingProfiles": {}})
    assert "SetChargingProfile (profile 0, None, level None)" in str(lines(facts(tasks=[nameless])))
