"""Starting, charging, stopping: locally, remotely, and what reaches the Central System in which order."""

import pytest

from csmsd.ocpp.types import IdTagInfo
from csmsd.profiles.core.stop_transaction import StopTransactionConf
from tests.csmsctl.simulator.central_system import CentralSystem, Payload, booted, charging


def payload_of(central_system: CentralSystem, action: str) -> Payload:
    ((_, payload),) = central_system.taken(action)
    return payload


# --- local


def test_plug_present_present_unplug() -> None:
    central_system = booted()
    connector = central_system.charge_point.connectors[1]
    central_system.act(connector.plug)
    central_system.act(lambda: connector.present("TAG"))
    central_system.run(61)
    central_system.act(lambda: connector.present("TAG"))
    central_system.act(connector.unplug)
    calls = central_system.taken()
    assert [(action, payload.get("status")) for action, payload in calls] == [
        ("StatusNotification", "Preparing"),
        ("Authorize", None),
        ("StartTransaction", None),
        ("StatusNotification", "Charging"),
        ("MeterValues", None),
        ("StopTransaction", None),
        ("StatusNotification", "Finishing"),
        ("StatusNotification", "Available"),
    ]
    start, stop = calls[2][1], calls[5][1]
    assert start["idTag"] == stop["idTag"] == "TAG"
    assert stop["reason"] == "Local"
    assert 150 < stop["meterStop"] - start["meterStart"] < 400
    contexts = [value["sampledValue"][0]["context"] for value in stop["transactionData"]]
    assert contexts == ["Transaction.Begin", "Sample.Periodic", "Transaction.End"]  # CE 3.14


def test_present_first_then_plug() -> None:
    central_system = booted()
    connector = central_system.charge_point.connectors[1]
    central_system.act(lambda: connector.present("TAG"))
    assert central_system.status() == "Preparing"
    central_system.act(connector.plug)
    assert central_system.status() == "Charging"


def test_nobody_presents_a_tag_in_time() -> None:
    central_system = booted(ConnectionTimeOut="30")
    connector = central_system.charge_point.connectors[1]
    central_system.act(connector.plug)
    central_system.run(31)
    assert central_system.statuses(1) == ["Preparing", "Finishing"]  # CE 3.20
    central_system.act(connector.unplug)
    assert central_system.statuses(1) == ["Available"]


def test_nobody_plugs_in_in_time() -> None:
    central_system = booted(ConnectionTimeOut="30")
    connector = central_system.charge_point.connectors[1]
    central_system.act(lambda: connector.present("TAG"))
    central_system.run(31)
    assert central_system.statuses(1) == ["Preparing", "Available"]


def test_the_tag_once_more_means_no() -> None:
    central_system = booted()
    connector = central_system.charge_point.connectors[1]
    central_system.act(lambda: connector.present("TAG"))
    central_system.act(lambda: connector.present("tag"))
    assert central_system.statuses(1) == ["Preparing", "Available"]


def test_an_invalid_tag_starts_nothing() -> None:
    central_system = booted()
    central_system.id_tag_info = {"status": "Invalid"}
    connector = central_system.charge_point.connectors[1]
    central_system.act(connector.plug)
    central_system.act(lambda: connector.present("TAG"))
    assert central_system.status() == "Preparing"
    assert central_system.taken("StartTransaction") == []


def test_only_a_tag_of_the_same_group_stops() -> None:
    central_system = booted()
    central_system.id_tag_info = {"status": "Accepted", "parentIdTag": "FAMILY"}
    connector = central_system.charge_point.connectors[1]
    central_system.act(connector.plug)
    central_system.act(lambda: connector.present("TAG"))
    central_system.id_tag_info = {"status": "Accepted", "parentIdTag": "STRANGERS"}
    central_system.act(lambda: connector.present("OTHER"))
    assert central_system.status() == "Charging"
    central_system.id_tag_info = {"status": "Accepted", "parentIdTag": "FAMILY"}
    central_system.act(lambda: connector.present("SPOUSE"))
    assert payload_of(central_system, "StopTransaction")["idTag"] == "SPOUSE"


def test_what_is_said_of_the_stopping_tag_is_not_held_against_the_starting_one() -> None:
    central_system = charging()
    connector = central_system.charge_point.connectors[1]
    central_system.charge_point.authorization.remember("TAG", IdTagInfo(status="Accepted"))
    transaction = connector.transaction
    assert transaction is not None
    connector.stop_confirmed(transaction, "SPOUSE", StopTransactionConf(id_tag_info=IdTagInfo(status="Expired")))
    central_system.act(lambda: connector.present("TAG"))
    central_system.act(connector.unplug)
    central_system.act(central_system.charge_point.go_offline)
    central_system.act(connector.plug)
    central_system.act(lambda: connector.present("SPOUSE"))
    assert central_system.status() == "Preparing"
    central_system.act(lambda: connector.present("TAG"))
    assert central_system.status() == "Charging"


