"""Its configuration: told, and changed."""

from csmsctl.commissioning.ends import Failed
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.visit import Visit

STEPS = Steps()

_WRITABLE = ("HeartbeatInterval", "ConnectionTimeOut", "MeterValueSampleInterval")  # by C 9

# Required in C 9, by feature profile; CE 3.79 took StopTransactionOnEVSideDisconnect from the list.
_REQUIRED = {
    "Core": (
        "AuthorizeRemoteTxRequests",
        "ClockAlignedDataInterval",
        "ConnectionTimeOut",
        "ConnectorPhaseRotation",
        "GetConfigurationMaxKeys",
        "HeartbeatInterval",
        "LocalAuthorizeOffline",
        "LocalPreAuthorize",
        "MeterValuesAlignedData",
        "MeterValuesSampledData",
        "MeterValueSampleInterval",
        "NumberOfConnectors",
        "ResetRetries",
        "StopTransactionOnInvalidId",
        "StopTxnAlignedData",
        "StopTxnSampledData",
        "SupportedFeatureProfiles",
        "TransactionMessageAttempts",
        "TransactionMessageRetryInterval",
        "UnlockConnectorOnEVSideDisconnect",
    ),
    "LocalAuthListManagement": ("LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength"),
    "SmartCharging": (
        "ChargeProfileMaxStackLevel",
        "ChargingScheduleAllowedChargingRateUnit",
        "ChargingScheduleMaxPeriods",
        "MaxChargingProfilesInstalled",
    ),
}


@STEPS.step("configuration", "Tells its configuration, and takes a change", quick=True)
def configuration_step(visit: Visit) -> None:
    """C 5.8, 5.3, 9. The change is a value that it has already."""
    number = visit.ask_configuration()
    keys = visit.configuration()
    visit.saw(f"{number} keys; feature profiles: {', '.join(visit.words('SupportedFeatureProfiles')) or 'not told'}")
    for name in _WRITABLE:
        key = keys.get(name.casefold())
        if key is not None and key.value and not key.readonly:
            visit.accepted("change-configuration", set=[f"{key.name}={key.value}"])
            visit.saw(f"{key.name}={key.value} written back")
            break
    else:
        visit.saw(f"nothing was written: neither of {', '.join(_WRITABLE)} can be")
    missing = [
        key
        for profile, required in _REQUIRED.items()
        if visit.supports(profile)
        for key in required
        if key.casefold() not in keys
    ]
    if missing:
        raise Failed(
            f"required keys are missing: {', '.join(missing)} (C 9)", "csms gets along without; tell its vendor."
        )
