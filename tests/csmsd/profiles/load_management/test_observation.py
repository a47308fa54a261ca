"""What charge points tell of themselves, for load management."""

from typing import Any

import pytest

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.load_management.circuits import Circuit, Key, Member
from csmsd.profiles.load_management.holds import Hold
from csmsd.profiles.load_management.load import LoadPriority
from csmsd.profiles.load_management.manners import LoadManner
from csmsd.profiles.load_management.observation import Observer, readings_of_main_meters
from csmsd.profiles.load_management.overview import overview_of_load
from csmsd.profiles.load_management.site_limits import site_limit_ids
from csmsd.profiles.load_management.steering import Steering
from csmsd.profiles.smart_charging.installed_profiles import profile_installed_now
from tests.csmsd.profiles.scene import HOUR, SECOND, Scene
from tests.csmsd.profiles.smart_charging.installing import configure
from tests.csmsd.profiles.smart_charging.profiles import profile

A = 1000
KEY = ("cp1", 1)


def line(name: str, **more: Any) -> Circuit:
    return Circuit(name=name, l1_ma=63 * A, l2_ma=63 * A, l3_ma=63 * A, **more)


def current(phase: str, amperes: float) -> dict[str, str]:
    return {"value": str(amperes), "measurand": "Current.Import", "phase": phase, "unit": "A"}


class Site:
    """CP1 on the garage, which hangs on the main line; METER measures."""

    def __init__(self, *, main: dict[str, Any] | None = None, **member: Any) -> None:
        self.scene = Scene()
        self.scene.register("METER", boot_status="Accepted")
        self.scene.cp.connected_at = self.scene.now
        self.load = self.scene.site.smart_charging.load
        circuits = [line("main", **(main or {})), line("garage", parent="main")]
        self.load.replace(circuits, [Member(circuit="garage", charge_point="CP1", **member)])
        self.steering = Steering(self.load.tree(230), charging=self.load.charging)
        self.observer = Observer()

    def look(self, key: Key = KEY) -> list[str]:
        member = self.load.members[key]
        told = self.observer.look_at(member, self.scene.site, self.steering, 900 * SECOND, self.scene.now)
        return [event.type for event in told]

    def send(self, ma: int, key: Key = KEY, transaction: int | None = None) -> int:
        """Its serial."""
        ledger = self.load.ledger
        serial = ledger.new_serial()
        slot: Any = "default" if transaction is None else "transaction"
        ledger.add(
            key, Hold(serial=serial, slot=slot, transaction=transaction, ma=ma, fallback_ma=ma, phases=(0, 1, 2))
        )
        return serial

    def accept(self, ma: int, key: Key = KEY, transaction: int | None = None) -> None:
        self.load.ledger.accepted(key, self.send(ma, key, transaction), self.scene.now, 0)
        self.load.ledger.tidy(self.scene.now)

    def readings(self) -> dict[str, tuple[int, ...]]:
        found = readings_of_main_meters(self.scene.site, self.steering.tree, self.scene.now)
        return {reading.circuit: reading.phases_ma for reading in found}

    def metered(self, *values: dict[str, str]) -> None:
        self.scene.meter(*values, by="METER", connectorId=0)


@pytest.mark.parametrize(
    ("told", "weight"),
    [
        ({}, 2),
        ({("label", "north"): 3}, 6),
        ({("label", "north"): 3, ("label", "garage"): 5}, 10),
        ({("label", "north"): 3, ("tag", "tag1"): 4}, 8),
        ({("tag", "tag1"): 4, ("transaction", "1"): 7}, 14),
        ({("tag", "tag2"): 4, ("transaction", "2"): 7, ("label", "south"): 3}, 2),
    ],
)
def test_a_transaction_weighs_what_was_said_of_it_or_its_tag_or_its_labels(
    told: dict[tuple[Any, str], int], weight: int
) -> None:
    site = Site(weight=2)
    site.scene.cp.record.labels = ["North", "garage"]
    assert site.scene.started().id == 1
    site.look()
    for (kind, name), number in told.items():
        site.load.prioritize(LoadPriority(kind=kind, name=name, weight=number), (kind, name))
    site.look()
    assert site.load.charging[KEY].weight == weight
    for place in told:
        site.load.prioritize(None, place)
    site.look()
    assert site.load.charging[KEY].weight == 2


