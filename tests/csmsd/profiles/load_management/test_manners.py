"""How charge points take limits."""

from typing import Any

import pytest

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.load_management.circuits import Member
from csmsd.profiles.load_management.habits import LimitHabits
from csmsd.profiles.load_management.holds import Lease
from csmsd.profiles.load_management.manners import (
    LoadManner,
    Takes,
    manner_in_words,
    next_manner,
    next_manner_of_transactions,
    takes_of_member,
)
from csmsd.profiles.load_management.site_limits import site_limit_profile
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene
from tests.csmsd.profiles.smart_charging.installing import configure

A = 1000
MINUTE = 60 * SECOND


def takes(scene: Scene, manner: dict[str, Any] | None = None, **member: Any) -> Takes:
    return as_shown(scene, None, manner or {}, **member)


def as_shown(scene: Scene, habits: LimitHabits | None, manner: dict[str, Any], **member: Any) -> Takes:
    found = LoadManner(charge_point="CP1", **manner)
    return takes_of_member(Member(circuit="main", charge_point="CP1", **member), scene.cp, found, habits, scene.now)


def connected(since_minutes: int = 10) -> Scene:
    scene = Scene()
    scene.cp.connected_at = scene.now
    scene.now += since_minutes * MINUTE
    return scene


@pytest.mark.parametrize(("pause", "floor"), [(None, 0), ("zero", 0), ("one_ampere", 1 * A), ("minimum", 6 * A)])
def test_the_lowest_limit_is_the_one_by_which_it_pauses(pause: Any, floor: int) -> None:
    assert takes(Scene(), {"pause": pause}).floor_ma == floor
    assert takes(Scene(), {"pause": pause}, floor_ma=3 * A).floor_ma == (3 * A if pause is None else floor)


def test_what_was_found_goes_before_what_is_usual() -> None:
    scene = Scene()
    configure(scene, ChargingScheduleAllowedChargingRateUnit="Power")
    assert takes(scene).unit == "W"
    assert takes(scene, {"unit": "A"}).unit == "A"
    habits = LimitHabits(charge_point="CP1", unit="A", reaction_ms=3 * SECOND, found_at=NOON)
    assert as_shown(scene, habits, {}).unit == "A"
    assert as_shown(scene, habits, {"unit": "W"}).unit == "W"
    assert takes(scene, step_ma=100).step_ma == 100


@pytest.mark.parametrize(
    ("reaction", "setting", "waits"),
    [(None, 10, 10), (None, 1, 1), (12, 10, 14), (4, 10, 6), (0, 10, 5), (0, 3, 3), (4, 3, 6)],
)
def test_a_limit_is_obeyed_within_the_time_that_was_tried_and_not_before_any_car_has_to(
    reaction: int | None, setting: int, waits: int
) -> None:
    reaction_ms = None if reaction is None else reaction * SECOND
    habits = LimitHabits(charge_point="CP1", reaction_ms=reaction_ms, found_at=NOON)
    assert as_shown(Scene(), habits, {}).obey_ms(setting * SECOND) == waits * SECOND


@pytest.mark.parametrize(
    ("behind", "early", "late"),
    [(0, 10, 10), (9, 10, 10), (3600, 10, 3610), (-3600, 3610, 10)],
)
def test_where_a_wrong_clock_decides_leases_end_by_so_much_later_or_earlier(behind: int, early: int, late: int) -> None:
    scene = connected(since_minutes=0)
    scene.started()  # it may have waited for the connection: nobody knows when it began
    found = takes(scene, {"behind_ms": behind * SECOND})
    assert (found.relative_to, found.early_ms, found.late_ms) == (None, early * SECOND, late * SECOND)


