"""Who it is: the link, the boot, the clock, the configuration."""

from typing import Any

from csmsctl.commissioning.ends import Failed, Skipped
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.visit import Message, Visit, said
from csmsd.ocpp.timestamps import parse_time

STEPS = Steps()

_ROUND_TRIPS = 3
_CLOCK_TOLERANCE_S = 10
_LOOKED_THROUGH = 500  # messages in the log, for a time of the charge point

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


@STEPS.step("link", "Connected, and answers", quick=True)
def link(visit: Visit) -> None:
    """J 3: the WebSocket is there, and a harmless CALL comes back."""
    record = visit.record()
    while not record["connected"]:
        if visit.person is None:
            raise Failed(
                f"{visit.charge_point} is not connected",
                f"Its URL is {visit.url()}; who knocks and is refused: csmsctl cp pending",
            )
        visit.do(f"{visit.charge_point} is not connected. Its URL is {visit.url()}; switch it on.")
        record = visit.record()
    protocol = "ocpp1.6 not demanded" if record["subprotocol_optional"] else "subprotocol ocpp1.6"
    visit.saw(f"connected from {record['address']}, {protocol}, security profile {record['security_profile']}")
    durations = []
    for _ in range(_ROUND_TRIPS):
        [result] = visit.operation("get-configuration", key=["HeartbeatInterval"])
        if result["outcome"] != "accepted":
            raise Failed(said(result), "It is connected and does not answer; see: csmsctl log " + visit.charge_point)
        durations.append(result["duration_ms"] or 0)
    visit.saw(f"answers within {max(durations)} ms")


@STEPS.step("boot", "Booted, and said who it is", quick=True)
def boot(visit: Visit) -> None:
    """C 4.2. From the record: an accepted charge point is not asked to boot once more (CE 3.40)."""
    record = visit.record()
    if record["boot_status"] is None or record["booted_at"] is None:
        raise Failed("it never sent a BootNotification", "Switch it off and on again.")
    if record["boot_status"] != "Accepted":
        raise Failed(f"its registration is {record['boot_status']}", f"csmsctl cp accept {visit.charge_point}")
    missing = [name for name in ("vendor", "model") if not record[name]]
    if missing:
        raise Failed(f"its BootNotification has no {' and no '.join(missing)}", "Both are required (C 6.3).")
    details = [
        f"{name.replace('_', ' ')} {record[name]}" for name in ("firmware_version", "serial_number") if record[name]
    ]
    visit.saw(", ".join([f"{record['vendor']} {record['model']}", *details, f"booted at {record['booted_at']}"]))


@STEPS.step("clock", "Has the right time", quick=True)
def clock(visit: Visit) -> None:
    """C 4.2, 4.6: the charge point takes the time from us. Its transactions are booked with it."""
    found = _triggered_time(visit) or _logged_time(visit)
    if found is None:
        raise Skipped("it has told no time yet")
    text, came_at = found
    time, received = parse_time(text), parse_time(came_at)
    if time is None or received is None:
        raise Failed(f"{text!r} is no time (C 3.14)", "Tell its vendor; csms books such messages when they come.")
    skew = (time - received) / 1000
    if abs(skew) > _CLOCK_TOLERANCE_S:
        raise Failed(
            f"its clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}: it says {text} at {came_at}",
            "It should set its clock by BootNotification and Heartbeat (C 4.2, 4.6). A whole number of hours is a "
            "time zone: csmsctl cp set --time-zone helps where its times name none.",
        )
    visit.saw(f"its clock is within {max(1, round(abs(skew)))} s of ours")


def _triggered_time(visit: Visit) -> tuple[str, str] | None:
    """A time that it writes now."""
    for action in ("StatusNotification", "MeterValues") if visit.supports("RemoteTrigger") else ():
        visit.forget()
        [result] = visit.operation("trigger-message", message=action, connector=visit.connector)
        if result["outcome"] == "accepted":
            try:
                found = _time_of(visit.message(action))
            except Failed:
                continue  # the step on triggers tells of it
            if found is not None:
                return found
    return None


def _logged_time(visit: Visit) -> tuple[str, str] | None:
    """The newest that it wrote in a status; one from a backlog would be old."""
    import json

    messages = visit.call("log.list", targets=[visit.charge_point], limit=_LOOKED_THROUGH)["messages"]
    for message in reversed(messages):
        try:
            frame = json.loads(message["text"])
            if message["direction"] == "in" and frame[0] == 2 and frame[2] == "StatusNotification":
                found = _time_of(Message(frame[3], message["time"]))
                if found is not None:
                    return found
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
    return None


def _time_of(message: Message) -> tuple[str, str] | None:
    """The charge point's time in a message, and ours when it came."""
    values: Any = message.payload.get("meterValue")
    holder = values[0] if isinstance(values, list) and values and isinstance(values[0], dict) else message.payload
    text = holder.get("timestamp")
    return (text, message.time) if isinstance(text, str) else None


@STEPS.step("configuration", "Tells its configuration, and takes a change", quick=True)
def configuration(visit: Visit) -> None:
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