def test_a_limit_of_another_purpose_is_none_until_it_is_accepted() -> None:
    site = Site()
    site.look()
    for purpose in ("ChargePointMaxProfile", None):
        site.accept(0)
        assert not site.load.ledger.in_doubt(KEY)
        site.load.note_manner(LoadManner(charge_point="CP1", purpose=purpose))
        site.look()
        assert site.load.ledger.in_doubt(KEY), "a TxDefaultProfile does not stand where a ChargePointMaxProfile does"
        site.accept(0)
        site.look()
        assert not site.load.ledger.in_doubt(KEY)


def test_a_main_meter_that_measures_all_counts_without_what_the_members_certainly_draw() -> None:
    site = Site(main={"meter": "METER"}, phases="L2L3L1")
    site.accept(16 * A)
    number = site.scene.started().id
    site.look()
    site.scene.meter(current("L1", 10), current("L2", 9.5), current("L3", 18))
    site.metered(current("L1", 20), current("L2", 15), current("L3", 5))
    assert site.readings() == {"main": (4 * A, 5 * A, 0)}, "18 A are more than it may, and 16 A are taken off"
    site.scene.stop(number)
    assert site.readings() == {"main": (20 * A, 15 * A, 5 * A)}


def test_a_main_meter_that_measures_the_others_is_taken_as_it_is_and_once() -> None:
    site = Site(main={"meter": "METER", "meter_counts": "others", "reserve_l3_ma": 7 * A})
    site.scene.started()
    site.scene.meter(current("L1", 10))
    site.metered(current("L1-N", 20), {"value": "2.3", "measurand": "Power.Active.Import", "phase": "L2", "unit": "kW"})
    [reading] = readings_of_main_meters(site.scene.site, site.steering.tree, site.scene.now)
    assert (reading.phases_ma, reading.at) == ((20 * A, 10 * A, 7 * A), site.scene.now)
    site.load.readings["main"] = reading
    assert site.readings() == {}


def test_what_was_measured_of_a_member_too_long_ago_is_not_taken_off() -> None:
    site = Site(main={"meter": "METER"})
    site.accept(16 * A)
    site.scene.started()
    site.scene.meter(current("L1", 10))
    site.scene.now += 301 * SECOND
    site.metered(current("L1", 20))
    assert site.readings() == {"main": (20 * A, 0, 0)}


def test_a_meter_that_tells_nothing_by_phase_tells_nothing() -> None:
    site = Site(main={"meter": "METER"})
    assert site.readings() == {}
    site.metered({"value": "20", "measurand": "Current.Import", "unit": "A"})
    assert site.readings() == {}


def test_what_a_member_is_like_holds_from_when_it_is_described_anew() -> None:
    site = Site()
    site.accept(0)
    site.scene.started()
    site.look()
    charging = site.load.charging[KEY]
    charging.phases = (0,)
    site.load.replace(
        list(site.load.circuits.values()),
        [Member(circuit="garage", charge_point="CP1", phases="L2", rating_ma=16 * A, minimum_ma=8 * A)],
    )
    site.steering = Steering(site.load.tree(230), charging=site.load.charging)
    site.look()
    assert (charging.demand.rating_ma, charging.demand.minimum_ma) == (16 * A, 8 * A)
    assert site.load.charging[KEY].phases is None
    assert {hold.phases for _, hold in site.load.ledger} == {(1,)}