def test_one_whose_clock_is_wrong_has_schedules_that_are_relative_to_a_transaction() -> None:
    scene = connected()
    off = {"behind_ms": HOUR}
    assert takes(scene, off).relative_to is None, "a transaction may run of which nobody has heard"
    scene.status(1, "Available")
    assert takes(scene, off).relative_to is None, "by its clock an idle one falls back later, which is no harm"
    assert takes(scene, {"behind_ms": -HOUR}).relative_to == scene.now, "one that begins later makes it end later"
    scene.status(1, "Preparing")
    assert takes(scene, {"behind_ms": -HOUR}).early_ms == HOUR + 10 * SECOND
    assert takes(scene, {"schedule": "relative"}).early_ms > 1000 * HOUR, "it may begin with its fallback at any time"
    running = scene.started()
    scene.now += 5 * MINUTE
    found = takes(scene, off)
    assert (found.relative_to, found.early_ms, found.late_ms) == (running.start_received_at, 10_000, 10_000)
    assert takes(scene, {"schedule": "relative"}).relative_to == running.start_received_at
    assert takes(scene, off | {"schedule": "absolute"}) == Takes(behind_ms=HOUR), "it was found to keep them right"
    assert takes(scene, off, connector=0).relative_to is None, "there is no transaction of a whole charge point"
    scene.cp.connected_at = scene.now
    assert takes(scene, off).relative_to is None, "it has connected anew since"
    by_its_clock = {"behind_ms": running.start_received_at - running.start_time + HOUR}
    running.start_time -= HOUR
    assert takes(scene, by_its_clock).relative_to == running.start_received_at, "its clock says that it came at once"


def test_a_relative_schedule_counts_from_the_beginning_of_its_transaction() -> None:
    lease = Lease(key=("cp1", 1), serial=1, transaction=7, ma=16 * A, fallback_ma=6 * A, until=NOON + HOUR)
    profile = site_limit_profile(lease, 8, Takes(relative_to=NOON - MINUTE), 230, NOON)
    schedule = profile.charging_schedule
    assert (profile.charging_profile_kind, schedule.start_schedule) == ("Relative", None)
    assert [period.start_period for period in schedule.charging_schedule_period] == [0, 3660]


def test_by_no_clock_a_schedule_is_still_to_begin() -> None:
    scene = Scene()
    by_its_clock = {"behind_ms": 5 * HOUR, "schedule": "absolute"}
    lease = Lease(key=("cp1", 1), serial=1, transaction=None, ma=0, fallback_ma=6 * A, until=NOON + HOUR)
    schedule = site_limit_profile(lease, 8, takes(scene, by_its_clock), 230, NOON).charging_schedule
    assert schedule.start_schedule == format_timestamp(NOON - 6 * HOUR)
    assert [period.start_period for period in schedule.charging_schedule_period] == [0, 7 * 3600]


def test_when_a_transaction_began_that_runs_since_before_our_clock_was_set_nobody_knows() -> None:
    scene = Scene()
    scene.cp.connected_at = NOON - HOUR
    by_its_clock = {"schedule": "relative"}
    running = scene.started()
    assert takes(scene, by_its_clock).relative_to == running.start_received_at
    member, manner = Member(circuit="main", charge_point="CP1"), LoadManner(charge_point="CP1", schedule="relative")
    assert takes_of_member(member, scene.cp, manner, None, scene.now, [running.id]).relative_to is None


def test_a_charge_point_with_room_for_one_profile_is_limited_as_a_whole() -> None:
    scene = Scene()
    assert not takes(scene).whole
    assert takes(scene, connector=0).whole
    configure(scene, MaxChargingProfilesInstalled="1", NumberOfConnectors="1")
    assert takes(scene).whole
    configure(scene, NumberOfConnectors="2")
    assert not takes(scene).whole
    lease = Lease(key=("cp1", 0), serial=1, transaction=None, ma=16 * A, fallback_ma=6 * A, until=NOON + HOUR)
    profile = site_limit_profile(lease, 8, Takes(whole=True), 230, NOON)
    assert profile.charging_profile_purpose == "ChargePointMaxProfile"


