"""RemoteStartTransaction (C 5.11; TC_010, TC_011, TC_026, TC_059)."""

from typing import Any

import msgspec
import pytest

from csmsd.ocpp.payloads import read_payload
from csmsd.profiles import outgoing
from csmsd.profiles.core.remote_start_transaction import (
    RemoteStart,
    RemoteStartTransactionConf,
    RemoteStartTransactionReq,
)
from csmsd.profiles.load_management.circuits import Circuit, Member
from csmsd.profiles.policies import Policies
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, NOON, Scene

PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 6.0},
            {"startPeriod": 60, "limit": 16.0, "numberPhases": 1},
        ],
    },
}


@pytest.mark.parametrize(
    "payload",
    [
        {"idTag": "TAG1"},
        {"connectorId": 1, "idTag": "x" * 20},
        {"connectorId": 1, "idTag": "TAG1", "chargingProfile": PROFILE},
    ],
)
def test_valid(payload: dict[str, Any]) -> None:
    assert_valid(RemoteStartTransactionReq, payload)
    assert_valid(RemoteStartTransactionConf, {"status": "Rejected"})


@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        (RemoteStart(tag="TAG1"), {"idTag": "TAG1"}),
        (RemoteStart(tag="TAG1", connector=2), {"connectorId": 2, "idTag": "TAG1"}),
    ],
)
def test_the_operation(operation: RemoteStart, payload: dict[str, object]) -> None:
    scene = Scene()

    assert scene.asks(operation) == [payload]
    assert scene.warning(operation) is None


@pytest.mark.parametrize(
    ("tag", "warning"),
    [("tag1", None), ("NOBODY", "csmsctl tag add NOBODY"), ("LOST", "is Blocked"), ("OLD", "is Expired")],
)
def test_a_tag_that_will_not_be_accepted_speaks_against_it(tag: str, warning: str | None) -> None:
    scene = Scene()
    scene.tag("LOST", blocked=True)
    scene.tag("OLD", expires_at=NOON - HOUR)

    found = scene.warning(RemoteStart(tag=tag))

    assert (found is None) == (warning is None)
    assert (warning or "") in (found or "")


def test_an_unknown_tag_may_be_let_in_by_policy() -> None:
    assert Scene(Policies(unknown_id_tags="Accepted")).warning(RemoteStart(tag="NOBODY")) is None


@pytest.mark.parametrize(
    ("member", "payload", "forbidden"),
    [
        (1, {"connectorId": 1, "chargingProfile": PROFILE}, True),
        (1, {"chargingProfile": PROFILE}, True),
        (1, {"connectorId": 2, "chargingProfile": PROFILE}, False),
        (1, {"connectorId": 1}, False),
        (0, {"connectorId": 1, "chargingProfile": PROFILE}, False),
        (None, {"connectorId": 1, "chargingProfile": PROFILE}, False),
    ],
)
def test_a_profile_in_it_would_stand_above_the_limit_of_a_circuit(
    member: int | None, payload: dict[str, Any], forbidden: bool
) -> None:
    scene = Scene()
    if member is not None:
        circuit = Circuit(name="garage", l1_ma=32_000, l2_ma=32_000, l3_ma=32_000)
        members = [Member(circuit="garage", charge_point="CP1", connector=member)]
        scene.site.smart_charging.load.replace([circuit], members)
    forbids = outgoing()["RemoteStartTransaction"].forbids
    assert forbids is not None
    text = forbids({"idTag": "TAG1"} | payload, scene.target())
    assert (text is not None and "connector 1 hangs on circuit garage" in text) == forbidden


def test_a_pending_charge_point_must_not_be_asked() -> None:
    scene = Scene()
    scene.cp.record.boot_status = "Pending"

    assert "Pending" in (scene.warning(RemoteStart(tag="TAG1")) or "")


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({}, None),
        ({"chargingProfilePurpose": "TxDefaultProfile"}, "TxProfile"),
        ({"chargingProfilePurpose": "ChargePointMaxProfile"}, "TxProfile"),
        ({"transactionId": 7}, "transactionId"),
    ],
)
def test_a_charging_profile_in_it_is_a_tx_profile_without_transaction(
    change: dict[str, object], warning: str | None
) -> None:
    payload = {"idTag": "TAG1", "chargingProfile": {**PROFILE, **change}}
    request, _ = read_payload(RemoteStartTransactionReq, msgspec.json.encode(payload))
    check = outgoing()["RemoteStartTransaction"].check
    assert check is not None

    found = check(request, Scene().target())

    assert (found is None) == (warning is None)
    assert (warning or "") in (found or "")


@pytest.mark.parametrize(("limit", "running", "warned"), [(None, 3, False), (1, 0, False), (1, 1, True), (2, 1, False)])
def test_a_start_over_the_limit_of_a_card_is_warned_of(limit: int | None, running: int, warned: bool) -> None:
    """C 7.2: it would be answered ConcurrentTx."""
    scene = Scene()
    scene.tag("TAG1", max_transactions=limit)
    for connector in range(1, running + 1):
        scene.start(connectorId=connector)
    warning = scene.warning(RemoteStart(tag="TAG1"))
    assert (warning is not None) == warned
    if warning is not None:
        assert "ConcurrentTx" in warning
        assert "csmsctl tx list --tag TAG1 --state active" in warning
