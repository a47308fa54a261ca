"""Whatever charge points, operators and clocks do: what a member may really draw, csmsd counts at every moment.

Here are the parts of csmsd from what is heard to the profile that is sent, and charge points that go by profiles as
the specification has it (C 3.13), each by its own clock.
"""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from csmsd.ocpp.payloads import encode_payload
from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.load_management.budgets import Outside, budgets_from, lowest_budget
from csmsd.profiles.load_management.circuits import Circuit, Member
from csmsd.profiles.load_management.holds import Lease, spans_of
from csmsd.profiles.load_management.load import LoadHold
from csmsd.profiles.load_management.observation import Observer
from csmsd.profiles.load_management.site_limits import site_limit_level, site_limit_profile
from csmsd.profiles.load_management.steering import Steering
from csmsd.profiles.load_management.transition import Periods, Planner
from csmsd.profiles.record import Deleted
from csmsd.profiles.smart_charging.clear_charging_profile import OUTGOING as CLEARING
from csmsd.profiles.smart_charging.clear_charging_profile import ClearChargingProfileConf, ClearChargingProfileReq
from csmsd.profiles.smart_charging.set_charging_profile import OUTGOING as SETTING
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfileConf, SetChargingProfileReq
from tests.csmsd.profiles.scene import NOON, SECOND, Scene
from tests.csmsd.profiles.smart_charging.profiles import profile

A = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
PERIODS = Periods()
RATING = 32 * A
NAMES = ("CP1", "CP2")


