"""TriggerMessage (C 5.17): all six messages, connectors, and the order of answer and message."""

import json

import pytest

from tests.csmsctl.simulator.central_system import booted, charging


@pytest.mark.parametrize(
    ("message", "status", "sent"),
    [
        ("BootNotification", "Accepted", ["BootNotification", *["StatusNotification"] * 3]),
        ("Heartbeat", "Accepted", ["Heartbeat"]),
        ("StatusNotification", "Accepted", ["StatusNotification"] * 3),
        ("MeterValues", "Accepted", ["MeterValues"] * 2),
        ("FirmwareStatusNotification", "Accepted", ["FirmwareStatusNotification"]),
        ("DiagnosticsStatusNotification", "Accepted", ["DiagnosticsStatusNotification"]),
    ],
)
def test_all_six(message: str, status: str, sent: list[str]) -> None:
    central_system = booted()
    assert central_system.call("TriggerMessage", requestedMessage=message) == {"status": status}
    assert [action for action, _ in central_system.taken()] == sent


def test_one_connector() -> None:
    central_system = charging()
    central_system.run(30)
    assert central_system.call("TriggerMessage", requestedMessage="MeterValues", connectorId=1) == {
        "status": "Accepted"
    }
    ((action, payload),) = central_system.taken()
    assert (action, payload["connectorId"]) == ("MeterValues", 1)
    assert payload["transactionId"] == central_system.transaction_id()
    assert {sample["context"] for sample in payload["meterValue"][0]["sampledValue"]} == {"Trigger"}


def test_a_connector_that_is_not_there() -> None:
    central_system = booted()
    asked = {"requestedMessage": "StatusNotification", "connectorId": 3}
    assert central_system.call("TriggerMessage", **asked) == {"status": "Rejected"}
    assert central_system.taken() == []


def test_the_answer_leaves_before_the_message() -> None:
    point = booted().charge_point
    point.receive(json.dumps([2, "1", "TriggerMessage", {"requestedMessage": "Heartbeat"}]))
    assert [json.loads(text)[0] for text in point.data_to_send()] == [3, 2]
