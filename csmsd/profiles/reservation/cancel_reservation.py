"""CancelReservation (C 5.1): give up a reservation."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Integer, Message
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.record import Change, Event
from csmsd.profiles.refusal import NotThere


class CancelReservationReq(Message, kw_only=True):
    reservation_id: Integer


class CancelReservationConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected"]


def _check(request: CancelReservationReq, target: Target) -> str | None:
    known = target.site.reservations.get(target.charge_point.id, request.reservation_id)
    if known is None:
        raise NotThere(f"reservation {request.reservation_id} is not known on {target.charge_point.id}")
    return None if known.active else f"reservation {request.reservation_id} is {known.state} already"


def _settle(
    request: CancelReservationReq, confirmation: CancelReservationConf, target: Target
) -> tuple[list[Change], list[Event]]:
    changes, events = target.site.reservations.cancelled(
        target.charge_point.id, request.reservation_id, confirmation.status == "Accepted", target.now
    )
    return [*changes], events


def _why(request: CancelReservationReq, confirmation: CancelReservationConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return None
    try:
        return _check(request, target)
    except NotThere as error:
        return str(error)


OUTGOING = Outgoing(CancelReservationReq, CancelReservationConf, check=_check, settle=_settle, why=_why)


class CancelReservation(Operation, kw_only=True):
    """Cancel a reservation."""

    command: ClassVar[str] = "cancel-reservation"
    example: ClassVar[str] = "csmsctl cancel-reservation CP1 --id 1"
    reception: ClassVar[bool] = True

    id: Annotated[int, Meta(description="Reservation id", extra={"complete": "reservations"})]

    def steps(self, target: Target) -> Steps:
        yield CancelReservationReq(reservation_id=self.id)
