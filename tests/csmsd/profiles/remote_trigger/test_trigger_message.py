"""TriggerMessage (C 5.17; TC_054, TC_055)."""

from typing import get_args

import pytest

from csmsd.profiles import outgoing
from csmsd.profiles.remote_trigger.trigger_message import (
    MessageTrigger,
    TriggerMessage,
    TriggerMessageConf,
    TriggerMessageReq,
)
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene


@pytest.mark.parametrize("message", get_args(MessageTrigger))
def test_the_operation(message: MessageTrigger) -> None:
    assert Scene().asks(TriggerMessage(message=message)) == [{"requestedMessage": message}]
    assert_valid(TriggerMessageReq, {"requestedMessage": message})


def test_for_one_connector() -> None:
    payload = {"requestedMessage": "MeterValues", "connectorId": 99}

    assert Scene().asks(TriggerMessage(message="MeterValues", connector=99)) == [payload]
    assert_valid(TriggerMessageReq, payload)


@pytest.mark.parametrize(("status", "done"), [("Accepted", True), ("Rejected", False), ("NotImplemented", False)])
def test_outcomes(status: str, done: bool) -> None:
    assert_valid(TriggerMessageConf, {"status": status})
    assert (status in outgoing()["TriggerMessage"].accepted) == done


@pytest.mark.parametrize(
    ("message", "boot_status", "warned"),
    [
        ("BootNotification", "Accepted", True),  # CE 3.40
        ("BootNotification", "Pending", False),
        ("BootNotification", "Rejected", False),
        ("BootNotification", None, False),
        ("Heartbeat", "Accepted", False),
        ("Heartbeat", "Pending", False),
    ],
)
def test_an_accepted_charge_point_is_not_asked_to_boot(
    message: MessageTrigger, boot_status: str | None, warned: bool
) -> None:
    scene = Scene()
    scene.cp.record.boot_status = boot_status  # type: ignore[assignment]

    warning = scene.warning(TriggerMessage(message=message))

    assert (warning is not None) == warned
    assert ("CE 3.40" in (warning or "")) == warned


@pytest.mark.parametrize(("status", "awaited"), [("Accepted", {"StatusNotification"}), ("Rejected", set())])
def test_what_a_charge_point_agreed_to_send_is_awaited(status: str, awaited: set[str]) -> None:
    """A pending charge point is taken at its word for it (C 4.2)."""
    scene = Scene()

    scene.confirmed("TriggerMessage", {"requestedMessage": "StatusNotification"}, {"status": status})

    assert scene.cp.triggered == awaited
