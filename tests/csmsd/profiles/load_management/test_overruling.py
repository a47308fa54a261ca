"""What others send that takes a site limit away, or stands above it."""

import json
from typing import Any

import pytest

from csmsd.ocpp.payloads import encode_payload
from csmsd.ocpp.types import ChargingProfile
from csmsd.operations.call import Call, RawRequest
from csmsd.ports.charge_points import CallEnd
from csmsd.profiles.load_management.circuits import Circuit, Member
from csmsd.profiles.load_management.holds import Hold
from csmsd.profiles.load_management.load import LoadHold
from csmsd.profiles.load_management.overruling import is_overruled
from csmsd.profiles.load_management.site_limits import site_limit_ids
from csmsd.profiles.smart_charging.clear_charging_profile import OUTGOING as CLEARING
from csmsd.profiles.smart_charging.clear_charging_profile import ClearChargingProfileReq
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile, profile_installed_now
from csmsd.profiles.smart_charging.set_charging_profile import OUTGOING as SETTING
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfileConf, SetChargingProfileReq
from tests.csmsd.profiles.scene import HOUR, SECOND, Scene
from tests.csmsd.profiles.smart_charging.profiles import profile

A = 1000
KEY = ("cp1", 1)
OURS = site_limit_ids(1)


class Site:
    """Connector 1 of CP1 (or all of it) is a member, and has its site limit for all transactions on stack level 8."""

    def __init__(self, connector: int = 1) -> None:
        self.scene = Scene()
        self.key = ("cp1", connector)
        self.member = Member(circuit="main", charge_point="CP1", connector=connector)
        self.load = self.scene.site.smart_charging.load
        self.load.replace([Circuit(name="main", l1_ma=32 * A, l2_ma=32 * A, l3_ma=32 * A)], [self.member])
        default = "ChargePointMaxProfile" if connector == 0 else "TxDefaultProfile"
        self.accept(default, 8, site_limit_ids(connector)[0], connector)
        hold = Hold(serial=self.load.ledger.new_serial(), slot="default", ma=0, fallback_ma=0, phases=(0, 1, 2))
        self.load.ledger.add(self.key, hold)
        self.load.ledger.accepted(self.key, hold.serial, self.scene.now, 0)

    def accept(self, purpose: Any, level: int, number: int = 5, connector: int = 1, **more: Any) -> None:
        self.scene.now += SECOND
        body = profile((0, 16), purpose=purpose, level=level, id=number, **more)
        record = profile_installed_now("CP1", connector, body, self.scene.now)
        self.scene.site.smart_charging.installed.accept(record)

    def overruled(self) -> bool:
        return is_overruled(self.scene.cp, self.member, self.scene.site)

    def counts_before(self, request: Any) -> bool:
        """Whether it counts with its rating before that leaves, on disk too; else nothing is to be recorded for it."""
        rules: Any = SETTING if isinstance(request, SetChargingProfileReq) else CLEARING
        self.load.hold_changes()
        changes, _ = rules.intend(request, self.scene.target())
        counted = self.load.ledger.in_doubt(self.key)
        assert rules.intends(request, self.scene.target()) == counted == bool(changes)
        holds = [one for one in changes if isinstance(one, LoadHold)]
        assert all((one.slot, one.ma) == ("unknown", 32 * A) for one in holds)
        assert bool(holds) == counted
        return counted


def setting(purpose: Any, level: int, connector: int = 1, number: int = 5, **more: Any) -> SetChargingProfileReq:
    body: ChargingProfile = profile((0, 16), purpose=purpose, level=level, id=number, **more)
    return SetChargingProfileReq(connector_id=connector, cs_charging_profiles=body)