@pytest.mark.parametrize(("setting", "status"), [("true", "Finishing"), ("false", "SuspendedEVSE")])
def test_a_start_that_is_not_authorized_after_all(setting: str, status: str) -> None:
    """CE 3.17"""
    central_system = booted(StopTransactionOnInvalidId=setting)
    central_system.id_tag_info = {"status": "Blocked"}
    connector = central_system.charge_point.connectors[1]
    central_system.act(connector.plug)
    central_system.call("RemoteStartTransaction", idTag="TAG", connectorId=1)
    assert central_system.status() == status
    assert connector.meter.power_w == 0
    stops = [payload["reason"] for _, payload in central_system.taken("StopTransaction")]
    assert stops == (["DeAuthorized"] if setting == "true" else [])


@pytest.mark.parametrize(("setting", "statuses"), [("true", ["Finishing", "Available"]), ("false", ["SuspendedEV"])])
def test_the_cable_is_pulled(setting: str, statuses: list[str]) -> None:
    central_system = charging(StopTransactionOnEVSideDisconnect=setting)
    connector = central_system.charge_point.connectors[1]
    central_system.act(connector.unplug)
    calls = central_system.taken()
    reported = [payload for action, payload in calls if action == "StatusNotification"]
    assert [payload["status"] for payload in reported] == statuses
    assert reported[0]["info"] == "EV side disconnected"
    stops = [payload["reason"] for action, payload in calls if action == "StopTransaction"]
    assert stops == (["EVDisconnected"] if setting == "true" else [])
    if setting == "false":
        central_system.act(connector.plug)
        assert central_system.statuses(1) == ["Charging"]


def test_a_full_battery_suspends() -> None:
    central_system = charging(MeterValueSampleInterval="3600")
    central_system.run(12 * 3600)
    assert central_system.status() == "SuspendedEV"
    assert central_system.statuses(1) == ["SuspendedEV"]


# --- remote


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


# --- errors


def test_a_fault_ends_the_transaction_and_goes_away() -> None:
    central_system = charging()
    connector = central_system.charge_point.connectors[1]
    central_system.act(lambda: connector.fault("GroundFailure"))
    calls = central_system.taken()
    assert [action for action, _ in calls] == ["StopTransaction", "StatusNotification"]
    assert (calls[1][1]["status"], calls[1][1]["errorCode"]) == ("Faulted", "GroundFailure")
    central_system.act(lambda: connector.fault("NoError"))
    assert central_system.statuses(1) == ["Finishing"]


def test_a_warning_lets_charging_go_on() -> None:
    central_system = charging()
    central_system.act(lambda: central_system.charge_point.connectors[1].fault("WeakSignal"))
    ((_, payload),) = central_system.taken()
    assert (payload["status"], payload["errorCode"]) == ("Charging", "WeakSignal")


# --- meter values


def test_sample_interval_and_measurands_can_be_changed_on_the_way() -> None:
    central_system = charging(MeterValueSampleInterval="10")
    central_system.run(30.5)
    samples = central_system.taken("MeterValues")
    assert len(samples) == 3
    measured = {sample["measurand"] for sample in samples[0][1]["meterValue"][0]["sampledValue"]}
    assert measured == {"Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage", "SoC"}
    central_system.call("ChangeConfiguration", key="MeterValueSampleInterval", value="5")
    central_system.call("ChangeConfiguration", key="MeterValuesSampledData", value="SoC")
    central_system.run(20)
    samples = central_system.taken("MeterValues")
    assert len(samples) == 4
    (sample,) = samples[0][1]["meterValue"][0]["sampledValue"]
    assert (sample["measurand"], sample["unit"]) == ("SoC", "Percent")
    central_system.call("ChangeConfiguration", key="MeterValueSampleInterval", value="0")
    central_system.run(60)
    assert central_system.taken("MeterValues") == []


def test_clock_aligned_values_come_at_the_full_interval() -> None:
    central_system = booted(ClockAlignedDataInterval="900", MeterValueSampleInterval="0")
    central_system.run(1000)  # from 12:00:00
    calls = central_system.taken("MeterValues")
    assert [payload["connectorId"] for _, payload in calls] == [1, 2]
    assert calls[0][1]["meterValue"][0]["timestamp"] == "2026-01-01T12:15:00.000Z"
    assert "transactionId" not in calls[0][1]


def test_readings_and_bill_agree() -> None:
    central_system = charging(MeterValueSampleInterval="60", MeterValuesSampledData="Energy.Active.Import.Register")
    central_system.run(1800)
    central_system.act(lambda: central_system.charge_point.connectors[1].present("TAG"))
    calls = central_system.taken("MeterValues", "StopTransaction")
    readings = [
        int(payload["meterValue"][0]["sampledValue"][0]["value"])
        for action, payload in calls
        if action == "MeterValues"
    ]
    assert readings == sorted(readings)
    assert readings[-1] <= calls[-1][1]["meterStop"]


def test_a_long_transaction_keeps_its_first_and_last_reading() -> None:
    central_system = charging(MeterValueSampleInterval="1")
    central_system.run(300)
    central_system.act(lambda: central_system.charge_point.connectors[1].present("TAG"))
    data = payload_of(central_system, "StopTransaction")["transactionData"]
    assert len(data) == 100
    contexts = [value["sampledValue"][0]["context"] for value in data]
    assert (contexts[0], contexts[-1]) == ("Transaction.Begin", "Transaction.End")