def test_one_that_turns_out_to_have_room_for_one_profile_counts_with_its_rating_until_it_has_that() -> None:
    site = Site()
    site.accept(0)
    number = site.scene.started().id
    site.look()
    site.accept(16 * A, transaction=number)
    configure(site.scene, MaxChargingProfilesInstalled="1", NumberOfConnectors="1")
    site.look()
    assert site.load.ledger.running(KEY) is None
    assert site.load.ledger.most(KEY, site.scene.now)[0][1][0] == 32 * A
    site.look()
    assert [hold.slot for hold in site.load.ledger.of(KEY)] == ["default", "unknown"]


WHOLE = ("cp1", 0)


def test_a_whole_charge_point_asks_with_all_of_its_connectors_and_is_limited_by_one_profile() -> None:
    site = Site(connector=0)
    site.look(WHOLE)
    assert site.steering.takes[WHOLE].whole
    site.accept(16 * A, WHOLE)
    first = site.scene.started()
    second = site.scene.started(connectorId=2, idTag="TAG1")
    site.look(WHOLE)
    assert site.load.charging[WHOLE].transaction == first.id
    assert site.load.ledger.running(WHOLE) is None, "its limit is none of a transaction"
    for connector in (1, 2):
        site.scene.meter(current("L1", 8), current("L2", 2), connectorId=connector)
    site.look(WHOLE)
    [_, members] = overview_of_load(site.scene.site, 0, site.scene.now)
    assert (members[0].state, members[0].transaction, members[0].drawn, members[0].limit) == (
        "charging",
        first.id,
        16.0,
        16.0,
    )
    site.scene.stop(first)
    site.look(WHOLE)
    assert site.load.charging[WHOLE].transaction == second.id
    site.scene.stop(second)
    site.look(WHOLE)
    assert WHOLE not in site.load.charging


def test_a_whole_charge_point_that_draws_more_than_it_may_counts_with_that() -> None:
    site = Site(connector=0)
    site.look(WHOLE)
    site.accept(16 * A, WHOLE)
    site.scene.started()
    site.scene.started(connectorId=2)
    site.scene.now += 61 * SECOND
    for connector in (1, 2):
        site.scene.meter(current("L1", 10), connectorId=connector)
    site.look(WHOLE)
    measured = site.load.ledger.newest(WHOLE, "measured")
    assert measured is not None
    assert measured.ma == 20 * A
    site.scene.now += SECOND
    site.scene.meter(current("L1", 5), connectorId=1)
    site.look(WHOLE)
    assert site.load.ledger.newest(WHOLE, "measured") is None


def test_a_whole_charge_point_counts_with_what_flows_without_a_transaction_too() -> None:
    site = Site(connector=0)
    site.look(WHOLE)
    site.accept(0, WHOLE)
    number = site.scene.started().id
    site.scene.meter(current("L1", 16), connectorId=1, transactionId=number)
    site.scene.stop(number)
    site.scene.now += 61 * SECOND
    site.scene.meter(current("L1", 0), connectorId=2)
    site.look(WHOLE)
    assert site.load.ledger.newest(WHOLE, "measured") is None, "what was measured of a transaction ended with it"
    site.scene.meter(current("L1", 7), connectorId=1)
    site.scene.now += SECOND
    site.scene.meter(current("L1", 5), connectorId=2)
    site.look(WHOLE)
    measured = site.load.ledger.newest(WHOLE, "measured")
    assert measured is not None
    assert measured.ma == 12 * A
    site.scene.now += 301 * SECOND
    site.scene.meter(current("L1", 5), connectorId=2)
    site.look(WHOLE)
    measured = site.load.ledger.newest(WHOLE, "measured")
    assert measured is not None
    assert measured.ma == 5 * A, "nobody has said for long what the other draws"


