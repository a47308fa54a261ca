"""Which connectors there are, what speaks against a transaction on one, and what explains the answers to commands."""

from collections.abc import Callable
from typing import Any

import pytest

from csmsd.profiles.core.charge_points import ConfigurationKey
from csmsd.profiles.core.connectors import against_start_on_connector, connector_numbers, missing_connector
from tests.csmsd.profiles.reservation.reserving import Reserving
from tests.csmsd.profiles.scene import Scene


def configured(scene: Scene, name: str, value: str, *, readonly: bool = False) -> None:
    key = ConfigurationKey(charge_point="CP1", name=name, value=value, readonly=readonly, reported_at=scene.now)
    scene.cp.configuration[name.casefold()] = key


def test_which_there_are() -> None:
    scene = Scene()
    assert connector_numbers(scene.cp) is None
    assert missing_connector(scene.cp, 7) is None
    scene.status(2, "Available")
    configured(scene, "NumberOfConnectors", "2")
    assert connector_numbers(scene.cp) == [1, 2]
    assert missing_connector(scene.cp, 7) == "CP1 has no connector 7, but 1, 2"
    assert missing_connector(scene.cp, 0) is None


def tripped(scene: Reserving) -> None:
    scene.status(2, "Faulted", errorCode="GroundFailure")


def out_of_service(scene: Reserving) -> None:
    scene.status(2, "Unavailable")


def whole_out_of_service(scene: Reserving) -> None:
    scene.status(2, "Available")
    scene.status(0, "Unavailable")


def reserved(scene: Reserving) -> None:
    scene.tag("B2")
    scene.reserve(connector=2, tag="B2")


def charging(scene: Reserving) -> None:
    scene.tag("B2")
    scene.started(connectorId=2, idTag="B2")


def of_before(scene: Reserving) -> None:
    scene.status(2, "Finishing")


@pytest.mark.parametrize(
    ("happened", "said", "helps"),
    [
        (tripped, "connector 2 is Faulted: GroundFailure (its residual current device has tripped)", "csmsctl reset"),
        (out_of_service, "connector 2 is Unavailable", "change-availability CP1 --connector 2 --type operative"),
        (whole_out_of_service, "CP1 as a whole is Unavailable", "change-availability CP1 --connector 0"),
        (reserved, "connector 2 is reserved for B2 (reservation 1)", "csmsctl cancel-reservation CP1 --id 1"),
        (charging, "connector 2 is charging for B2 (transaction 1)", "csmsctl remote-stop --transaction 1"),
        (of_before, "connector 2 is Finishing", "still plugged in"),
    ],
)
def test_why_a_start_was_refused_and_what_helps(happened: Callable[[Reserving], None], said: str, helps: str) -> None:
    scene = Reserving()
    happened(scene)
    for request in ({"connectorId": 2, "idTag": "TAG1"}, {"idTag": "TAG1"}):
        why = scene.why("RemoteStartTransaction", request, {"status": "Rejected"}) or ""
        # Where none was named, and another may be free, nobody knows that it was this one.
        alone = connector_numbers(scene.cp) == [2]
        if "connectorId" in request or alone:
            assert said in why, request
            assert helps in why, request
    assert scene.why("RemoteStartTransaction", {"idTag": "TAG1"}, {"status": "Accepted"}) is None


def test_one_in_preparation_explains_a_refusal_and_speaks_against_no_start() -> None:
    scene = Reserving()
    scene.status(2, "Preparing")
    assert against_start_on_connector(2, "TAG1", scene.target()) is None
    reserve = {"connectorId": 2, "expiryDate": "2026-03-01T13:00:00Z", "idTag": "TAG1", "reservationId": 1}
    for action, request, status in (
        ("RemoteStartTransaction", {"connectorId": 2, "idTag": "TAG1"}, "Rejected"),
        ("ReserveNow", reserve, "Occupied"),
    ):
        assert "connector 2 is Preparing" in str(scene.why(action, request, {"status": status})), action
        assert scene.why(action, request, {"status": "Accepted"}) is None


