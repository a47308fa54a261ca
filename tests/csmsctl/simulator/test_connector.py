"""A connector: plugged, presented a card to, charging, broken, and what it says of it."""

import pytest

from csmsd.ocpp.types import IdTagInfo
from csmsd.profiles.core.stop_transaction import StopTransactionConf
from tests.csmsctl.simulator.central_system import booted, charging, payload_of


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
    central_system.id_tag_info = {"status": "Accepted", "parentIdTag": "family"}
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