def test_what_refuses_is_tried_in_every_way_that_it_does_not_exclude() -> None:
    scene = Scene()
    manner, ways = LoadManner(charge_point="CP1"), []
    for _ in range(6):
        manner = next_manner(manner, scene.cp, None, NOON)
        ways.append((manner.unit, manner.pause))
    pauses = ["one_ampere", "minimum"]
    assert ways == [*(("A", one) for one in pauses), *(("W", one) for one in ("zero", *pauses)), ("A", "zero")]
    configure(scene, ChargingScheduleAllowedChargingRateUnit="Current")
    assert next_manner(LoadManner(charge_point="CP1", pause="minimum"), scene.cp, None, NOON).unit == "A"


def test_where_limits_of_a_transaction_are_refused_each_other_way_is_tried() -> None:
    scene = Scene()
    manner, ways = LoadManner(charge_point="CP1", pause="one_ampere"), []
    for _ in range(6):
        manner = next_manner_of_transactions(manner, scene.cp, None, 16 * A, NOON)
        ways.append((manner.unit, manner.purpose))
    purposes = ["TxProfile", "TxDefaultProfile", "ChargePointMaxProfile"]
    assert ways == [*(("A", one) for one in purposes[1:]), *(("W", one) for one in purposes), ("A", "TxProfile")]
    assert manner.pause == "one_ampere"
    configure(scene, NumberOfConnectors="2", ChargingScheduleAllowedChargingRateUnit="Current")
    last = LoadManner(charge_point="CP1", purpose="TxDefaultProfile")
    assert next_manner_of_transactions(last, scene.cp, None, 16 * A, NOON).purpose == "TxProfile"


def test_tenths_that_are_refused_are_tried_without() -> None:
    scene = Scene()
    found = next_manner_of_transactions(LoadManner(charge_point="CP1"), scene.cp, None, 16_500, NOON)
    assert (found.decimals, found.purpose) == (False, None)
    assert takes(scene, {"decimals": False}, step_ma=100).step_ma == 1 * A
    assert takes(scene, {"decimals": True}).step_ma == 100
    assert next_manner_of_transactions(found, scene.cp, None, 16_500, NOON).purpose == "TxDefaultProfile"


def test_by_which_profile_a_transaction_is_limited() -> None:
    scene = connected()
    scene.status(1, "Available")
    found = {
        purpose: (one.single, one.whole)
        for purpose in (None, "TxProfile", "TxDefaultProfile", "ChargePointMaxProfile")
        for one in [takes(scene, {"purpose": purpose, "behind_ms": -HOUR})]
        if (one.relative_to is None) == one.single
    }
    assert found == {
        None: (False, False),
        "TxProfile": (False, False),
        "TxDefaultProfile": (True, False),
        "ChargePointMaxProfile": (True, True),
    }, "and what is for transactions that are still to begin is never relative to them"
    scene.status(2, "Available")
    assert not takes(scene, {"purpose": "ChargePointMaxProfile"}).whole, "the other connector would be limited, too"


def test_what_a_test_has_shown_of_0_amperes_is_gone_by_unless_somebody_says_otherwise() -> None:
    habits = LimitHabits(charge_point="CP1", begins_at_zero=False, found_at=NOON)
    assert as_shown(Scene(), habits, {}).offer_first
    assert not as_shown(Scene(), habits, {"offer_first": False}).offer_first


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ({}, []),
        ({"pause": "one_ampere"}, ["It refuses a limit of 0 A, and is paused with 1 A."]),
        ({"pause": "minimum"}, ["It takes no limit that pauses a car: at least 6 A count for it."]),
        ({"unit": "W"}, ["It takes limits in W."]),
        ({"schedule": "relative"}, ["It goes by schedules that are relative to its transactions."]),
        ({"decimals": False}, ["It takes whole amperes."]),
        (
            {"purpose": "TxDefaultProfile"},
            ["It refuses limits for one transaction: it is limited by a TxDefaultProfile."],
        ),
        ({"behind_ms": -HOUR}, ["Its clock is 3600 s ahead."]),
        ({"behind_ms": 9 * SECOND}, []),
    ],
)  # fmt: skip
def test_what_is_unusual_is_said(manner: dict[str, Any], words: list[str]) -> None:
    found = manner_in_words(LoadManner(charge_point="CP1", **manner), Member(circuit="main", charge_point="CP1"))
    assert found == words
