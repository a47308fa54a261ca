"""Cars that are plugged in and wait for their transaction, and what runs on a member. Pure."""

import msgspec

from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.load_management.arrivals import Arrivals
from csmsd.profiles.load_management.circuits import Member
from csmsd.profiles.load_management.load import LoadManagement
from csmsd.profiles.record import Milliseconds

WAITING_STATUSES = ("Preparing", "SuspendedEVSE")  # where no transaction runs (C 4.9)
_CLOSED = ("Faulted", "Unavailable")
_STUCK_MS = 120_000  # who has a card presents it sooner
_SOON_MS = 20_000
_OFFERS = 2  # one may be chance


class Waiting(msgspec.Struct):
    """What was seen of a member on which a car had to wait; forgotten when csmsd ends."""

    stuck_since: Milliseconds | None = None  # a car is plugged in, and may draw nothing
    offered_at: Milliseconds | None = None  # and then it might, after so long that somebody would have begun before
    begun_on_offer: int = 0  # so often a transaction began just then
    begins_at_zero: bool = False


def look_for_arrival(
    state: ChargePointState, member: Member, arrivals: Arrivals, offer_first: bool, now: Milliseconds
) -> None:
    key, waits, statuses = member.place, car_is_plugged_in(state, member), _statuses(state, member)
    if not waits:
        arrivals.waiting.pop(key, None)
    elif key not in arrivals.waiting:
        arrivals.waiting[key] = now
    for where, holds in (
        (arrivals.first, waits and offer_first),
        (arrivals.closed, bool(statuses) and all(status in _CLOSED for status in statuses)),
    ):
        where.add(key) if holds else where.discard(key)


def look_whether_it_waited_for_an_offer(
    state: ChargePointState,
    member: Member,
    load: LoadManagement,
    arrivals: Arrivals,
    found: Waiting,
    now: Milliseconds,
) -> None:
    """A car that stood there for minutes under 0 A, and whose transaction begins as soon as it is offered something."""
    key, running = member.place, running_on_member(state, member)
    default = load.ledger.newest(key, "default")
    if running is not None:
        since, offered = found.stuck_since, found.offered_at
        found.stuck_since = found.offered_at = None
        if offered is not None and 0 <= running.start_received_at - offered <= _SOON_MS:
            found.begun_on_offer += 1
        elif since is not None and default is not None and default.ma < member.minimum_ma:
            found.begins_at_zero = True
        if found.begun_on_offer >= _OFFERS and not found.begins_at_zero:
            known = load.manner(state.id)
            load.note_manner(msgspec.structs.replace(known, offer_first=True, found_by="answers", found_at=now))
    elif key not in arrivals.waiting:
        found.stuck_since = found.offered_at = None
    elif default is None or default.accepted_at is None or load.ledger.in_doubt(key):
        pass  # what it may draw is under way
    elif default.ma < member.minimum_ma:
        found.offered_at = None
        if found.stuck_since is None:
            found.stuck_since = max(default.accepted_at, arrivals.waiting[key])
    elif found.stuck_since is not None and found.offered_at is None:
        if default.accepted_at - found.stuck_since >= _STUCK_MS:
            found.offered_at = default.accepted_at
        else:
            found.stuck_since = None


def _statuses(state: ChargePointState, member: Member) -> list[str]:
    """Of its connectors."""
    return [one.status for number, one in state.connectors.items() if number and member.connector in (0, number)]


def car_is_plugged_in(state: ChargePointState, member: Member) -> bool:
    """And no transaction has begun (C 4.9)."""
    return running_on_member(state, member) is None and any(
        status in WAITING_STATUSES for status in _statuses(state, member)
    )


def running_on_member(state: ChargePointState, member: Member) -> Transaction | None:
    """The first of those that run, where the member is the whole charge point."""
    found = [
        transaction
        for transaction in state.transactions.active()
        if member.connector in (0, transaction.connector) and not _has_ended_with_boot(state, transaction)
    ]
    return min(found, key=lambda transaction: transaction.id, default=None)


def _has_ended_with_boot(state: ChargePointState, transaction: Transaction) -> bool:
    """It began before the last boot, after which its connector was told to be free: its stop is still to come."""
    booted, status = state.record.booted_at, state.connectors.get(transaction.connector)
    return (
        booted is not None
        and status is not None
        and transaction.start_received_at < booted <= status.received_at
        and status.status == "Available"
    )
