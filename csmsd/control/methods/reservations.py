"""Reservations: what was asked for, and what became of it."""

from typing import Literal

import msgspec

from csmsd.control.rights import READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Count, Json, Method, RowId, Table, given_time, not_there, usage
from csmsd.control.service import Service
from csmsd.control.targets import places
from csmsd.control.views import time_text
from csmsd.ports.listings import ReservationFilter
from csmsd.profiles.reservation.reservations import Reservation


class Number(msgspec.Struct, forbid_unknown_fields=True):
    id: RowId
    charge_point: str | None = None


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    charge_point: str | None = None
    tag: str | None = None
    state: Literal["requested", "reserved", "used", "expired", "cancelled", "failed"] | None = None
    since: str | None = None
    until: str | None = None
    limit: Count = 100
    offset: Count = 0


def reservation_view(reservation: Reservation) -> Json:
    return {
        "id": reservation.id,
        "charge_point": reservation.charge_point,
        "connector": reservation.connector,
        "id_tag": reservation.id_tag,
        "parent_id_tag": reservation.parent_id_tag,
        "state": reservation.state,
        "reason": reservation.reason,
        "created_at": time_text(reservation.created_at),
        "expires_at": time_text(reservation.expires_at),
        "ended_at": time_text(reservation.ended_at),
        "transaction": reservation.transaction_id,
    }


async def list_reservations(service: Service, parameters: Listing, caller: Caller) -> Json:
    """Newest first, as memory has them, which may be ahead of the snapshot."""
    found = await service.reader.reservations(
        ReservationFilter(
            charge_point=parameters.charge_point,
            tag=parameters.tag,
            state=parameters.state,
            since=given_time(parameters.since),
            until=given_time(parameters.until),
            places=places(service.site, parameters.targets),
            limit=parameters.limit,
            offset=parameters.offset,
        )
    )
    book = service.site.reservations
    return {
        "schema_version": SCHEMA_VERSION,
        "reservations": [reservation_view(book.get(known.charge_point, known.id) or known) for known in found],
    }


async def show_reservation(service: Service, parameters: Number, caller: Caller) -> Json:
    found = []
    if abs(parameters.id) < 2**63:
        found = await service.reader.reservations(
            ReservationFilter(charge_point=parameters.charge_point, number=parameters.id)
        )
    if not found:
        raise not_there(f"No reservation {parameters.id}.", "See: csmsctl reservation list")
    if len(found) > 1:
        places = ", ".join(sorted(known.charge_point for known in found))
        raise usage(f"Reservation {parameters.id} stands on {places}.", "Say --charge-point CHARGE_POINT.")
    known = service.site.reservations.get(found[0].charge_point, found[0].id) or found[0]
    return {"schema_version": SCHEMA_VERSION} | reservation_view(known)


METHODS: Table[Service] = {
    "reservation.list": Method(Listing, list_reservations, READ),
    "reservation.show": Method(Number, show_reservation, READ),
}
