"""Core: booting, starting and stopping at the charge point, idTags that may not charge, vendors' messages."""

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.conditions import TIME, condition_one_of

CASES = Cases("Core")


@CASES.case("TC_001", "Cold Boot Charge Point")
async def cold_boot_case(run: Run) -> None:
    charge_point = await run.charge_point(booted=False)
    confirmation = await charge_point.boot()
    await charge_point.statuses("Available")
    # The interval of step 2 is what a charge point would wait; nothing in csmsd depends on waiting for it.
    for _ in range(3):
        await charge_point.heartbeat()
    await run.operator.sees_connectors(charge_point, "Available", "Available", "Available", vendor="csms")
    assert confirmation["interval"] > 0


@CASES.case("TC_003", "Regular Charging Session - Plugin First")
async def plugin_first_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.status(1, "Preparing")
    await charge_point.authorize(run.id_tag)
    transaction = await charge_point.start(1, run.id_tag)
    await charge_point.status(1, "Charging")
    await run.operator.sees_transaction(
        transaction, charge_point=run.name, connector=1, id_tag=run.id_tag, state="active", meter_start_wh=1000
    )
    await run.operator.sees_connectors(charge_point, "Available", "Charging", "Available")


@CASES.case("TC_004_1", "Regular Charging Session – Identification First")
async def identification_first_case(run: Run) -> None:
    charge_point = await run.charge_point()
    transaction = await charge_point.charging(run.id_tag)
    await run.operator.sees_transaction(transaction, charge_point=run.name, id_tag=run.id_tag, state="active")
    await run.operator.sees_connectors(charge_point, "Available", "Charging", "Available")


@CASES.case("TC_004_2", "Regular Charging Session – Identification First - ConnectionTimeOut")
async def identification_first_connection_time_out_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.authorize(run.id_tag)
    await charge_point.status(1, "Preparing")
    await run.operator.sees_connectors(charge_point, "Available", "Preparing", "Available")
    await charge_point.status(1, "Available")
    await run.operator.sees_connectors(charge_point, "Available", "Available", "Available")
    await run.operator.sees_no_transaction(charge_point)


@CASES.case(
    "TC_005_1",
    "EV Side Disconnected - StopTransactionOnEVSideDisconnect = true - UnlockConnectorOnEVSideDisconnect = true",
)
async def ev_side_disconnected_case(run: Run) -> None:
    charge_point = await run.charge_point()
    transaction = await charge_point.charging(run.id_tag)
    await charge_point.status(1, "SuspendedEV")
    await charge_point.stop(transaction, "EVDisconnected", meter=3500)
    await charge_point.status(1, "Finishing")
    await charge_point.status(1, "Available")
    await run.operator.sees_transaction(
        transaction, state="stopped", stop_reason="EVDisconnected", meter_stop_wh=3500, energy_wh=2500
    )
    await run.operator.sees_connectors(charge_point, "Available", "Available", "Available")


@CASES.case("TC_007", "Regular Start Charging Session – Cached Id")
async def cached_id_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.status(1, "Preparing")
    transaction = await charge_point.start(1, run.id_tag)  # no Authorize before it
    await charge_point.status(1, "Charging")
    await run.operator.sees_transaction(transaction, id_tag=run.id_tag, id_tag_status="Accepted", state="active")


@CASES.case("TC_023_1", "Start Charging Session – Authorize invalid")
async def authorize_invalid_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.authorize(f"{run.name}-NOBODY", "Invalid")


@CASES.case("TC_023_2", "Start Charging Session – Authorize expired")
async def authorize_expired_case(run: Run) -> None:
    charge_point = await run.charge_point()
    expired = f"{run.name}-E"
    await run.operator.runs("tag", "add", expired, "--expires", "-1d")
    await charge_point.authorize(expired, "Expired", expiryDate=TIME)


@CASES.case("TC_023_3", "Start Charging Session – Authorize blocked")
async def authorize_blocked_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.authorize(run.id_tag)
    await run.operator.runs("tag", "block", run.id_tag)
    await charge_point.authorize(run.id_tag, "Blocked")


@CASES.case("TC_024", "Start Charging Session Lock Failure")
async def lock_failure_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.authorize(run.id_tag)
    await charge_point.status(1, "Preparing")
    await charge_point.status(1, "Faulted", error_code="ConnectorLockFailure")
    record = await run.operator.sees_connectors(charge_point, "Available", "Faulted", "Available")
    errors = {connector["connector"]: connector["error_code"] for connector in record["connectors"]}
    run.must_be({1: "ConnectorLockFailure"}, {1: errors[1]}, "the error codes in csmsctl status")
    await run.operator.sees_no_transaction(charge_point)


@CASES.case("TC_064", "Data Transfer to a Central System")
async def data_transfer_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.call(
        "DataTransfer",
        {"vendorId": "org.example.nobody", "messageId": "Hello", "data": "World"},
        {"status": condition_one_of("Rejected", "UnknownMessageId", "UnknownVendorId")},
    )