class Ignoring(Site):
    """CP1 has accepted a limit of 6 A for its transaction, a while ago, and draws what it wants to."""

    def __init__(self) -> None:
        super().__init__()
        self.scene.cp.connected_at = self.scene.now
        self.look()
        self.accept(0)
        self.install("TxDefaultProfile", 0, 0)
        self.number = self.scene.started().id
        self.look()
        self.limit(6)
        self.scene.now += 91 * SECOND

    def limit(self, amperes: int) -> None:
        self.accept(amperes * A, transaction=self.number)
        self.install("TxProfile", amperes, 1)

    def install(self, purpose: Any, amperes: int, own: int) -> None:
        body = profile(
            (0, amperes),
            purpose=purpose,
            level=8,
            start=self.scene.now - HOUR,
            id=site_limit_ids(1)[own],
            transaction=self.number if own else None,
        )
        record = profile_installed_now("CP1", 1, body, self.scene.now)
        self.scene.site.smart_charging.installed.accept(record)

    def measured(self, *values: dict[str, str]) -> int | None:
        """In A, after the next sample."""
        self.scene.now += SECOND
        if values:
            self.scene.meter(*values)
        self.look()
        hold = self.load.ledger.newest(KEY, "measured")
        return None if hold is None else hold.ma // A


def test_who_ignores_limits_is_not_believed_for_having_accepted_another() -> None:
    site = Ignoring()
    assert site.measured(current("L1", 20)) == 20
    site.limit(6)
    assert site.measured(current("L1", 20)) == 20
    assert site.measured({"value": "4140", "measurand": "Power.Active.Import", "unit": "W"}) == 20
    assert site.measured(current("L1", 7.4)) is None, "now its meter shows that it obeys"


def test_what_was_drawn_above_a_limit_ends_with_its_transaction() -> None:
    site = Ignoring()
    assert site.measured(current("L1", 20)) == 20
    site.scene.stop(site.number)
    assert site.measured() is None


def test_what_was_accepted_after_its_transaction_ends_when_nothing_runs() -> None:
    site = Site()
    site.look()
    site.accept(0)
    number = site.scene.started().id
    site.look()
    ledger, serial = site.load.ledger, site.send(16 * A, transaction=number)
    site.scene.status(1, "Available")
    site.scene.stop(number)
    site.look()
    ledger.accepted(KEY, serial, site.scene.now, 0)

    def counted() -> int:
        return ledger.most(KEY, site.scene.now + HOUR)[0][1][0] // A

    site.look()
    assert counted() == 16, "the next one may have it"
    site.scene.now += SECOND
    site.scene.status(1, "Available")
    site.look()
    assert counted() == 0


@pytest.mark.parametrize("dead", [True, False])
def test_that_nothing_ran_before_our_clock_was_set_back_ends_nothing(*, dead: bool) -> None:
    site = Site()
    site.accept(0)
    site.scene.status(1, "Available")
    site.look()
    site.scene.now -= HOUR
    if dead:  # while it was set: how far is not known
        site.observer = Observer()
    else:
        site.observer.clock_moved(-HOUR, site.scene.site, site.scene.now)
    number = site.scene.started().id
    site.look()
    ledger, serial = site.load.ledger, site.send(16 * A, transaction=number)
    site.scene.stop(number)
    site.look()
    ledger.accepted(KEY, serial, site.scene.now, 0)

    def for_the_next() -> list[int]:
        return [hold.serial for hold in ledger.of(KEY) if hold.slot == "transaction"]

    site.look()
    assert for_the_next() == [serial], "the next one may have it"
    if not dead:
        site.scene.now += 2 * HOUR
        site.look()
        assert for_the_next() == [serial], "when it is as late as it was"
    site.scene.status(1, "Available")
    site.scene.now += SECOND
    site.scene.status(1, "Available")
    site.look()
    assert for_the_next() == []


def test_power_may_all_be_drawn_on_one_phase() -> None:
    site = Ignoring()
    assert site.measured({"value": "6900", "measurand": "Power.Active.Import", "unit": "W"}) == 30
    assert site.measured({"value": "11000", "measurand": "Power.Active.Import", "unit": "W"}) == 32, "its rating"