@pytest.mark.parametrize(
    ("request_", "counts"),
    [
        (setting("TxDefaultProfile", 7), False),
        (setting("TxDefaultProfile", 8), True),
        (setting("TxDefaultProfile", 9), True),
        (setting("TxDefaultProfile", 9, connector=0), True),
        (setting("TxDefaultProfile", 9, connector=2), False),
        (setting("TxDefaultProfile", 9, number=OURS[0]), False),
        (setting("TxProfile", 0), True),
        (setting("TxProfile", 9, connector=2), False),
        (setting("ChargePointMaxProfile", 9, connector=0), False),
        (ClearChargingProfileReq(), True),
        (ClearChargingProfileReq(id=OURS[0]), True),
        (ClearChargingProfileReq(id=OURS[1]), True),
        (ClearChargingProfileReq(id=5, connector_id=1), False),
        (ClearChargingProfileReq(connector_id=1), True),
        (ClearChargingProfileReq(connector_id=2), False),
        (ClearChargingProfileReq(stack_level=8), True),
        (ClearChargingProfileReq(stack_level=7), False),
        (ClearChargingProfileReq(charging_profile_purpose="TxProfile"), True),
        (ClearChargingProfileReq(charging_profile_purpose="ChargePointMaxProfile"), False),
    ],
)
def test_what_would_take_a_limit_away_counts_before_it_leaves(request_: Any, counts: bool) -> None:
    assert Site().counts_before(request_) == counts


@pytest.mark.parametrize(
    ("request_", "counts"),
    [
        (setting("ChargePointMaxProfile", 7, connector=0), False),
        (setting("ChargePointMaxProfile", 8, connector=0), True),
        (setting("TxDefaultProfile", 9, connector=0), False),
        (setting("TxProfile", 9), False),
        (ClearChargingProfileReq(connector_id=0), True),
        (ClearChargingProfileReq(connector_id=1), False),
        (ClearChargingProfileReq(charging_profile_purpose="TxDefaultProfile"), False),
        (ClearChargingProfileReq(charging_profile_purpose="ChargePointMaxProfile"), True),
    ],
)
def test_a_whole_charge_point_goes_by_a_limit_of_another_purpose(request_: Any, counts: bool) -> None:
    assert Site(connector=0).counts_before(request_) == counts


def test_a_profile_for_a_transaction_counts_also_below_ours() -> None:
    site = Site()
    site.scene.started()
    site.accept("TxProfile", 8, OURS[1], transaction=1)
    assert site.counts_before(setting("TxProfile", 7)), "the next one, which may be taken for it, has none yet"
    assert site.counts_before(setting("TxProfile", 8))


def test_what_was_accepted_from_others_leads_until_ours_is_accepted_above_it() -> None:
    site = Site()
    assert not site.overruled()
    site.accept("TxDefaultProfile", 7)
    assert not site.overruled()
    site.accept("TxDefaultProfile", 9, 6)
    assert site.overruled()
    site.accept("TxDefaultProfile", 10, OURS[0])
    assert not site.overruled()
    site.accept("TxDefaultProfile", 10, 7, connector=0)
    assert site.overruled(), "the later of two on one level"
    site.accept("TxDefaultProfile", 10, OURS[0])
    assert not site.overruled()
    site.scene.started()
    site.accept("TxProfile", 0, 8, transaction=1)
    assert site.overruled(), "C 3.13.1: over any default"
    site.accept("TxProfile", 8, OURS[1], transaction=1)
    assert not site.overruled()


def test_a_transaction_that_waits_is_given_no_profile_by_which_it_would_charge() -> None:
    site = Site()
    check: Any = SETTING.check
    assert check(setting("TxDefaultProfile", 8), site.scene.target()) is None
    site.scene.started()
    for request in (setting("TxProfile", 0, transaction=1), setting("TxDefaultProfile", 8)):
        assert "transaction 1 has no share on circuit main now" in check(request, site.scene.target())
    assert check(setting("TxDefaultProfile", 7), site.scene.target()) is None
    site.accept("TxProfile", 8, OURS[1], transaction=1)
    assert check(setting("TxProfile", 7, transaction=1), site.scene.target()) is None


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (setting("TxProfile", 0), "no transaction is known to run on it"),
        (setting("TxProfile", 0, transaction=2), "no transaction is known to run on it"),
        (setting("TxProfile", 0, connector=2), None),
        (setting("TxProfile", 0, number=OURS[1]), None),
        (setting("TxDefaultProfile", 12), None),
    ],
)
def test_a_profile_for_a_transaction_that_nobody_knows_never_leaves(request_: Any, why: str | None) -> None:
    found = forbidden(Site(), request_)
    assert found is None if why is None else why in str(found)


