"""A CALL by the rules of its slice: what speaks against it, and what its end means."""

from typing import Any

import pytest

from csmsd.operations.call import Call, RawRequest, connector_of_call
from csmsd.operations.result import Obstacle
from csmsd.ports.charge_points import CallEnd
from csmsd.profiles.action import Target
from csmsd.profiles.core.change_configuration import ChangeConfigurationReq
from csmsd.profiles.core.clear_cache import ClearCacheConf, ClearCacheReq
from csmsd.profiles.core.remote_stop_transaction import RemoteStopTransactionConf, RemoteStopTransactionReq
from csmsd.profiles.core.reset import ResetReq
from csmsd.profiles.core.unlock_connector import UnlockConnectorConf, UnlockConnectorReq
from csmsd.profiles.load_management.circuits import Circuit, Member
from csmsd.profiles.local_auth_list.send_local_list import SendLocalListReq
from tests.csmsd.profiles.scene import Scene


def target(scene: Scene) -> Target:
    return Target(scene.site, scene.cp, scene.now)


@pytest.mark.parametrize(
    ("payload", "connector"),
    [
        ({"connectorId": 2}, 2),
        ({"connectorId": 0}, 0),
        ({"connectorId": -1}, 0),
        ({"connectorId": "2"}, 0),
        ({"transactionId": 2}, 0),
    ],
)
def test_a_request_is_about_the_connector_that_it_names_or_about_all(payload: dict[str, Any], connector: int) -> None:
    assert connector_of_call(payload) == connector


def test_what_is_shown_of_a_call_has_its_secrets_masked_and_what_is_sent_has_not() -> None:
    call = Call.of(ChangeConfigurationReq(key="AuthorizationKey", value="0123456789abcdef"))
    assert call.action == "ChangeConfiguration"
    assert b"0123456789abcdef" in call.payload
    assert call.shown == {"key": "AuthorizationKey", "value": "******"}


def test_a_rejected_charge_point_is_sent_nothing() -> None:
    scene = Scene()
    scene.cp.record.boot_status = "Rejected"
    for request in (ClearCacheReq(), RawRequest("ClearCache", b"{}"), RawRequest("Vendor", b"{}")):
        obstacle, text = Call.of(request).objection(target(scene)) or (None, "")
        assert (obstacle, "C 4.2" in text) == (Obstacle.OBJECTION, True)


def test_a_request_is_checked_for_its_limits_and_by_its_slice_and_a_raw_one_is_not() -> None:
    scene = Scene()
    too_long = ChangeConfigurationReq(key="k" * 51, value="1")
    unknown = RemoteStopTransactionReq(transaction_id=99)
    obstacle, text = Call.of(too_long).objection(target(scene)) or (None, "")
    assert (obstacle, "key" in text) == (Obstacle.MALFORMED, True)
    not_known = (Obstacle.NOT_KNOWN, "transaction 99 is not known on CP1")
    assert Call.of(unknown).objection(target(scene)) == not_known
    empty = SendLocalListReq(list_version=0, update_type="Full")
    assert (Call.of(empty).objection(target(scene)) or ("",))[0] is Obstacle.MALFORMED
    assert Call.of(ClearCacheReq()).objection(target(scene)) is None
    for request in (too_long, unknown):
        raw = RawRequest(Call.of(request).action, Call.of(request).payload)
        assert Call.of(raw).objection(target(scene)) is None


def confirmed(payload: bytes) -> CallEnd:
    return CallEnd("confirmed", payload=payload, duration_ms=1)


@pytest.mark.parametrize(
    ("request_", "end", "outcome"),
    [
        (ResetReq(type="Soft"), CallEnd("withdrawn"), ("not_sent", None)),
        (ResetReq(type="Soft"), CallEnd("timeout"), ("timeout", None)),
        (ResetReq(type="Soft"), CallEnd("unknown"), ("unknown", None)),
        # What is read says the status; the statuses that mean yes are the slice's.
        (
            UnlockConnectorReq(connector_id=1),
            CallEnd("confirmed", confirmation=UnlockConnectorConf(status="Unlocked"), payload=b"{}"),
            ("accepted", "Unlocked"),
        ),
        (
            UnlockConnectorReq(connector_id=1),
            CallEnd("confirmed", confirmation=UnlockConnectorConf(status="UnlockFailed"), payload=b"{}"),
            ("rejected", "UnlockFailed"),
        ),
        # Of an action that is not known here, any status but Accepted is a no, and none at all is a yes.
        (RawRequest("Vendor", b"{}"), confirmed(b'{"status":"Accepted"}'), ("accepted", "Accepted")),
        (RawRequest("Vendor", b"{}"), confirmed(b'{"status":"Later"}'), ("rejected", "Later")),
        (RawRequest("Vendor", b"{}"), confirmed(b"{}"), ("accepted", None)),
        (RawRequest("Vendor", b"{}"), confirmed(b"[]"), ("accepted", None)),
        (RawRequest("Vendor", b"{}"), confirmed(b"not JSON"), ("accepted", None)),
    ],
)
def test_the_outcome_of_a_call(request_: Any, end: CallEnd, outcome: tuple[str, str | None]) -> None:
    assert Call.of(request_).outcome(end) == outcome


def test_a_raw_call_changes_nothing_here() -> None:
    scene = Scene()
    call = Call.of(RawRequest("UpdateFirmware", b'{"location":"ftp://h/f","retrieveDate":"2026-03-01T12:00:00Z"}'))
    assert call.followed(target(scene))  # its action is
    assert call.intend(target(scene)) == ([], [])
    assert call.host(target(scene)) is None
    assert call.settle(CallEnd("timeout"), target(scene)) == ([], [])
    assert scene.site.firmware.updates.current("CP1") is None


def test_a_raw_call_that_takes_a_site_limit_away_counts_where_it_can_be_read() -> None:
    scene = Scene()
    load = scene.site.smart_charging.load
    load.replace([Circuit(name="main", l1_ma=32_000)], [Member(circuit="main", charge_point="CP1", phases="L1")])
    for action, payload, counts in (
        ("ClearChargingProfile", b'{"connectorId":2}', False),
        ("ClearChargingProfile", b"[]", False),
        ("ClearChargingProfile", b'{"connectorId":1}', True),
    ):
        call = Call.of(RawRequest(action, payload))
        assert call.followed(target(scene)) == counts
        assert bool(call.intend(target(scene))[0]) == counts
        assert load.ledger.in_doubt(("cp1", 1)) == counts


def test_a_confirmation_is_explained_by_what_its_slice_knows() -> None:
    scene = Scene()
    call = Call.of(RemoteStopTransactionReq(transaction_id=99))
    rejected = CallEnd("confirmed", confirmation=RemoteStopTransactionConf(status="Rejected"), payload=b"{}")
    assert call.why(rejected, target(scene)) == "transaction 99 is not known on CP1"
    assert call.why(CallEnd("timeout"), target(scene)) is None
    assert Call.of(RawRequest("Vendor", b"{}")).why(rejected, target(scene)) is None
    silent = Call.of(ClearCacheReq())  # nothing is known of its cache
    assert silent.why(CallEnd("confirmed", confirmation=ClearCacheConf(status="Rejected")), target(scene)) is None