class Device:
    """Connector 1 of a charge point. Its profiles hold by its clock, which is `ahead` of real time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ahead = 0
        self.connected = True
        self.profiles: dict[tuple[int, str, int], ChargingProfile] = {}
        self.began: int | None = None  # really, of the transaction that runs
        self.transaction: int | None = None  # None: csmsd has not told its number, or does not know of it
        self.inbox: list[Any] = []

    def take(self, request: Any) -> str:
        if isinstance(request, ClearChargingProfileReq):
            gone = [place for place, one in self.profiles.items() if _matches(request, place, one)]
            for place in gone:
                del self.profiles[place]
            return "Accepted" if gone else "Unknown"
        one = request.cs_charging_profiles
        if one.charging_profile_purpose == "TxProfile" and self.began is None:
            return "Rejected"  # which transaction it is for is a MAY (C 7.8)
        same = [place for place, had in self.profiles.items() if had.charging_profile_id == one.charging_profile_id]
        for place in same:
            del self.profiles[place]
        self.profiles[request.connector_id, one.charging_profile_purpose, one.stack_level] = one
        return "Accepted"

    def begin(self, now: int) -> None:
        self.began = now

    def stop(self) -> None:
        self.began = self.transaction = None
        self.profiles = {place: one for place, one in self.profiles.items() if place[1] != "TxProfile"}

    def boot(self) -> None:
        self.stop()
        self.profiles.clear()
        self.inbox.clear()

    def draws(self, now: int, at: int) -> int:
        """The most at a moment if nothing more is heard: what runs, or what begins until then."""
        idle = [self._by("TxDefaultProfile", at, begun) for begun in {at, now}]
        if self.began is None:
            return max(idle)
        own = self._by("TxProfile", at, self.began, none=-1)
        return max([*idle, own if own >= 0 else self._by("TxDefaultProfile", at, self.began)])

    def _by(self, purpose: str, at: int, begun: int, none: int = RATING) -> int:
        found = sorted((place[2], place[0]) for place in self.profiles if place[1] == purpose)
        for level, connector in reversed(found):
            one = self.profiles[connector, purpose, level]
            schedule = one.charging_schedule
            start = begun if schedule.start_schedule is None else parse_timestamp(schedule.start_schedule)
            assert start is not None
            since = at - start if schedule.start_schedule is None else at + self.ahead - start
            if since >= 0:
                limits = [each.limit for each in schedule.charging_schedule_period if each.start_period * 1000 <= since]
                return round(limits[-1] * 1000)
        return none

    def moments(self, now: int) -> set[int]:
        found = {now}
        for one in self.profiles.values():
            schedule = one.charging_schedule
            for each in schedule.charging_schedule_period:
                if schedule.start_schedule is not None:
                    start = parse_timestamp(schedule.start_schedule)
                    assert start is not None
                    found.add(start - self.ahead + each.start_period * 1000)
                else:
                    found |= {begun + each.start_period * 1000 for begun in (now, self.began or now)}
        return {moment for moment in found if moment >= now}


def _matches(request: ClearChargingProfileReq, place: tuple[int, str, int], one: ChargingProfile) -> bool:
    if request.id is not None:
        return one.charging_profile_id == request.id
    return (
        request.connector_id in (None, place[0])
        and request.charging_profile_purpose in (None, place[1])
        and request.stack_level in (None, place[2])
    )


class Adversary(RuleBasedStateMachine):
    """Two charge points behind 32 A; csmsd's clock is `ahead` of real time."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.scene.register("CP2", boot_status="Accepted")
        self.real = NOON
        self.ahead = 0
        self.devices = {name: Device(name) for name in NAMES}
        self.load = self.scene.site.smart_charging.load
        circuit = Circuit(name="main", l1_ma=32 * A, l2_ma=32 * A, l3_ma=32 * A)
        self.load.replace([circuit], [Member(circuit="main", charge_point=name) for name in NAMES])
        self.disk: dict[Any, LoadHold] = {}
        self.begin_csmsd()

    def begin_csmsd(self) -> None:
        self.observer = Observer()
        self.steering = Steering(self.load.tree(230))
        self.answers: list[tuple[Lease, Any]] = []

    def save(self, changes: list[Any]) -> None:
        for change in changes:
            if isinstance(change, Deleted):
                record = change.record
                if isinstance(record, LoadHold):
                    self.disk.pop((record.charge_point, record.connector, record.serial), None)
            elif isinstance(change, LoadHold):
                self.disk[change.charge_point, change.connector, change.serial] = deepcopy(change)

    def look(self) -> None:
        self.scene.now = self.real + self.ahead
        for member in self.load.members.values():
            self.observer.look_at(member, self.scene.site, self.steering, PERIODS.lease_ms, self.scene.now)
        self.save(self.load.hold_changes())

    @initialize()
    def install(self) -> None:
        for device in self.devices.values():
            self.scene.site.charge_points[device.name.casefold()].connected_at = self.scene.now
            self.tell_status(device, "Available")
        for _ in range(3):
            self.exchange()

    # --- csmsd

    @rule()
    def plan(self) -> None:
        self.look()
        now = self.scene.now
        budgets = budgets_from(self.steering.tree, Outside(), now, PERIODS.lease_ms)
        reachable = [key for key in self.load.members if self.devices[key[0].upper()].connected]
        wants = self.steering.wants(now, budgets, self.load.ledger, reachable)
        ready = [key for key in reachable if not self.devices[key[0].upper()].inbox]
        terms = self.steering.terms(lowest_budget(self.steering.tree, Outside()))
        plan = Planner(self.load.ledger, PERIODS).plan(now, budgets, terms, wants, ready)
        self.save(self.load.hold_changes())
        for lease in plan.leases:
            state = self.scene.site.charge_points[lease.key[0]]
            level = site_limit_level(state, self.scene.site.smart_charging.installed.of(state.id))
            body = site_limit_profile(lease, level, self.steering.takes[lease.key], 230, now)
            request = SetChargingProfileReq(connector_id=1, cs_charging_profiles=body)
            self.devices[state.id].inbox.append((request, lease))

    def send(self, device: Device, request: Any) -> None:
        """As an operator's command: what it may bring about is on disk before it leaves."""
        rules: Any = CLEARING if isinstance(request, ClearChargingProfileReq) else SETTING
        payload = json.loads(encode_payload(request))
        if rules.forbids is not None and rules.forbids(payload, self.scene.target(device.name)) is not None:
            return
        self.save(rules.intend(request, self.scene.target(device.name))[0])
        device.inbox.append((request, None))

    def confirm(self, device: Device, request: Any, lease: Lease | None, status: str) -> None:
        self.scene.now = self.real + self.ahead
        rules: Any = CLEARING if isinstance(request, ClearChargingProfileReq) else SETTING
        confirmation: Any = ClearChargingProfileConf if rules is CLEARING else SetChargingProfileConf
        rules.settle(request, confirmation(status=status), self.scene.target(device.name))
        if lease is not None and status == "Accepted":
            self.load.ledger.accepted(lease.key, lease.serial, self.scene.now, 0)

    @rule()
    def exchange(self) -> None:
        """A quiet moment."""
        self.plan()
        for device in self.devices.values():
            while device.connected and device.inbox:
                request, lease = device.inbox.pop(0)
                self.confirm(device, request, lease, device.take(request))
        self.real += SECOND

    @precondition(lambda self: any(device.inbox for device in self.devices.values()))
    @rule(name=st.sampled_from(NAMES), fate=st.sampled_from(["answered", "refused", "answer lost", "lost"]))
    def arrives(self, name: str, fate: str) -> None:
        device = self.devices[name]
        if not device.inbox:
            return
        request, lease = device.inbox.pop(0)
        status = "Rejected" if fate == "refused" else "" if fate == "lost" else device.take(request)
        if fate == "answered" or (fate == "refused" and isinstance(request, SetChargingProfileReq)):
            self.confirm(device, request, lease, status)

    @rule(
        dead_s=st.sampled_from([0, 30, 700, 2000]),
        set_s=st.sampled_from([0, 0, 3600, -3600, 30000]),
        booted=st.booleans(),
    )
    def csmsd_is_killed(self, dead_s: int, set_s: int, booted: bool) -> None:
        """Its clock may be set while it is dead; where its machine has booted, only that it was set back shows."""
        if booted and set_s > 0:
            return
        for device in self.devices.values():
            device.inbox.clear()
        seen_at = self.real + self.ahead - MINUTE  # it is noted once a minute
        self.real += dead_s * SECOND
        self.ahead += set_s * SECOND
        self.scene.now = self.real + self.ahead
        doubted = self.observer.doubts_clocks(self.load)
        self.load.begin_with(deepcopy(list(self.disk.values())))
        self.load.charging.clear()
        self.begin_csmsd()
        if doubted:
            self.observer.clocks_unknown(self.scene.site)
        if not booted:
            self.observer.clock_moved(set_s * SECOND, self.scene.site, self.scene.now)
        elif self.load.ledger.read_again(self.scene.now, seen_at):
            self.observer.clocks_unknown(self.scene.site)
        for device in self.devices.values():
            state = self.scene.site.charge_points[device.name.casefold()]
            state.connected_at = self.scene.now
            state.lateness.forget()
        self.look()

    @rule(by_s=st.sampled_from([90, -90, 3600, -3600, 400_000_000, -400_000_000]))
    def csmsd_clock_is_set(self, by_s: int) -> None:
        if abs(self.ahead + by_s * SECOND) > 500_000_000 * SECOND:
            return
        self.ahead += by_s * SECOND
        self.scene.now = self.real + self.ahead
        self.observer.clock_moved(by_s * SECOND, self.scene.site, self.scene.now)
        self.steering.clock_moved(by_s * SECOND)
        self.look()

    # --- operators

    @rule(
        name=st.sampled_from(NAMES),
        level=st.sampled_from([0, 7, 8, 9, 12]),
        connector=st.sampled_from([0, 1]),
        own=st.booleans(),
    )
    def operator_sets(self, name: str, level: int, connector: int, own: bool) -> None:
        device = self.devices[name]
        if device.connected and not device.inbox:
            body = profile(
                (0, 30),
                purpose="TxProfile" if own else "TxDefaultProfile",
                level=level,
                start=NOON - HOUR,
                id=10 + level,
                transaction=device.transaction if own else None,
            )
            self.send(device, SetChargingProfileReq(connector_id=1 if own else connector, cs_charging_profiles=body))

    @rule(name=st.sampled_from(NAMES), what=st.sampled_from([{}, {"connector_id": 1}, {"stack_level": 8}, {"id": 18}]))
    def operator_clears(self, name: str, what: dict[str, Any]) -> None:
        device = self.devices[name]
        if device.connected and not device.inbox:
            self.send(device, ClearChargingProfileReq(**what))

    # --- charge points

    def tell_status(self, device: Device, status: str) -> None:
        """More than once: what one says of a clock is believed when others say so, too."""
        time = format_timestamp(self.real + device.ahead)
        for connector in (1, 2, 1, 2):
            body = {"connectorId": connector, "errorCode": "NoError", "status": status, "timestamp": time}
            self.scene.send("StatusNotification", body, by=device.name)

    @rule(name=st.sampled_from(NAMES), heard=st.booleans())
    def car_comes(self, name: str, heard: bool) -> None:
        """csmsd may never hear of its transaction, but it hears that the connector is in use."""
        device = self.devices[name]
        if device.began is not None:
            return
        device.begin(self.real)
        if device.connected:
            self.scene.now = self.real + self.ahead
            self.tell_status(device, "Charging")
        if heard and device.connected:
            time = format_timestamp(self.real + device.ahead)
            device.transaction = self.scene.started(by=name, timestamp=time).id
        self.look()

    @rule(name=st.sampled_from(NAMES), heard=st.booleans())
    def car_goes(self, name: str, heard: bool) -> None:
        device = self.devices[name]
        if device.began is not None:
            number = device.transaction
            device.stop()
            if heard and number is not None and device.connected:
                self.scene.now = self.real + self.ahead
                self.scene.stop(number, by=name, timestamp=format_timestamp(self.real + device.ahead))
                self.look()

    @rule(name=st.sampled_from(NAMES))
    def reboots_without_its_profiles(self, name: str) -> None:
        device = self.devices[name]
        device.boot()
        device.connected = True
        self.scene.now = self.real + self.ahead + 1
        self.real += 1
        self.scene.send("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}, by=name)
        self.look()

    @rule(name=st.sampled_from(NAMES), ahead_s=st.sampled_from([0, 5, -240, 3600, -18_000]))
    def sets_its_clock(self, name: str, ahead_s: int) -> None:
        """And says so: until then nobody can know."""
        device = self.devices[name]
        if device.connected:
            device.ahead = ahead_s * SECOND
            self.scene.now = self.real + self.ahead
            device_state = self.scene.site.charge_points[name.casefold()]
            device_state.lateness.forget()
            self.tell_status(device, "Charging" if device.began is not None else "Available")
            self.look()

    @rule(name=st.sampled_from(NAMES), lost=st.booleans())
    def connection_breaks(self, name: str, lost: bool) -> None:
        self.devices[name].connected = False
        if lost:
            self.devices[name].inbox.clear()

    @rule(name=st.sampled_from(NAMES))
    def connection_is_back(self, name: str) -> None:
        device = self.devices[name]
        if not device.connected:
            device.connected = True
            self.scene.now = self.real + self.ahead
            self.tell_status(device, "Available" if device.began is None else "Charging")
            self.look()

    @rule(seconds=st.sampled_from([1, 30, 450, 900, 1300]))
    def time_passes(self, seconds: int) -> None:
        self.real += seconds * SECOND
        self.scene.now = self.real + self.ahead

    # --- what has to be true

    @invariant()
    def what_may_be_drawn_is_counted(self) -> None:
        for (identity, _), member in self.load.members.items():
            device = self.devices[identity.upper()]
            spans = list(spans_of(self.load.ledger.most(member.place, self.real + self.ahead)))
            for moment in sorted(device.moments(self.real)):
                counted = next((lanes[0] for start, end, lanes in spans if start <= moment + self.ahead < end), None)
                drawn = device.draws(self.real, moment)
                assert counted is not None
                assert drawn <= counted, f"{device.name} {(moment - self.real) // SECOND} s from now"


Adversary.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestWhateverTheyDo = Adversary.TestCase


@pytest.mark.slow
def test_whatever_they_do_for_longer() -> None:
    run_state_machine_as_test(
        Adversary,
        settings=settings(
            max_examples=400, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def with_a_car(*steps: tuple[str, dict[str, Any]]) -> Adversary:
    """A car charges on CP1; then that happens."""
    adversary = Adversary()
    adversary.install()
    adversary.car_comes(name="CP1", heard=True)
    adversary.exchange()
    for step, how in steps:
        getattr(adversary, step)(**how)
        adversary.what_may_be_drawn_is_counted()
    return adversary


def test_when_a_transaction_began_is_not_known_after_the_clock_was_set_back() -> None:
    with_a_car(
        ("csmsd_clock_is_set", {"by_s": 90}),
        ("csmsd_is_killed", {"booted": True, "dead_s": 0, "set_s": -3600}),
        ("exchange", {}),
        ("csmsd_clock_is_set", {"by_s": 90}),
        ("exchange", {}),
    )


def test_a_transaction_that_nobody_has_heard_of_ends_no_lease_early() -> None:
    adversary = Adversary()
    adversary.install()
    adversary.car_comes(name="CP1", heard=False)
    for step, how in (("csmsd_clock_is_set", {"by_s": 90}), ("time_passes", {"seconds": 30}), ("exchange", {})):
        getattr(adversary, step)(**how)
        adversary.what_may_be_drawn_is_counted()


SET_WHILE_OURS_IS_YEARS_OFF: list[tuple[str, dict[str, Any]]] = [
    ("csmsd_clock_is_set", {"by_s": -400_000_000}),
    ("exchange", {}),
    ("car_comes", {"name": "CP2", "heard": False}),
    ("exchange", {}),
    ("operator_sets", {"name": "CP1", "level": 8, "connector": 0, "own": False}),
    ("exchange", {}),
    ("sets_its_clock", {"name": "CP2", "ahead_s": 3600}),
]
SENT_AFTER_OURS_WAS_SET_BACK: list[tuple[str, dict[str, Any]]] = [
    ("csmsd_is_killed", {"dead_s": 2000, "set_s": -3600, "booted": True}),
    ("operator_sets", {"name": "CP2", "level": 8, "connector": 1, "own": False}),
    ("exchange", {}),
]
SET_BACK_AFTER_NOTHING_WAS_SENT_FOR_LONG: list[tuple[str, dict[str, Any]]] = [
    ("csmsd_is_killed", {"dead_s": 700, "set_s": 0, "booted": True}),
    ("time_passes", {"seconds": 900}),
    ("csmsd_is_killed", {"dead_s": 2000, "set_s": -3600, "booted": True}),
]
TAKEN_FOR_ONE_THAT_NOBODY_HAS_HEARD_OF: list[tuple[str, dict[str, Any]]] = [
    ("car_comes", {"name": "CP2", "heard": True}),
    ("plan", {}),
    ("car_goes", {"name": "CP2", "heard": True}),
    ("car_comes", {"name": "CP2", "heard": False}),
    ("exchange", {}),
    ("time_passes", {"seconds": 450}),
    ("exchange", {}),
]


ONE_OF_AN_OPERATOR_TAKEN_SO_BEFORE_THE_END_IS_HEARD: list[tuple[str, dict[str, Any]]] = [
    ("car_comes", {"name": "CP2", "heard": True}),
    ("exchange", {}),
    ("car_goes", {"name": "CP2", "heard": False}),
    ("operator_sets", {"name": "CP2", "level": 7, "connector": 1, "own": True}),
    ("car_comes", {"name": "CP2", "heard": False}),
    ("exchange", {}),
]
ONE_OF_AN_OPERATOR_TAKEN_SO_AFTER_THE_END: list[tuple[str, dict[str, Any]]] = [
    ("car_comes", {"name": "CP2", "heard": True}),
    ("operator_sets", {"name": "CP2", "level": 8, "connector": 0, "own": True}),
    ("car_goes", {"name": "CP2", "heard": True}),
    ("car_comes", {"name": "CP2", "heard": False}),
    ("exchange", {}),
    ("exchange", {}),
]


@pytest.mark.parametrize(
    "story",
    [
        SET_WHILE_OURS_IS_YEARS_OFF,
        SENT_AFTER_OURS_WAS_SET_BACK,
        SET_BACK_AFTER_NOTHING_WAS_SENT_FOR_LONG,
        TAKEN_FOR_ONE_THAT_NOBODY_HAS_HEARD_OF,
        ONE_OF_AN_OPERATOR_TAKEN_SO_BEFORE_THE_END_IS_HEARD,
        ONE_OF_AN_OPERATOR_TAKEN_SO_AFTER_THE_END,
    ],
    ids=["years off", "sent after", "nothing sent", "not heard of", "before the end", "after the end"],
)
def test_what_it_found_once(story: list[tuple[str, dict[str, Any]]]) -> None:
    adversary = Adversary()
    adversary.install()
    for step, how in story:
        getattr(adversary, step)(**how)
        adversary.what_may_be_drawn_is_counted()
