"""Core: what operators make a charge point do: start, stop, reset, unlock, forget."""

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.charge_point import CONNECTORS, ChargePoint
from csmsctl.conformance.conditions import Payload

CASES = Cases("Core")

ACCEPTED: Payload = {"status": "Accepted"}
REJECTED: Payload = {"status": "Rejected"}


async def _remote_start_in_case(run: Run, charge_point: ChargePoint, answer: Payload = ACCEPTED) -> None:
    await run.operator.sends(
        charge_point,
        *("remote-start", charge_point.identity, "--tag", run.id_tag, "--connector", "1"),
        action="RemoteStartTransaction",
        request={"connectorId": 1, "idTag": run.id_tag},
        answer=answer,
        outcome="accepted" if answer == ACCEPTED else "rejected",
    )


@CASES.case("TC_061", "Clear Authorization Data in Authorization Cache")
async def clear_cache_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await run.operator.sends(
        charge_point, "clear-cache", charge_point.identity, action="ClearCache", request={}, answer=ACCEPTED
    )


@CASES.case("TC_010", "Remote Start Charging Session – Cable Plugged in First")
async def remote_start_cable_first_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.status(1, "Preparing")
    await _remote_start_in_case(run, charge_point)
    await charge_point.authorize(run.id_tag)
    transaction = await charge_point.start(1, run.id_tag)
    await charge_point.status(1, "Charging")
    await run.operator.sees_transaction(transaction, state="active", id_tag=run.id_tag)


@CASES.case("TC_011_1", "Remote Start Charging Session – Remote Start First")
async def remote_start_first_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _remote_start_in_case(run, charge_point)
    await charge_point.authorize(run.id_tag)
    await charge_point.status(1, "Preparing")
    transaction = await charge_point.start(1, run.id_tag)
    await charge_point.status(1, "Charging")
    await run.operator.sees_transaction(transaction, state="active", id_tag=run.id_tag)


@CASES.case("TC_011_2", "Remote Start Charging Session – Time Out")
async def remote_start_time_out_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _remote_start_in_case(run, charge_point)
    await charge_point.authorize(run.id_tag)
    await charge_point.status(1, "Preparing")
    await charge_point.status(1, "Available")
    await run.operator.sees_connectors(charge_point, "Available", "Available", "Available")
    await run.operator.sees_no_transaction(charge_point)  # accepted is not started


@CASES.case("TC_012", "Remote Stop Charging Session")
async def remote_stop_case(run: Run) -> None:
    charge_point = await run.charge_point()
    transaction = await charge_point.charging(run.id_tag)
    await run.operator.sends(
        charge_point,
        *("remote-stop", charge_point.identity),
        action="RemoteStopTransaction",
        request={"transactionId": transaction},
        answer=ACCEPTED,
    )
    await charge_point.stop(transaction, "Remote")
    await charge_point.status(1, "Finishing")
    await charge_point.status(1, "Available")
    await run.operator.sees_transaction(transaction, state="stopped", stop_reason="Remote", energy_wh=2500)


async def _reset_in_case(run: Run, kind: str) -> None:
    charge_point = await run.charge_point()
    await run.operator.sends(
        charge_point,
        *("reset", charge_point.identity, "--type", kind.lower()),
        action="Reset",
        request={"type": kind},
        answer=ACCEPTED,
    )
    await charge_point.disconnect()
    await charge_point.connect()
    await charge_point.boot(firmware_version="1.0.1")
    await charge_point.statuses("Available")
    await run.operator.sees_connectors(
        charge_point, "Available", "Available", "Available", firmware_version="1.0.1", reboot_required=False
    )


@CASES.case("TC_013", "Hard Reset")
async def hard_reset_case(run: Run) -> None:
    await _reset_in_case(run, "Hard")


@CASES.case("TC_014", "Soft Reset")
async def soft_reset_case(run: Run) -> None:
    await _reset_in_case(run, "Soft")


async def _unlock_in_case(run: Run, charge_point: ChargePoint, status: str, *more: str, connector: int = 1) -> None:
    await run.operator.sends(
        charge_point,
        *("unlock-connector", charge_point.identity, "--connector", str(connector), *more),
        action="UnlockConnector",
        request={"connectorId": connector},
        answer={"status": status},
        outcome="accepted" if status == "Unlocked" else "rejected",
    )


@CASES.case("TC_017_1", "Unlock connector - no charging session running (Not fixed cable)")
async def unlock_case(run: Run) -> None:
    await _unlock_in_case(run, await run.charge_point(), "Unlocked")


@CASES.case("TC_017_2", "Unlock connector - no charging session running (Fixed cable)")
async def unlock_fixed_cable_case(run: Run) -> None:
    await _unlock_in_case(run, await run.charge_point(), "NotSupported")


@CASES.case("TC_018_1", "Unlock Connector - With Charging Session (Not fixed cable)")
async def unlock_while_charging_case(run: Run) -> None:
    charge_point = await run.charge_point()
    transaction = await charge_point.charging(run.id_tag)
    await _unlock_in_case(run, charge_point, "Unlocked")
    await charge_point.status(1, "Finishing")
    await charge_point.stop(transaction, "UnlockCommand")
    await charge_point.status(1, "Available")
    await run.operator.sees_transaction(transaction, state="stopped", stop_reason="UnlockCommand")
    await run.operator.sees_connectors(charge_point, "Available", "Available", "Available")


@CASES.case("TC_026", "Remote Start Charging Session – Rejected")
async def remote_start_rejected_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _remote_start_in_case(run, charge_point, REJECTED)
    await run.operator.sees_no_transaction(charge_point)


@CASES.case("TC_028", "Remote Stop Transaction – Rejected")
async def remote_stop_rejected_case(run: Run) -> None:
    charge_point = await run.charge_point()
    transaction = await charge_point.charging(run.id_tag)
    unknown = transaction + 1_000_000
    # csmsctl warns of an id that it does not know; the charge point is the one that answers.
    await run.operator.sends(
        charge_point,
        *("remote-stop", charge_point.identity, "--transaction", str(unknown), "--force"),
        action="RemoteStopTransaction",
        request={"transactionId": unknown},
        answer=REJECTED,
        outcome="rejected",
    )
    await run.operator.sees_transaction(transaction, state="active", stop_time=None)


@CASES.case("TC_030", "Unlock Connector – Unlock Failure")
async def unlock_failure_case(run: Run) -> None:
    await _unlock_in_case(run, await run.charge_point(), "UnlockFailed")


@CASES.case("TC_031", "Unlock Connector – Unknown Connector")
async def unlock_unknown_connector_case(run: Run) -> None:
    await _unlock_in_case(run, await run.charge_point(), "NotSupported", "--force", connector=CONNECTORS + 1)
