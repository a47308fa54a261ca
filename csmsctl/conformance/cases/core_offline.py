"""Core: power failures, and what charge points did while they were offline."""

from datetime import UTC, datetime, timedelta

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.conditions import write_time_for_condition

CASES = Cases("Core")


def _ago_in_offline_case(minutes: int) -> str:
    return write_time_for_condition(datetime.now(UTC) - timedelta(minutes=minutes))


@CASES.case("TC_032_1", "Power failure boot charging point-configured to stop transaction(s)")
async def power_failure_case(run: Run) -> None:
    charge_point = await run.charge_point()
    transaction = await charge_point.charging(run.id_tag)
    await charge_point.lose_power()
    await charge_point.connect()
    await charge_point.boot()
    await charge_point.statuses("Available", of_others={1: "Finishing"})
    await charge_point.stop(transaction, "PowerLoss")
    await run.operator.sees_transaction(transaction, state="stopped", stop_reason="PowerLoss", energy_wh=2500)
    await run.operator.sees_connectors(charge_point, "Available", "Finishing", "Available")


@CASES.case("TC_037_1", "Offline Start Transaction - Valid IdTag")
async def offline_start_valid_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.lose_power()
    begun = _ago_in_offline_case(minutes=10)
    await charge_point.connect()
    transaction = await charge_point.start(1, run.id_tag, at=begun)
    await charge_point.status(1, "Charging")
    # What was queued is processed as anything else is (C 3.7): under its own time.
    await run.operator.sees_transaction(transaction, state="active", start_time=begun, id_tag_status="Accepted")


@CASES.case("TC_037_3", "Offline Start Transaction - Invalid IdTag - StopTransactionOnInvalidId = true")
async def offline_start_invalid_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.lose_power()
    begun = _ago_in_offline_case(minutes=10)
    await charge_point.connect()
    transaction = await charge_point.start(1, f"{run.name}-NOBODY", status="Invalid", at=begun)
    await charge_point.status(1, "Charging")
    await charge_point.stop(transaction, "DeAuthorized", meter=1010)
    await charge_point.status(1, "Finishing")
    # The energy was used all the same: the books have it, and that the idTag was not valid.
    await run.operator.sees_transaction(
        transaction, state="stopped", stop_reason="DeAuthorized", id_tag_status="Invalid", energy_wh=10
    )


@CASES.case("TC_039", "Offline Transaction")
async def offline_transaction_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.lose_power()
    begun, ended = _ago_in_offline_case(minutes=20), _ago_in_offline_case(minutes=5)
    await charge_point.connect()
    transaction = await charge_point.start(1, run.id_tag, at=begun)
    await charge_point.stop(transaction, "Local", at=ended, id_tag=run.id_tag)
    await run.operator.sees_transaction(
        transaction, state="stopped", start_time=begun, stop_time=ended, duration_s=900, energy_wh=2500
    )
