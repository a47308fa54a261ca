"""A scene whose operator reserves."""

from typing import Any

from csmsd.ocpp.timestamps import format_time
from csmsd.profiles import operations, outgoing
from csmsd.profiles.reservation.reservations import Reservation
from tests.profiles.scene import HOUR, Scene, assert_storable


class Reserving(Scene):
    """What is sent goes the way of the runner."""

    def __init__(self) -> None:
        super().__init__()
        self.tag("TAG2", parent="FAMILY")
        self.told: list[str] = []

    def reserve(self, answer: str | None = "Accepted", **fields: Any) -> Reservation:
        """reserve-now for TAG1 on connector 1 for an hour, unless told otherwise; None: no answer comes."""
        values = {"connector": 1, "tag": "TAG1", "expires": format_time(self.now + HOUR), **fields}
        (request,) = operations()["reserve-now"](**values).steps(self.target())
        declared = outgoing()["ReserveNow"]
        assert declared.intend is not None
        assert declared.settle is not None
        assert declared.unconfirmed is not None
        changes, events = declared.intend(request, self.target())
        assert_storable(changes, events)
        if answer in ("timeout", "not_connected", "call_error", "unknown", "not_sent"):
            changes, events = declared.unconfirmed(request, answer, self.target())
        elif answer is not None:
            changes, events = declared.settle(request, declared.confirmation(status=answer), self.target())
        assert_storable(changes, events)
        self.told += [event.type for event in events]
        return self.reservation(request.reservation_id)  # type: ignore[attr-defined]

    def cancel(self, number: int, answer: str = "Accepted") -> None:
        self.confirmed("CancelReservation", {"reservationId": number}, {"status": answer})

    def reservation(self, number: int, of: str = "CP1") -> Reservation:
        found = self.site.reservations.get(of, number)
        assert found is not None
        return found