def test_its_own_reservation_and_a_free_neighbour_are_no_reasons() -> None:
    scene = Reserving()
    scene.reserve(connector=2)
    scene.status(2, "Reserved")
    assert against_start_on_connector(2, "TAG1", scene.target()) is None
    scene.status(1, "Faulted")
    scene.status(3, "Available")
    assert against_start_on_connector(None, "TAG1", scene.target()) is None
    said = scene.why("RemoteStartTransaction", {"idTag": "TAG1"}, {"status": "Rejected"})
    assert said == "it may want a connector to be named: --connector 1"


def known(scene: Reserving) -> None:
    """What a charge point has told of itself."""
    scene.status(1, "Available")
    scene.status(2, "Faulted", errorCode="ConnectorLockFailure")
    configured(scene, "NumberOfConnectors", "2", readonly=True)
    configured(scene, "MeterValueSampleInterval", "60")
    configured(scene, "AuthorizationCacheEnabled", "false")
    configured(scene, "LocalAuthListEnabled", "false")
    configured(scene, "SupportedFeatureProfiles", "Core,Reservation")


@pytest.mark.parametrize(
    ("action", "request_", "status", "said"),
    [
        ("ChangeConfiguration", {"key": "NumberOfConnectors", "value": "3"}, "Rejected", "is read-only"),
        ("ChangeConfiguration", {"key": "meterValueSampleInterval", "value": "x"}, "Rejected", "it keeps '60'"),
        ("ChangeConfiguration", {"key": "MeterSampleInterval", "value": "1"}, "NotSupported", "ValueSample"),
        ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "1"}, "RebootRequired", "csmsctl reset"),
        ("ClearCache", {}, "Rejected", "AuthorizationCacheEnabled is false"),
        ("SendLocalList", {"listVersion": 1, "updateType": "Full"}, "Failed", "--set LocalAuthListEnabled=true"),
        ("UnlockConnector", {"connectorId": 7}, "NotSupported", "CP1 has no connector 7, but 1, 2"),
        ("UnlockConnector", {"connectorId": 1}, "NotSupported", "has no lock"),
        ("UnlockConnector", {"connectorId": 2}, "UnlockFailed", "its lock does not work"),
        ("ChangeAvailability", {"connectorId": 7, "type": "Operative"}, "Rejected", "CP1 has no connector 7"),
        ("ClearChargingProfile", {"id": 3}, "Unknown", "nothing to clear"),
        ("GetCompositeSchedule", {"connectorId": 7, "duration": 1}, "Rejected", "CP1 has no connector 7"),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 7}, "NotImplemented", "RemoteTrigger"),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 7}, "Rejected", "no connector 7"),
        ("TriggerMessage", {"requestedMessage": "MeterValues"}, "Rejected", "--connector 1"),
        ("RemoteStopTransaction", {"transactionId": 99}, "Rejected", "transaction 99 is not known on CP1"),
        ("CancelReservation", {"reservationId": 9}, "Rejected", "reservation 9 is not known on CP1"),
        ("ReserveNow", {"connectorId": 2, "expiryDate": "2026-03-01T13:00:00Z", "idTag": "TAG1", "reservationId": 1},
         "Faulted", "connector 2 is Faulted: ConnectorLockFailure"),
        ("ReserveNow", {"connectorId": 0, "expiryDate": "2026-03-01T13:00:00Z", "idTag": "TAG1", "reservationId": 1},
         "Rejected", "name one with --connector"),
    ],
)  # fmt: skip
def test_what_an_answer_is_told_by(action: str, request_: dict[str, Any], status: str, said: str) -> None:
    scene = Reserving()
    known(scene)
    assert said in str(scene.why(action, request_, {"status": status}))


def test_a_reset_is_refused_while_something_runs() -> None:
    scene = Scene()
    assert scene.why("Reset", {"type": "Soft"}, {"status": "Rejected"}) is None
    running = scene.started()
    said = scene.why("Reset", {"type": "Soft"}, {"status": "Rejected"}) or ""
    assert f"transaction {running.id} runs" in said
    scheduled = scene.why("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}, {"status": "Scheduled"})
    assert scheduled == f"when transaction {running.id} has ended"


def test_a_reservation_of_the_neighbour_is_no_reason() -> None:
    scene = Reserving()
    scene.tag("B2")
    scene.reserve(connector=1, tag="B2")
    scene.status(2, "Available")
    assert against_start_on_connector(2, "TAG1", scene.target()) is None
    assert against_start_on_connector(1, "TAG1", scene.target()) is not None
