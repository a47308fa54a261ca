"""Reservations that hold, and the newest of the others."""

from csmsd.profiles.reservation.reservations import LARGEST_OWN_ID, REMEMBERED, Reservation
from csmsd.profiles.site import Site
from csmsd.store.snapshot import Snapshot


def load(site: Site, snapshot: Snapshot) -> None:
    """All that are active, and of each charge point the newest of the others, in the order of their making."""
    ((last,),) = snapshot.query("SELECT max(id) FROM reservation WHERE id <= ?", (LARGEST_OWN_ID,))
    site.reservations.begin_ids_after(max(last or 0, snapshot.last_id(Reservation.table)))
    ended = (
        "SELECT charge_point, id, row_number() OVER (PARTITION BY charge_point ORDER BY created_at DESC, id DESC) "
        "AS place FROM reservation WHERE state NOT IN ('requested', 'reserved') "
        "AND charge_point IN (SELECT id FROM charge_point)"
    )
    wanted = (
        "WHERE state IN ('requested', 'reserved') "
        f"OR (charge_point, id) IN (SELECT charge_point, id FROM ({ended}) WHERE place <= ?) "
        "ORDER BY created_at, id"
    )
    for reservation in snapshot.records(Reservation, wanted, (REMEMBERED,)):
        for asked in reservation.asked:  # whoever waited for the answers is gone
            asked.lost = True
        site.reservations.add(reservation)
