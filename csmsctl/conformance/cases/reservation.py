"""Reservation: connectors and charge points that are kept free, and those that cannot be."""

import asyncio
from datetime import UTC, datetime, timedelta

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.charge_point import ChargePoint
from csmsctl.conformance.conditions import (
    POSITIVE,
    Payload,
    condition_about_time,
    read_time_for_condition,
    require_condition,
)

CASES = Cases("Reservation")

EXPIRY_SECONDS = 3  # the "Configured Expiry Date Offset"; a case waits for it


async def _reserve_in_case(
    run: Run,
    charge_point: ChargePoint,
    *more: str,
    connector: int = 1,
    expires: str = "+15m",
    parent: str | None = None,
    status: str = "Accepted",
) -> Payload:
    """`reserve-now` for the valid idTag; returns the payload of its CALL."""
    request: Payload = {
        "connectorId": connector,
        "expiryDate": condition_about_time(timedelta(minutes=15))
        if expires == "+15m"
        else condition_about_time(timedelta(seconds=EXPIRY_SECONDS)),
        "idTag": run.id_tag,
        "reservationId": POSITIVE,
    }
    if parent is not None:
        request["parentIdTag"] = parent
        more = (*more, "--parent-tag", parent)
    return await run.operator.sends(
        charge_point,
        *("reserve-now", run.name, "--connector", str(connector), "--tag", run.id_tag, "--expires", expires, *more),
        action="ReserveNow",
        request=request,
        answer={"status": status},
        outcome="accepted" if status == "Accepted" else "rejected",
    )


async def _sees_reservation_in_case(run: Run, reservation: int, **expected: object) -> None:
    await run.operator.sees(
        "reservations",
        {"id": reservation, "charge_point": run.name, "id_tag": run.id_tag} | expected,
        *("reservation", "show", str(reservation), "--charge-point", run.name),
    )


@CASES.case("TC_046", "Reservation of a Connector - Transaction")
async def reservation_transaction_case(run: Run) -> None:
    charge_point = await run.charge_point()
    reservation = (await _reserve_in_case(run, charge_point))["reservationId"]
    await charge_point.status(1, "Reserved")
    await _sees_reservation_in_case(run, reservation, connector=1, state="reserved")
    transaction = await charge_point.charging(run.id_tag, reservation=reservation)
    await _sees_reservation_in_case(run, reservation, state="used", transaction=transaction)
    await run.operator.sees_transaction(transaction, state="active", reservation=reservation)


@CASES.case("TC_047", "Reservation of a Connector - Expire")
async def reservation_expires_case(run: Run) -> None:
    charge_point = await run.charge_point()
    offset = timedelta(seconds=EXPIRY_SECONDS)
    begun = datetime.now(UTC)
    request = await _reserve_in_case(run, charge_point, expires=f"+{EXPIRY_SECONDS}s")
    expires_at = read_time_for_condition(request["expiryDate"])
    # What the operator typed, counted from some moment between then and now; times have milliseconds.
    earliest, latest = begun + offset - timedelta(milliseconds=1), datetime.now(UTC) + offset
    if not earliest <= expires_at <= latest:
        require_condition([f"expiryDate must be {offset} from now, and is {request['expiryDate']}"], "ReserveNow.req")
    await charge_point.status(1, "Reserved")
    await asyncio.sleep(max(0.0, (expires_at - datetime.now(UTC)).total_seconds()))
    await charge_point.status(1, "Available")
    await asyncio.sleep(0.2)
    await _sees_reservation_in_case(run, request["reservationId"], state="expired", transaction=None)
    await run.operator.sees_connectors(charge_point, "Available", "Available", "Available")


async def _cannot_be_reserved_in_case(run: Run, charge_point: ChargePoint, status: str) -> None:
    reservation = (await _reserve_in_case(run, charge_point, status=status))["reservationId"]
    await _sees_reservation_in_case(run, reservation, connector=1, state="failed", reason=status)


@CASES.case("TC_048_1", "Reservation of a Connector - Faulted")
async def reservation_faulted_case(run: Run) -> None:
    await _cannot_be_reserved_in_case(run, await run.charge_point(), "Faulted")


