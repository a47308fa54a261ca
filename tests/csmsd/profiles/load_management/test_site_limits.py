"""Leases as charging profiles."""

import pytest

from csmsd.profiles.core.charge_points import ConfigurationKey
from csmsd.profiles.load_management.habits import LimitHabits
from csmsd.profiles.load_management.holds import NEVER, Lease
from csmsd.profiles.load_management.manners import Takes, site_limit_unit
from csmsd.profiles.load_management.site_limits import own_limit, site_limit_level, site_limit_profile
from csmsd.profiles.smart_charging.outlook import Outlook
from csmsd.profiles.smart_charging.profile_ids import is_site_limit
from csmsd.profiles.smart_charging.profile_linter import lint_profile
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene
from tests.csmsd.profiles.smart_charging.installing import library_scene, set_profile

A = 1000


def lease(*, transaction: int | None = 7, ma: int = 16 * A, until: int = NOON + 900 * SECOND) -> Lease:
    return Lease(key=("cp1", 2), serial=1, transaction=transaction, ma=ma, fallback_ma=6_500, until=until)


def configured(scene: Scene, name: str, value: str) -> None:
    scene.cp.configuration[name.casefold()] = ConfigurationKey(
        charge_point="CP1", name=name, value=value, readonly=True, reported_at=NOON
    )


@pytest.mark.parametrize("transaction", [7, None])
def test_a_lease_is_a_profile_of_two_periods_that_no_charge_point_has_to_reject(transaction: int | None) -> None:
    profile = site_limit_profile(lease(transaction=transaction), 8, Takes(), 230, NOON)
    assert [finding for finding in lint_profile(profile, NOON) if finding.rejected] == []
    assert profile.transaction_id == transaction
    assert profile.charging_profile_purpose == ("TxDefaultProfile" if transaction is None else "TxProfile")
    schedule = profile.charging_schedule
    assert schedule.start_schedule == "2026-03-01T11:00:00.000Z"
    assert [(period.start_period, period.limit) for period in schedule.charging_schedule_period] == [
        (0, 16),
        (3600 + 900, 6.5),
    ]
    assert is_site_limit(profile.charging_profile_id)


def test_a_schedule_begins_in_no_year_that_a_clock_cannot_show() -> None:
    profile = site_limit_profile(lease(), 8, Takes(behind_ms=NOON - SECOND), 230, NOON)
    schedule = profile.charging_schedule
    assert schedule.start_schedule == "1970-01-01T00:00:00.000Z"
    assert schedule.charging_schedule_period[1].start_period == NOON // SECOND + 900


def test_one_that_changes_nothing_at_its_end_has_one_period() -> None:
    profile = site_limit_profile(lease(until=NEVER), 8, Takes(), 230, NOON)
    assert len(profile.charging_schedule.charging_schedule_period) == 1


def test_both_of_a_connector_and_those_of_others_have_ids_of_their_own() -> None:
    ids = {
        site_limit_profile(
            Lease(key=("cp1", connector), serial=1, transaction=transaction, ma=0, fallback_ma=0, until=NEVER),
            8, Takes(), 230, NOON,
        ).charging_profile_id
        for connector in range(1, 40)
        for transaction in (None, 7)
    }  # fmt: skip
    assert len(ids) == 78


@pytest.mark.parametrize(
    ("phases", "rating", "watts"),
    [(None, 32, [3_696, 1_501]), (3, 32, [11_088, 4_504]), (1, 16, [3_696, 1_501]), (None, 16, [11_088, 1_501])],
)
def test_watts_are_those_of_one_phase_unless_more_are_known_or_one_cannot_carry_them(
    phases: int | None, rating: int, watts: list[int]
) -> None:
    takes = Takes(unit="W", rating_ma=rating * A)
    periods = site_limit_profile(lease(), 8, takes, 231, NOON, phases).charging_schedule.charging_schedule_period
    assert [period.limit for period in periods] == watts


def test_the_stack_level_is_above_those_of_others_as_far_as_there_is_one() -> None:
    scene = library_scene()
    assert site_limit_level(scene.cp, []) == 8
    set_profile(scene, "night")
    installed = scene.site.smart_charging.installed.of("CP1")
    installed[0].stack_level = 11
    assert site_limit_level(scene.cp, installed) == 12
    configured(scene, "ChargeProfileMaxStackLevel", "5")
    assert site_limit_level(scene.cp, installed) == 11, "where one of others stands already"
    installed[0].stack_level = 4
    assert site_limit_level(scene.cp, installed) == 5


@pytest.mark.parametrize(("allowed", "unit"), [(None, "A"), ("Current", "A"), ("Current,Power", "A"), ("Power", "W")])
def test_power_is_sent_to_those_who_take_nothing_else(allowed: str | None, unit: str) -> None:
    scene = Scene()
    if allowed is not None:
        configured(scene, "ChargingScheduleAllowedChargingRateUnit", allowed)
    assert site_limit_unit(scene.cp, None) == unit
    assert site_limit_unit(scene.cp, LimitHabits(charge_point="CP1", found_at=NOON)) == unit


def test_what_was_found_goes_before_what_it_says() -> None:
    scene = Scene()
    configured(scene, "ChargingScheduleAllowedChargingRateUnit", "Current")
    assert site_limit_unit(scene.cp, LimitHabits(charge_point="CP1", unit="W", found_at=NOON)) == "W"


def test_other_profiles_cap_and_site_limits_do_not_cap_themselves() -> None:
    scene = library_scene()
    assert own_limit(Outlook.of(scene.target()), 1, NOON, NOON + HOUR) is None
    set_profile(scene, "night")
    [record] = scene.site.smart_charging.installed.of("CP1")
    connector = record.connector or 1
    found = own_limit(Outlook.of(scene.target()), connector, NOON, NOON + HOUR)
    limits = [period.limit for period in record.read().charging_schedule.charging_schedule_period]
    assert found is not None
    assert found / 1000 in limits
    outlook = Outlook.of(scene.target())
    outlook.add(site_limit_profile(lease(ma=1), 8, Takes(), 230, NOON), connector)
    assert own_limit(outlook, connector, NOON, NOON + HOUR) == found
