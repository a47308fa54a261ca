"""Cars that are plugged in and wait, and what runs on a member."""

import pytest

from csmsd.profiles.load_management.budgets import Outside, budgets_from
from csmsd.profiles.load_management.manners import LoadManner
from tests.csmsd.profiles.load_management.test_observation import KEY, A, Site
from tests.csmsd.profiles.scene import SECOND


def test_a_car_that_waits_where_nothing_begins_under_0_amperes_is_offered_its_minimum() -> None:
    site = Site()
    site.scene.status(1, "Preparing")
    site.look()
    assert site.steering.arrivals.first == set()
    site.load.note_manner(LoadManner(charge_point="CP1", offer_first=True))
    site.look()
    assert site.steering.arrivals.first == {KEY}
    budgets = budgets_from(site.steering.tree, Outside(), site.scene.now, 900 * SECOND)
    site.load.ledger.forget(KEY)  # and so nothing is in doubt
    wants = site.steering.wants(site.scene.now, budgets, site.load.ledger, [KEY])
    assert {key: want.ma for key, want in wants.items()} == {KEY: 7 * A}
    site.scene.started()
    site.look()
    assert site.steering.arrivals.first == set()


def test_a_car_that_is_plugged_in_is_seen_until_it_begins_or_goes() -> None:
    site = Site()
    arrivals = site.steering.arrivals
    for status, waits, closed in (
        ("Available", False, False),
        ("Preparing", True, False),
        ("Faulted", False, True),
        ("SuspendedEVSE", True, False),
    ):
        site.scene.now += SECOND
        site.scene.status(1, status)
        site.look()
        assert (KEY in arrivals.waiting, KEY in arrivals.closed) == (waits, closed), status
    site.scene.now += SECOND
    site.look()
    assert arrivals.waiting[KEY] == site.scene.now - SECOND, "since when"
    site.scene.started()
    site.look()
    assert (arrivals.waiting, arrivals.came) == ({}, {KEY: 1})


def comes_and_is_offered_something_after(site: Site, stuck_s: int, begins_after_s: int | None) -> None:
    """A car stands there under 0 A, then under 6 A. Whether it begins before, or so long after."""
    site.scene.now += SECOND
    site.scene.status(1, "Preparing")
    site.look()
    site.scene.now += stuck_s * SECOND
    site.look()
    if begins_after_s is not None:
        site.accept(6 * A)
        site.look()
        site.scene.now += begins_after_s * SECOND
    running = site.scene.started()
    site.look()
    site.scene.now += SECOND
    site.scene.stop(running)
    site.scene.status(1, "Available")
    site.accept(0)
    site.look()


@pytest.mark.parametrize(
    ("visits", "learned"),
    [
        ([(300, 5), (300, 5)], True),
        ([(300, 5)], None),
        ([(300, 5), (30, 5)], None),  # whoever comes presents his card within a minute anyway
        ([(300, 5), (300, 60)], None),
        ([(300, 5), (300, None), (300, 5)], None),  # it began under 0 A
    ],
)
def test_where_cars_begin_only_when_they_are_offered_something_that_is_learned(
    visits: list[tuple[int, int | None]], learned: bool | None
) -> None:
    site = Site()
    site.accept(0)
    site.look()
    for stuck_s, begins_after_s in visits:
        comes_and_is_offered_something_after(site, stuck_s, begins_after_s)
    assert site.load.manner("CP1").offer_first is learned


def test_a_transaction_from_before_a_boot_is_over_where_its_connector_is_free() -> None:
    site = Site()
    site.scene.status(1, "Available")
    number = site.scene.started().id
    site.look()
    assert site.load.charging[KEY].transaction == number, "a status that is older says nothing"
    site.scene.now += SECOND
    site.scene.send("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    site.look()
    assert site.load.ledger.running(KEY) == number, "it may go on"
    site.scene.now += SECOND
    site.scene.status(1, "Available")
    site.look()
    assert (site.load.ledger.running(KEY), site.load.charging) == (None, {})