def test_one_for_the_transaction_that_runs_does() -> None:
    site = Site()
    site.scene.started()
    assert forbidden(site, setting("TxProfile", 0, transaction=1)) is None
    assert forbidden(site, setting("TxProfile", 0)) is None
    assert "transaction 1 is known to run on it" in str(forbidden(site, setting("TxProfile", 0, transaction=2)))


@pytest.mark.parametrize(
    ("outcome", "there"), [("timeout", True), ("unknown", True), ("call_error", False), ("not_sent", False)]
)
def test_what_is_not_confirmed_may_lead_all_the_same(outcome: str, there: bool) -> None:
    site, request = Site(), setting("TxDefaultProfile", 12)
    rules: Any = SETTING
    changes, _ = rules.intend(request, site.scene.target())
    assert [one.stack_level for one in changes if isinstance(one, InstalledProfile)] == [12], "on disk before it leaves"
    assert site.overruled()
    rules.unconfirmed(request, outcome, site.scene.target())
    assert site.overruled() == there
    rules.intend(request, site.scene.target())
    rules.settle(request, SetChargingProfileConf(status="Rejected"), site.scene.target())
    assert site.overruled() == there, "the first may have arrived"
    site.accept("TxDefaultProfile", 13, OURS[0])
    assert not site.overruled()


def test_what_was_sent_raw_may_lead_whatever_is_refused_in_its_place() -> None:
    site, request = Site(), setting("TxDefaultProfile", 12)
    target = site.scene.target()
    raw = Call.of(RawRequest("SetChargingProfile", encode_payload(request)))
    raw.intend(target)
    assert raw.settle(CallEnd("confirmed", payload=b'{"status":"Accepted"}'), target) == ([], [])
    assert site.overruled()
    again = Call.of(request)
    again.intend(target)
    again.settle(CallEnd("confirmed", confirmation=SetChargingProfileConf(status="Rejected")), target)
    assert site.overruled()


def test_after_our_clock_was_set_back_what_is_accepted_now_is_the_later_one_all_the_same() -> None:
    site = Site()
    site.accept("TxDefaultProfile", 8, connector=0)
    assert site.overruled()
    site.scene.now -= HOUR
    rules: Any = SETTING
    ours = setting("TxDefaultProfile", 8, number=OURS[0])
    changes, _ = rules.settle(ours, SetChargingProfileConf(status="Accepted"), site.scene.target())
    assert {one.connector for one in changes if isinstance(one, InstalledProfile)} == {0, 1}, "on disk, too"
    assert not site.overruled()


@pytest.mark.parametrize(("purpose", "counts"), [("TxProfile", True), ("TxDefaultProfile", False)])
def test_only_a_profile_for_a_transaction_that_is_over_may_lead_one_unheard_of(purpose: Any, counts: bool) -> None:
    site = Site()
    rules: Any = SETTING
    rules.settle(setting(purpose, 12), SetChargingProfileConf(status="Accepted"), site.scene.target())
    assert [one.ma for one in site.load.ledger.of(site.key) if one.slot == "transaction"] == [32 * A] * counts


def test_what_is_refused_in_the_place_of_one_that_was_accepted_takes_nothing_away() -> None:
    site, request = Site(), setting("TxDefaultProfile", 12)
    rules: Any = SETTING
    for status in ("Accepted", "Rejected"):
        rules.intend(request, site.scene.target())
        rules.settle(request, SetChargingProfileConf(status=status), site.scene.target())
    assert site.overruled()


def forbidden(site: Site, request: SetChargingProfileReq) -> str | None:
    forbids: Any = SETTING.forbids
    found: str | None = forbids(json.loads(encode_payload(request)), site.scene.target())
    return found
