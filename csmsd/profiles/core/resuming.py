"""A transaction that was given up, or ended by a stop that did not name it, and that its charge point goes on with."""

from csmsd.profiles.action import Context
from csmsd.profiles.core import booking
from csmsd.profiles.core.stop_transaction import guessed_stop_undone
from csmsd.profiles.core.transaction_book import MAX_ACTIVE
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change, Data, Event, Milliseconds


def resumed(transaction: Transaction, time: Milliseconds, at: Context) -> tuple[list[Change], list[Event]]:
    """What changes when a reading of that time names it: it runs again, unless the reading is of before its end.

    A connector has one car: what else runs there, and was never named by its charge point, is given up instead.
    Raises NotRemembered.
    """
    book = at.charge_point.transactions
    active = book.active()
    here = [other for other in active if other.connector == transaction.connector]
    if (
        time <= _given_up_before_resuming(transaction, at)
        or any(other.began > time for other in here)
        or len(active) >= MAX_ACTIVE
    ):
        return [], []
    changes: list[Change] = guessed_stop_undone(transaction, None, at) if transaction.guessed else []
    events: list[Event] = []
    for other in here:
        if not other.named:
            booking.book_as_given_up(other, f"abandoned_for:{transaction.id}", at.site)
            changes.append(other)
            given_up: Data = {"transaction": other.id, "successor": transaction.id}
            events.append(Event("transaction.abandoned", at.charge_point.id, given_up))
    booking.book_revival(transaction, at.site)
    told: Data = {"transaction": transaction.id, "connector": transaction.connector, "id_tag": transaction.id_tag}
    return [*changes, transaction], [*events, Event("transaction.resumed", at.charge_point.id, told)]


def _given_up_before_resuming(transaction: Transaction, at: Context) -> Milliseconds:
    """When it seemed to be over: readings of before say nothing of what came after."""
    if transaction.stop_time is not None:
        return transaction.stop_time
    for flag in transaction.flags:
        _, _, number = flag.partition("abandoned_for:")
        successor = at.charge_point.transactions.find(int(number)) if number.isdecimal() else None
        if successor is not None:
            return successor.began
    return 0
