"""TriggerMessage (C 5.17; TC_054, TC_055)."""

from typing import get_args

import pytest

from csmsd.profiles import outgoing
from csmsd.profiles.action import Sent
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


@pytest.mark.parametrize(
    ("profiles", "message", "connector", "status", "said"),
    [
        ("Core", "Heartbeat", None, "NotImplemented", "do not have RemoteTrigger"),
        ("Core", "Heartbeat", None, "Rejected", ""),
        ("Core,RemoteTrigger", "Heartbeat", None, "NotImplemented", ""),
        (None, "Heartbeat", None, "NotImplemented", ""),
        (None, "Heartbeat", 7, "Rejected", "CP1 has no connector 7, but 2, 3"),
        (None, "MeterValues", 2, "Rejected", ""),
        (None, "MeterValues", None, "Rejected", "named: --connector 2"),
        (None, "StatusNotification", None, "Rejected", "named: --connector 2"),
        (None, "MeterValues", None, "Accepted", ""),
        ("Core", "MeterValues", None, "Accepted", ""),
    ],
)
def test_why_it_was_refused(profiles: str | None, message: str, connector: int | None, status: str, said: str) -> None:
    scene = Scene()
    scene.status(2, "Available")
    scene.status(3, "Available")
    if profiles is not None:
        key = {"key": "SupportedFeatureProfiles", "readonly": True, "value": profiles}
        scene.confirmed("GetConfiguration", {}, {"configurationKey": [key]})
    request = {"requestedMessage": message} | ({"connectorId": connector} if connector is not None else {})
    why = scene.why("TriggerMessage", request, {"status": status})
    assert why is None if not said else said in str(why)


def seen(scene: Scene, message: MessageTrigger, connector: int | None, since: int) -> tuple[str, bool]:
    request = TriggerMessageReq(requested_message=message, connector_id=connector)
    observed = TriggerMessage.effects[0].look(Sent(request, since, "Accepted", scene.target()))
    return observed.state, observed.reached


@pytest.mark.parametrize("connector", [None, 1])
def test_it_has_arrived_when_one_came_since(connector: int | None) -> None:
    scene = Scene()
    scene.cp.connected_at = scene.now
    scene.cp.heard["MeterValues"] = scene.now
    assert seen(scene, "MeterValues", connector, scene.now) == ("arrived", True)
    assert seen(scene, "MeterValues", connector, scene.now + 1) == ("not sent", False)
    assert seen(scene, "Heartbeat", connector, scene.now) == ("not sent", False)
    scene.cp.connected_at = None
    assert seen(scene, "MeterValues", connector, scene.now + 1) == ("offline", False)


def test_the_status_of_another_connector_is_not_the_one_that_was_asked_for() -> None:
    scene = Scene()
    scene.cp.connected_at = scene.cp.heard["StatusNotification"] = scene.now
    scene.status(1, "Available")
    assert seen(scene, "StatusNotification", 1, scene.now) == ("arrived", True)
    assert seen(scene, "StatusNotification", 1, scene.now + 1) == ("not sent", False)
    assert seen(scene, "StatusNotification", 2, scene.now) == ("not sent", False)
    assert seen(scene, "StatusNotification", None, scene.now) == ("arrived", True)
