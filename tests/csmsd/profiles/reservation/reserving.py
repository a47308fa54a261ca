"""A scene whose operator reserves."""

from typing import Any

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles import operations, outgoing
from csmsd.profiles.record import Change, Event
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.reservation.reserve_now import ReserveNowReq
from tests.csmsd.profiles.scene import HOUR, Scene


class Reserving(Scene):
    """What is sent goes the way of the runner."""

    def __init__(self) -> None:
        self.told: list[str] = []
        super().__init__()
        self.tag("TAG2", parent="FAMILY")

    def reserve(self, answer: str | None = "Accepted", **fields: Any) -> Reservation:
        """reserve-now for TAG1 on connector 1 for an hour, unless told otherwise; None: no answer comes."""
        request = self.ask(**fields)
        if answer is not None:
            self.answer(request, answer)
        return self.reservation(request.reservation_id)

    def ask(self, *, of: str = "CP1", **fields: Any) -> ReserveNowReq:
        """Gives the command, and records the intention."""
        values = {"connector": 1, "tag": "TAG1", "expires": format_timestamp(self.now + HOUR), **fields}
        (request,) = operations()["reserve-now"](**values).steps(self.target(of))
        assert isinstance(request, ReserveNowReq)
        declared = outgoing()["ReserveNow"]
        assert declared.intend is not None
        self.keep(*declared.intend(request, self.target(of)))
        return request

    def answer(self, request: ReserveNowReq, answer: str, *, of: str = "CP1") -> None:
        """What became of a request: a status, or the outcome of a task that has no answer."""
        declared = outgoing()["ReserveNow"]
        assert declared.settle is not None
        assert declared.unconfirmed is not None
        if answer in ("timeout", "not_connected", "call_error", "unknown", "not_sent"):
            self.keep(*declared.unconfirmed(request, answer, self.target(of)))
        else:
            self.keep(*declared.settle(request, declared.confirmation(status=answer), self.target(of)))

    def keep(self, changes: list[Change], events: list[Event]) -> None:
        super().keep(changes, events)
        self.told += [event.type for event in events]

    def cancel(self, number: int, answer: str = "Accepted") -> None:
        self.confirmed("CancelReservation", {"reservationId": number}, {"status": answer})

    def reservation(self, number: int, of: str = "CP1") -> Reservation:
        found = self.site.reservations.get(of, number)
        assert found is not None
        return found
