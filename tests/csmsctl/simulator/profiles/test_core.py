"""The Core profile of a simulated charge point: what it does when it is told to."""

from tests.csmsctl.simulator.central_system import booted, charging, payload_of


def test_remote_start_waits_for_the_cable() -> None:
    central_system = booted()
    assert central_system.call("RemoteStartTransaction", idTag="TAG", connectorId=2) == {"status": "Accepted"}
    connector = central_system.charge_point.connectors[2]
    central_system.act(connector.plug)
    assert [(action, payload.get("status")) for action, payload in central_system.taken()] == [
        ("StatusNotification", "Preparing"),
        ("StartTransaction", None),
        ("StatusNotification", "Charging"),
    ]


def test_remote_start_asks_first_when_told_to() -> None:
    central_system = booted(AuthorizeRemoteTxRequests="true")
    central_system.act(central_system.charge_point.connectors[1].plug)
    central_system.taken()
    central_system.call("RemoteStartTransaction", idTag="TAG", connectorId=1)
    assert [action for action, _ in central_system.taken()][:2] == ["Authorize", "StartTransaction"]
    central_system.id_tag_info = {"status": "Expired"}
    assert central_system.call("RemoteStartTransaction", idTag="OLD", connectorId=2) == {"status": "Accepted"}
    assert central_system.status(2) == "Available"


def test_remote_start_without_a_connector_prefers_the_one_with_a_car() -> None:
    central_system = booted()
    central_system.act(central_system.charge_point.connectors[2].plug)
    assert central_system.call("RemoteStartTransaction", idTag="TAG") == {"status": "Accepted"}
    assert payload_of(central_system, "StartTransaction")["connectorId"] == 2


def test_remote_start_where_it_cannot_be() -> None:
    central_system = charging()
    for connector in (0, 1, 3):
        answer = central_system.call("RemoteStartTransaction", idTag="TAG", connectorId=connector)
        assert answer == {"status": "Rejected"}
    central_system.act(lambda: central_system.charge_point.connectors[2].fault("GroundFailure"))
    assert central_system.call("RemoteStartTransaction", idTag="TAG") == {"status": "Rejected"}


def test_remote_stop() -> None:
    central_system = charging()
    transaction = central_system.transaction_id()
    assert central_system.call("RemoteStopTransaction", transactionId=transaction + 1) == {"status": "Rejected"}
    assert central_system.call("RemoteStopTransaction", transactionId=transaction) == {"status": "Accepted"}
    stop = payload_of(central_system, "StopTransaction")
    assert (stop["reason"], stop["transactionId"]) == ("Remote", transaction)
    assert central_system.call("RemoteStopTransaction", transactionId=transaction) == {"status": "Rejected"}


def test_unlock_ends_the_transaction_first() -> None:
    central_system = charging()
    assert central_system.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    assert payload_of(central_system, "StopTransaction")["reason"] == "UnlockCommand"


def test_unlock_that_cannot_be() -> None:
    central_system = booted()
    assert central_system.call("UnlockConnector", connectorId=3) == {"status": "NotSupported"}  # CE 3.85
    central_system.act(lambda: central_system.charge_point.connectors[1].fault("ConnectorLockFailure"))
    assert central_system.call("UnlockConnector", connectorId=1) == {"status": "UnlockFailed"}


def test_clock_aligned_values_come_at_the_full_interval() -> None:
    central_system = booted(ClockAlignedDataInterval="900", MeterValueSampleInterval="0")
    central_system.run(1000)  # from 12:00:00
    calls = central_system.taken("MeterValues")
    assert [payload["connectorId"] for _, payload in calls] == [1, 2]
    assert calls[0][1]["meterValue"][0]["timestamp"] == "2026-01-01T12:15:00.000Z"
    assert "transactionId" not in calls[0][1]


def test_unavailable_and_back_and_it_survives_a_reboot() -> None:
    central_system = booted()
    unavailable = {"connectorId": 1, "type": "Inoperative"}
    assert central_system.call("ChangeAvailability", **unavailable) == {"status": "Accepted"}
    assert central_system.statuses(1) == ["Unavailable"]
    assert central_system.call("ChangeAvailability", **unavailable) == {"status": "Accepted"}
    assert central_system.statuses(1) == []
    central_system.call("Reset", type="Hard")
    central_system.run(10)
    assert central_system.statuses(1) == ["Unavailable"]
    assert central_system.call("RemoteStartTransaction", idTag="TAG", connectorId=1) == {"status": "Rejected"}
    central_system.call("ChangeAvailability", connectorId=1, type="Operative")
    assert central_system.statuses(1) == ["Available"]


def test_unavailable_is_scheduled_while_a_transaction_runs() -> None:
    central_system = charging()
    connector = central_system.charge_point.connectors[1]
    assert central_system.call("ChangeAvailability", connectorId=0, type="Inoperative") == {"status": "Scheduled"}
    assert [(payload["connectorId"], payload["status"]) for _, payload in central_system.taken()] == [
        (0, "Unavailable"),
        (2, "Unavailable"),
    ]
    central_system.act(lambda: connector.present("TAG"))
    central_system.act(connector.unplug)
    assert central_system.statuses(1) == ["Finishing", "Unavailable"]


def test_a_scheduled_change_can_be_taken_back() -> None:
    central_system = charging()
    connector = central_system.charge_point.connectors[1]
    central_system.call("ChangeAvailability", connectorId=1, type="Inoperative")
    assert central_system.call("ChangeAvailability", connectorId=1, type="Operative") == {"status": "Accepted"}
    central_system.act(lambda: connector.present("TAG"))
    central_system.act(connector.unplug)
    assert central_system.statuses(1) == ["Finishing", "Available"]


def test_the_connector_after_the_last_one_is_rejected() -> None:
    assert booted().call("ChangeAvailability", connectorId=3, type="Inoperative") == {"status": "Rejected"}


def test_data_transfer() -> None:
    central_system = booted()
    assert central_system.call("DataTransfer", vendorId="com.other") == {"status": "UnknownVendorId"}
    assert central_system.call("DataTransfer", vendorId="org.example.csms", messageId="Dance") == {
        "status": "UnknownMessageId"
    }
    assert central_system.call("DataTransfer", vendorId="org.example.csms", messageId="Echo", data="hello") == {
        "status": "Accepted",
        "data": "hello",
    }


def test_clear_cache_needs_a_cache() -> None:
    assert booted().call("ClearCache") == {"status": "Accepted"}
    assert booted(AuthorizationCacheEnabled="false").call("ClearCache") == {"status": "Rejected"}  # CE 3.23
