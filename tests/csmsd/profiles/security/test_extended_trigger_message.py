"""ExtendedTriggerMessage (whitepaper 5.5; TC_074)."""

from typing import Any, get_args

import pytest

from csmsd.profiles import outgoing
from csmsd.profiles.action import Sent
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.security.extended_trigger_message import (
    ExtendedMessageTrigger,
    ExtendedTriggerMessage,
    ExtendedTriggerMessageConf,
    ExtendedTriggerMessageReq,
)
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene

MESSAGES = get_args(ExtendedMessageTrigger)


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_is_asked_for_as_specified(message: ExtendedMessageTrigger) -> None:
    payload = {"requestedMessage": message}
    assert Scene().asks(ExtendedTriggerMessage(message=message)) == [payload]
    assert_valid(ExtendedTriggerMessageReq, payload)


def test_a_connector_is_named_where_the_message_is_about_one() -> None:
    """TC_074: none for a certificate, which some refuse."""
    scene = Scene()
    for message in MESSAGES:
        command = ExtendedTriggerMessage(message=message, connector=2)
        if message in ("MeterValues", "StatusNotification"):
            assert scene.asks(command) == [{"requestedMessage": message, "connectorId": 2}]
        else:
            with pytest.raises(CannotSend, match="no connector"):
                scene.asks(command)


@pytest.mark.parametrize(("status", "done"), [("Accepted", True), ("Rejected", False), ("NotImplemented", False)])
def test_outcomes(status: str, done: bool) -> None:
    assert_valid(ExtendedTriggerMessageConf, {"status": status})
    assert (status in outgoing()["ExtendedTriggerMessage"].accepted) == done


def test_an_accepted_charge_point_is_not_asked_to_boot() -> None:
    assert "CE 3.40" in (Scene().warning(ExtendedTriggerMessage(message="BootNotification")) or "")
    assert Scene().warning(ExtendedTriggerMessage(message="Heartbeat")) is None


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        ("SignChargePointCertificate", {"SignCertificate"}),
        ("FirmwareStatusNotification", {"FirmwareStatusNotification", "SignedFirmwareStatusNotification"}),
        ("LogStatusNotification", {"LogStatusNotification"}),
        ("StatusNotification", {"StatusNotification"}),
    ],
)
def test_what_it_agreed_to_send_is_taken_from_a_pending_charge_point_under_its_name(
    message: str, taken: set[str]
) -> None:
    scene = Scene()
    scene.confirmed("ExtendedTriggerMessage", {"requestedMessage": message}, {"status": "Rejected"})
    assert scene.cp.triggered == set()
    scene.confirmed("ExtendedTriggerMessage", {"requestedMessage": message}, {"status": "Accepted"})
    assert scene.cp.triggered == taken


def test_why_it_was_refused() -> None:
    scene = Scene()
    request: dict[str, Any] = {"requestedMessage": "SignChargePointCertificate"}
    assert "CpoName" in (scene.why("ExtendedTriggerMessage", request, {"status": "Rejected"}) or "")
    key = {"key": "CpoName", "readonly": False, "value": "My CPO"}
    scene.confirmed("GetConfiguration", {}, {"configurationKey": [key]})
    assert scene.why("ExtendedTriggerMessage", request, {"status": "Rejected"}) is None
    assert scene.why("ExtendedTriggerMessage", request, {"status": "Accepted"}) is None


def test_it_has_arrived_when_it_came_under_the_name_that_it_has() -> None:
    scene = Scene()
    scene.cp.heard["SignedFirmwareStatusNotification"] = scene.now
    for message, reached in (("FirmwareStatusNotification", True), ("LogStatusNotification", False)):
        request = ExtendedTriggerMessageReq(requested_message=message)  # type: ignore[arg-type]
        seen = ExtendedTriggerMessage.effects[0].look(Sent(request, scene.now, "Accepted", scene.target()))
        assert seen.reached == reached, message