def test_power_is_drawn_on_a_connector_that_says_it_is_available() -> None:
    site = Ignoring()
    site.scene.stop(site.number)
    site.look()
    site.scene.status(1, "Available")
    assert site.measured({"value": "2300", "measurand": "Power.Active.Import", "unit": "W"}) == 10


def test_profiles_of_others_are_looked_at_when_they_come_and_go() -> None:
    site = Site()
    site.scene.started()
    site.accept(0)
    site.look()
    charging = site.load.charging[KEY]
    assert charging.cap_ma is None
    installed = site.scene.site.smart_charging.installed
    body = profile((0, 9), start=site.scene.now - HOUR, id=5)
    installed.accept(profile_installed_now("CP1", 1, body, site.scene.now))
    site.look()
    assert site.load.charging[KEY].cap_ma == 9 * A
    installed.clear("CP1", id=5, connector=None, purpose=None, stack_level=None)
    site.look()
    assert site.load.charging[KEY].cap_ma is None


def test_one_that_refuses_limits_of_a_transaction_goes_by_its_default() -> None:
    site = Site()
    site.accept(0)
    number = site.scene.started().id
    site.look()
    assert site.load.ledger.running(KEY) == number
    site.load.note_manner(LoadManner(charge_point="CP1", purpose="TxDefaultProfile"))
    site.look()
    assert (site.load.ledger.running(KEY), site.load.charging[KEY].transaction) == (None, number)


def test_a_clock_that_is_wrong_is_noted_once_and_what_it_means_for_leases() -> None:
    site = Site()
    site.look()
    site.accept(0)
    site.load.ledger.tidy(site.scene.now)
    assert not site.load.ledger.in_doubt(KEY)
    for connector in (0, 1):
        site.scene.status(connector, "Available", timestamp=format_timestamp(site.scene.now - 3600 * SECOND))
    site.look()
    [manner] = site.load.manner_changes()
    assert isinstance(manner, LoadManner)
    assert manner.behind_ms == 3600 * SECOND
    assert site.steering.takes[KEY].late_ms == 3610 * SECOND
    assert site.load.ledger.in_doubt(KEY), "which of its leases have ended by it nobody knows"
    site.accept(0)
    site.look()
    assert not site.load.ledger.in_doubt(KEY)
    assert site.load.manner_changes() == []


def test_a_meter_that_shows_it_ends_the_wait_for_a_lower_limit() -> None:
    site = Site()
    number = site.scene.started().id
    site.look()
    ledger = site.load.ledger

    def lend(ma: int) -> None:
        site.scene.now += SECOND
        serial = ledger.new_serial()
        phases = (0, 1, 2)
        ledger.add(
            KEY, Hold(serial=serial, slot="transaction", transaction=number, ma=ma, fallback_ma=0, phases=phases)
        )
        ledger.accepted(KEY, serial, site.scene.now, 10 * SECOND)

    def most_after(amperes: float) -> int:
        site.scene.now += SECOND
        site.scene.meter(current("L1", amperes))
        site.look()
        return ledger.most(KEY, site.scene.now)[0][1][0]

    site.accept(0)
    lend(16 * A)
    ledger.tidy(site.scene.now + 20 * SECOND)
    assert most_after(16) == 16 * A
    lend(8 * A)
    assert most_after(15) == 16 * A, "it is still to obey"
    assert most_after(8.4) == 8 * A


def test_a_car_that_drew_little_before_shows_nothing() -> None:
    site = Site()
    site.accept(16 * A)
    site.look()
    site.scene.meter(current("L1", 4))
    site.look()
    site.scene.now += SECOND
    serial = site.load.ledger.new_serial()
    site.load.ledger.add(KEY, Hold(serial=serial, slot="default", ma=8 * A, fallback_ma=0, phases=(0, 1, 2)))
    site.load.ledger.accepted(KEY, serial, site.scene.now, 10 * SECOND)
    site.scene.now += SECOND
    site.scene.meter(current("L1", 4))
    site.look()
    assert site.load.ledger.most(KEY, site.scene.now)[0][1][0] == 16 * A