@CASES.case("TC_048_2", "Reservation of a Connector - Occupied")
async def reservation_occupied_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await charge_point.status(1, "Preparing")
    await _cannot_be_reserved_in_case(run, charge_point, "Occupied")


@CASES.case("TC_048_3", "Reservation of a Connector - Unavailable")
async def reservation_unavailable_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await run.operator.sends(
        charge_point,
        *("change-availability", run.name, "--connector", "1", "--type", "inoperative"),
        action="ChangeAvailability",
        request={"connectorId": 1, "type": "Inoperative"},
        answer={"status": "Accepted"},
    )
    await charge_point.status(1, "Unavailable")
    await _cannot_be_reserved_in_case(run, charge_point, "Unavailable")


@CASES.case("TC_048_4", "Reservation of a Connector - Rejected")
async def reservation_rejected_case(run: Run) -> None:
    await _cannot_be_reserved_in_case(run, await run.charge_point(), "Rejected")


@CASES.case("TC_049", "Reservation of a Charge Point - Transaction")
async def reservation_of_charge_point_case(run: Run) -> None:
    charge_point = await run.charge_point()
    reservation = (await _reserve_in_case(run, charge_point, connector=0))["reservationId"]
    await charge_point.status(1, "Reserved")
    await _sees_reservation_in_case(run, reservation, connector=0, state="reserved")
    # The reservation is for any connector.
    transaction = await charge_point.charging(run.id_tag, connector=2, reservation=reservation)
    await _sees_reservation_in_case(run, reservation, state="used", transaction=transaction)


async def _cancel_reservation_in_case(
    run: Run, charge_point: ChargePoint, reservation: int, *more: str, status: str = "Accepted"
) -> None:
    await run.operator.sends(
        charge_point,
        *("cancel-reservation", run.name, "--id", str(reservation), *more),
        action="CancelReservation",
        request={"reservationId": reservation},
        answer={"status": status},
        outcome="accepted" if status == "Accepted" else "rejected",
    )


@CASES.case("TC_051", "Cancel Reservation")
async def cancel_reservation_case(run: Run) -> None:
    charge_point = await run.charge_point()
    reservation = (await _reserve_in_case(run, charge_point))["reservationId"]
    await charge_point.status(1, "Reserved")
    await _cancel_reservation_in_case(run, charge_point, reservation)
    await charge_point.status(1, "Available")
    await _sees_reservation_in_case(run, reservation, state="cancelled", transaction=None)


@CASES.case("TC_052", "Cancel Reservation - Rejected")
async def cancel_reservation_rejected_case(run: Run) -> None:
    charge_point = await run.charge_point()
    reservation = (await _reserve_in_case(run, charge_point))["reservationId"]
    await charge_point.status(1, "Reserved")
    # csmsctl warns of an id that it does not know; the charge point is the one that answers.
    await _cancel_reservation_in_case(run, charge_point, reservation + 1_000_000, "--force", status="Rejected")
    await _sees_reservation_in_case(run, reservation, state="reserved")


@CASES.case("TC_053", "Use a reserved Connector with parentIdTag")
async def reservation_with_parent_case(run: Run) -> None:
    parent, other = f"{run.name}-P", f"{run.name}-B"
    for tag in (run.id_tag, other):
        await run.prepare("tag.add", id=tag, parent=parent)
    charge_point = await run.charge_point()
    reservation = (await _reserve_in_case(run, charge_point, parent=parent))["reservationId"]
    await charge_point.status(1, "Reserved")
    transaction = await charge_point.charging(run.id_tag, reservation=reservation, parentIdTag=parent)
    await charge_point.authorize(other, parentIdTag=parent)
    await charge_point.stop(transaction, "Local", id_tag=other, parentIdTag=parent)
    await charge_point.status(1, "Finishing")
    await _sees_reservation_in_case(run, reservation, parent_id_tag=parent, state="used", transaction=transaction)
    await run.operator.sees_transaction(transaction, state="stopped", id_tag=run.id_tag, stop_id_tag=other)
