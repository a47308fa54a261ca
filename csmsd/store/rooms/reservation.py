"""Reservations that hold, and the newest of the others."""

from csmsd.profiles.reservation.reservations import LARGEST_OWN_ID, REMEMBERED, Reservation
from csmsd.profiles.site import Site
from csmsd.store.snapshot import Snapshot

_ENDED = "WHERE charge_point=? AND state NOT IN ('requested', 'reserved') ORDER BY created_at DESC, id DESC LIMIT ?"


def load(site: Site, snapshot: Snapshot) -> None:
    """All that are active, and of each charge point the newest of the others, in the order of their making."""
    ((last,),) = snapshot.query("SELECT max(id) FROM reservation WHERE id <= ?", (LARGEST_OWN_ID,))
    site.reservations.begin_ids_after(max(last or 0, snapshot.last_id(Reservation.table)))
    found = snapshot.records(Reservation, "WHERE state IN ('requested', 'reserved')")
    for state in site.charge_points.values():
        found += snapshot.records(Reservation, _ENDED, (state.id, REMEMBERED))
    for reservation in sorted(found, key=lambda known: (known.created_at, known.id)):
        for asked in reservation.asked:  # whoever waited for the answers is gone
            asked.lost = True
        site.reservations.add(reservation)
