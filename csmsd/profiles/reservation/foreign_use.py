"""A transaction on a reservation that is for somebody else (C 5.13): it is charged, and it is odd."""

from collections.abc import Iterator

from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.site import Site


def foreign_uses_of(transaction: Transaction, site: Site) -> Iterator[tuple[Reservation, bool]]:
    """The reservations for other idTags and groups that it uses (True), or that hold where it runs (False)."""
    doubted = transaction.start.oddity is not None or "start_clock" in transaction.doubts
    began = transaction.start_received_at if doubted else transaction.began
    tag = site.id_tag(transaction.id_tag)
    parent = tag.parent if tag is not None else None
    named = None
    if transaction.reservation is not None:
        named = site.reservations.get(transaction.charge_point, transaction.reservation)
        if named is not None and not _is_no_foreign_use(named, transaction, parent):
            yield named, True
    for held in site.reservations.active_on(transaction.charge_point):
        if held is named or held.connector != transaction.connector or _is_no_foreign_use(held, transaction, parent):
            continue
        if held.created_at <= began:  # else it is for the time after this one
            yield held, False


def _is_no_foreign_use(reservation: Reservation, transaction: Transaction, parent: str | None) -> bool:
    return reservation.terms.serve(reservation.connector, transaction.id_tag, parent)
