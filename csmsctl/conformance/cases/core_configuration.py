"""Core: reading and changing configuration keys."""

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.charge_point import CONNECTORS, ChargePoint
from csmsctl.conformance.conditions import Payload

CASES = Cases("Core")

# Key → value and whether it is read-only: all that the document requires for TC_019_1.
_KEYS = {
    "AuthorizeRemoteTxRequests": ("false", False),
    "ClockAlignedDataInterval": ("900", False),
    "ConnectionTimeOut": ("60", False),
    "ConnectorPhaseRotation": ("0.RST,1.RST,2.RST", False),
    "GetConfigurationMaxKeys": ("50", True),
    "HeartbeatInterval": ("300", False),
    "LocalAuthorizeOffline": ("true", False),
    "LocalPreAuthorize": ("false", False),
    "MeterValuesAlignedData": ("Energy.Active.Import.Register", False),
    "MeterValuesSampledData": ("Energy.Active.Import.Register", False),
    "MeterValueSampleInterval": ("300", False),
    "NumberOfConnectors": (str(CONNECTORS), True),
    "ResetRetries": ("1", False),
    "StopTransactionOnEVSideDisconnect": ("true", False),
    "StopTransactionOnInvalidId": ("true", False),
    "StopTxnAlignedData": ("", False),
    "StopTxnSampledData": ("", False),
    "SupportedFeatureProfiles": (
        "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
        True,
    ),
    "TransactionMessageAttempts": ("3", False),
    "TransactionMessageRetryInterval": ("10", False),
    "UnlockConnectorOnEVSideDisconnect": ("true", False),
    "LocalAuthListEnabled": ("true", False),
    "LocalAuthListMaxLength": ("100", True),
    "SendLocalListMaxLength": ("20", True),
    "ChargeProfileMaxStackLevel": ("8", True),
    "ChargingScheduleAllowedChargingRateUnit": ("Current,Power", True),
    "ChargingScheduleMaxPeriods": ("24", True),
    "MaxChargingProfilesInstalled": ("10", True),
}


def _reported_in_configuration_case(*keys: str) -> list[Payload]:
    return [{"key": key, "readonly": _KEYS[key][1], "value": _KEYS[key][0]} for key in keys]


async def _sees_keys_in_configuration_case(run: Run, charge_point: ChargePoint, expected: dict[str, str]) -> None:
    record = await run.operator.sees("charge_points", {"id": run.name}, "cp", "show", charge_point.identity)
    found = {key["key"]: key["value"] for key in record["configuration"]}
    shown = {key: found[key] for key in expected if key in found}
    run.must_be(expected, shown, f"the configuration in csmsctl cp show {charge_point.identity}")


@CASES.case("TC_019_1", "Retrieve all configuration keys")
async def retrieve_all_keys_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await run.operator.sends(
        charge_point,
        *("get-configuration", charge_point.identity),
        action="GetConfiguration",
        request={},
        answer={"configurationKey": _reported_in_configuration_case(*_KEYS)},
    )
    await _sees_keys_in_configuration_case(run, charge_point, {key: value for key, (value, _) in _KEYS.items()})


@CASES.case("TC_019_2", "Retrieve specific configuration key")
async def retrieve_one_key_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await run.operator.sends(
        charge_point,
        *("get-configuration", charge_point.identity, "--key", "SupportedFeatureProfiles"),
        action="GetConfiguration",
        request={"key": ["SupportedFeatureProfiles"]},
        answer={"configurationKey": _reported_in_configuration_case("SupportedFeatureProfiles")},
    )
    await _sees_keys_in_configuration_case(
        run, charge_point, {"SupportedFeatureProfiles": _KEYS["SupportedFeatureProfiles"][0]}
    )


async def _change_in_configuration_case(
    run: Run, charge_point: ChargePoint, key: str, value: str, *more: str, status: str = "Accepted"
) -> None:
    await run.operator.sends(
        charge_point,
        *("change-configuration", charge_point.identity, "--set", f"{key}={value}", *more),
        action="ChangeConfiguration",
        request={"key": key, "value": value},
        answer={"status": status},
        outcome="accepted" if status == "Accepted" else "rejected",
    )


@CASES.case("TC_021", "Change/set Configuration")
async def change_configuration_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _change_in_configuration_case(run, charge_point, "MeterValueSampleInterval", "60")
    await _sees_keys_in_configuration_case(run, charge_point, {"MeterValueSampleInterval": "60"})


@CASES.case("TC_040_1", "Configuration keys")
async def change_unknown_key_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _change_in_configuration_case(run, charge_point, "NoSuchKey", "1", "--force", status="NotSupported")


@CASES.case("TC_040_2", "Configuration Keys")
async def change_to_wrong_value_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _change_in_configuration_case(
        run, charge_point, "MeterValueSampleInterval", "-1", "--force", status="Rejected"
    )
