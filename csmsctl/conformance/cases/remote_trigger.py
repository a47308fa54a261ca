"""Remote Trigger: messages that are asked for."""

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.charge_point import CONNECTORS, ChargePoint
from csmsctl.conformance.conditions import Payload, now_for_condition, require_condition

CASES = Cases("Remote Trigger")


async def _trigger_in_case(
    run: Run,
    charge_point: ChargePoint,
    message: str,
    *more: str,
    connector: int | None = None,
    status: str = "Accepted",
) -> None:
    request: Payload = {"requestedMessage": message}
    if connector is not None:
        request["connectorId"] = connector
        more = ("--connector", str(connector), *more)
    await run.operator.sends(
        charge_point,
        *("trigger-message", run.name, "--message", message, *more),
        action="TriggerMessage",
        request=request,
        answer={"status": status},
        outcome="accepted" if status == "Accepted" else "rejected",
    )


@CASES.case("TC_054", "Trigger Message")
async def trigger_message_case(run: Run) -> None:
    charge_point = await run.charge_point()
    transaction = await charge_point.charging(run.id_tag)
    await _trigger_in_case(run, charge_point, "MeterValues", connector=1)
    sample = {
        "value": "1234",
        "context": "Trigger",
        "measurand": "Energy.Active.Import.Register",
        "unit": "Wh",
    }
    await charge_point.call(
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": transaction,
            "meterValue": [{"timestamp": now_for_condition(), "sampledValue": [sample]}],
        },
        {},
    )
    await _trigger_in_case(run, charge_point, "Heartbeat")
    await charge_point.heartbeat()
    await _trigger_in_case(run, charge_point, "StatusNotification", connector=1)
    await charge_point.status(1, "Charging")
    await _trigger_in_case(run, charge_point, "DiagnosticsStatusNotification")
    await charge_point.call("DiagnosticsStatusNotification", {"status": "Idle"}, {})
    await _trigger_in_case(run, charge_point, "FirmwareStatusNotification")
    await charge_point.call("FirmwareStatusNotification", {"status": "Idle"}, {})
    document = await run.operator.runs("tx", "meter", str(transaction))
    values = [part["value"] for value in document["meter_values"] for part in value["samples"]]
    require_condition(
        [] if values == ["1234"] else [f"must show 1234, and shows {values}"], f"csmsctl tx meter {transaction}"
    )


@CASES.case("TC_055", "Trigger Message - Rejected")
async def trigger_message_rejected_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _trigger_in_case(run, charge_point, "MeterValues", "--force", connector=CONNECTORS + 1, status="Rejected")
