"""Configuration keys: flags, values that are taken and refused, secrets that stay inside."""

import pytest

from csmsctl.simulator.configuration import MAX_KEYS
from csmsd.ocpp.errors import OcppError
from tests.csmsctl.simulator.central_system import CentralSystem, Payload, booted

# C 9.1: required keys and whether they are readonly (for AuthorizeRemoteTxRequests the charge point has the choice).
REQUIRED = {
    "AuthorizeRemoteTxRequests": False,
    "ClockAlignedDataInterval": False,
    "ConnectionTimeOut": False,
    "ConnectorPhaseRotation": False,
    "GetConfigurationMaxKeys": True,
    "HeartbeatInterval": False,
    "LocalAuthorizeOffline": False,
    "LocalPreAuthorize": False,
    "MeterValuesAlignedData": False,
    "MeterValuesSampledData": False,
    "MeterValueSampleInterval": False,
    "NumberOfConnectors": True,
    "ResetRetries": False,
    "StopTransactionOnEVSideDisconnect": False,
    "StopTransactionOnInvalidId": False,
    "StopTxnAlignedData": False,
    "StopTxnSampledData": False,
    "SupportedFeatureProfiles": True,
    "TransactionMessageAttempts": False,
    "TransactionMessageRetryInterval": False,
    "UnlockConnectorOnEVSideDisconnect": False,
}


def reported(central_system: CentralSystem, *keys: str) -> dict[str, Payload]:
    answer = central_system.call("GetConfiguration", **({"key": list(keys)} if keys else {}))
    return {entry["key"]: entry for entry in answer["configurationKey"]}


def test_all_required_keys_are_there_with_the_right_flag() -> None:
    keys = reported(booted())
    assert {name: keys[name]["readonly"] for name in REQUIRED} == REQUIRED
    assert keys["NumberOfConnectors"]["value"] == "2"
    assert set(keys["SupportedFeatureProfiles"]["value"].split(",")) >= {"Core", "RemoteTrigger"}
    assert len(keys) <= MAX_KEYS


def test_unknown_keys_are_listed_and_names_are_found_in_any_case() -> None:
    answer = booted().call("GetConfiguration", key=["heartbeatinterval", "Nonsense"])
    assert answer == {
        "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
        "unknownKey": ["Nonsense"],
    }


def test_more_keys_than_it_takes_are_a_call_error() -> None:
    code, *_ = booted().call("GetConfiguration", key=["HeartbeatInterval"] * (MAX_KEYS + 1))
    assert code == "OccurenceConstraintViolation"
    with pytest.raises(OcppError):
        booted().charge_point.configuration.report(["A"] * (MAX_KEYS + 1))


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("MeterValueSampleInterval", "15", "Accepted"),
        ("metervaluesampleinterval", "15", "Accepted"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
        ("MeterValueSampleInterval", "--1", "Rejected"),
        ("MeterValueSampleInterval", "soon", "Rejected"),
        ("MeterValueSampleInterval", "", "Rejected"),
        ("MeterValueSampleInterval", "1.5", "Rejected"),
        ("MeterValueSampleInterval", "9" * 400, "Rejected"),
        ("WebSocketPingInterval", "-5", "Rejected"),  # C 9.1.34
        ("LocalPreAuthorize", "TRUE", "Accepted"),
        ("LocalPreAuthorize", "yes", "Rejected"),
        ("MeterValuesSampledData", "Energy.Active.Import.Register, Voltage.L1", "Accepted"),
        ("MeterValuesSampledData", "Nonsense", "Rejected"),
        ("MeterValuesSampledData", "", "Accepted"),
        ("MeterValuesSampledData", ",".join(["SoC"] * 11), "Rejected"),
        ("ConnectorPhaseRotation", "0.RST, 1.STR", "Accepted"),
        ("ConnectorPhaseRotation", "sideways", "Rejected"),
        ("NumberOfConnectors", "4", "Rejected"),
        ("SupportedFeatureProfiles", "Core", "Rejected"),
        ("Nonsense", "1", "NotSupported"),
        ("AuthorizationKey", "too short", "Rejected"),
        ("ConnectorMaxPower", "11000", "RebootRequired"),
    ],
)
def test_change_configuration(key: str, value: str, status: str) -> None:
    assert booted().call("ChangeConfiguration", key=key, value=value) == {"status": status}


def test_the_password_is_never_reported_and_is_used_at_once() -> None:
    central_system = booted()
    assert central_system.call("ChangeConfiguration", key="AuthorizationKey", value="0123456789abcdef") == {
        "status": "Accepted"
    }
    assert central_system.charge_point.password == "0123456789abcdef"
    central_system.run(5)
    assert [notice.event for notice in central_system.notices].count("connected") == 2
    assert "AuthorizationKey" not in reported(central_system)
    assert reported(central_system, "AuthorizationKey") == {
        "AuthorizationKey": {"key": "AuthorizationKey", "readonly": False}
    }


def test_reboot_required_takes_effect_with_the_reboot() -> None:
    central_system = booted()
    central_system.call("ChangeConfiguration", key="ConnectorMaxPower", value="11000")
    assert reported(central_system)["ConnectorMaxPower"]["value"] == "22000"
    central_system.call("Reset", type="Hard")
    central_system.run(10)
    assert reported(central_system)["ConnectorMaxPower"]["value"] == "11000"
    assert central_system.charge_point.connectors[1].meter.rating_w == 11_000


def test_settings_to_begin_with_are_checked() -> None:
    with pytest.raises(ValueError, match="HeartbeatInterval=never"):
        booted(HeartbeatInterval="never")
