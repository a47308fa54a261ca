"""Transactions and their readings."""

from typing import Literal

import msgspec

from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import (
    SCHEMA_VERSION,
    Caller,
    Count,
    Json,
    Method,
    RowId,
    Table,
    forbidden,
    given_time,
    not_there,
    usage,
)
from csmsd.control.service import Service
from csmsd.control.targets import places
from csmsd.control.turns import in_turns
from csmsd.control.views import certain, live, meter_view, time_text, transaction_view
from csmsd.ports.listings import TransactionFilter
from csmsd.profiles.core import booking
from csmsd.profiles.core.transactions import Transaction, Wanted
from csmsd.profiles.record import Data, Event
from csmsd.recall import Recall


class Transactions(Service):
    """With what brings memory those that it does not hold, and what was measured of them."""

    recall: Recall


class Number(msgspec.Struct, forbid_unknown_fields=True):
    id: RowId


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    charge_point: str | None = None
    tag: str | None = None
    state: Literal["active", "stopped", "abandoned", "closed"] | None = None
    since: str | None = None
    until: str | None = None
    stopped_since: str | None = None
    stopped_until: str | None = None
    limit: Count = 100
    before_id: RowId | None = None


class Closing(msgspec.Struct, forbid_unknown_fields=True):
    id: RowId
    reason: str


class Meter(msgspec.Struct, forbid_unknown_fields=True):
    """A moment is a time, and an id among what is of that time: what comes after it, or before, is wanted."""

    id: RowId
    limit: Count = 0
    oldest: bool = False
    after_time: str | None = None
    after_id: RowId = 0
    before_time: str | None = None
    before_id: RowId = 0


async def known_transaction(service: Service, number: int) -> Transaction:
    stored = await service.reader.transaction(number)
    if stored is None:
        raise not_there(f"No transaction {number}.", "See: csmsctl tx list")
    return certain(service.site, stored)


async def list_transactions(service: Service, parameters: Listing, caller: Caller) -> Json:
    site, now = service.site, service.now()
    found = await service.reader.transactions(
        TransactionFilter(
            places=places(site, parameters.targets),
            charge_point=parameters.charge_point,
            tag=parameters.tag,
            state=parameters.state,
            since=given_time(parameters.since),
            until=given_time(parameters.until),
            stopped_since=given_time(parameters.stopped_since),
            stopped_until=given_time(parameters.stopped_until),
            before_id=parameters.before_id,
            limit=parameters.limit,
        )
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "transactions": await in_turns(found, lambda stored: transaction_view(site, certain(site, stored), now)),
    }


async def show_transaction(service: Service, parameters: Number, caller: Caller) -> Json:
    transaction = await known_transaction(service, parameters.id)
    return {"schema_version": SCHEMA_VERSION} | transaction_view(service.site, transaction, service.now())


async def close_transaction(service: Transactions, parameters: Closing, caller: Caller) -> Json:
    """Closes the books on a transaction that its charge point never stopped; who did it, and why, stands with it."""
    reason = parameters.reason.strip()
    if not reason:
        raise usage("Closing a transaction needs a reason.")
    stored = await known_transaction(service, parameters.id)
    if stored.unfinished and service.site.charge_point(stored.charge_point) is not None:
        service.live.require()
        await service.recall(stored.charge_point, Wanted(ids=(stored.id,)))  # it ends with all that was measured of it
    known = live(service.site, stored)
    site, now = service.site, service.now()
    if known.state == "closed":
        return {"changed": False, "transaction": transaction_view(site, known, now)}
    if known.state == "stopped":
        raise forbidden(f"Transaction {known.id} was stopped at {time_text(known.stop_time)}; its books are closed.")
    service.live.require()
    booking.book_close(known, f"closed by {caller.user or caller.uid}: {reason}"[:500], site, now)
    data: Data = {"transaction": known.id, "reason": reason, "by": caller.user}
    await service.live.keep([known], [Event("transaction.closed", known.charge_point, data)])
    return {"changed": True, "transaction": transaction_view(service.site, known, now)}


async def show_transaction_meter(service: Service, parameters: Meter, caller: Caller) -> Json:
    await known_transaction(service, parameters.id)
    after, before = given_time(parameters.after_time), given_time(parameters.before_time)
    readings = await service.reader.meter_page(
        parameters.id,
        parameters.limit,
        after=None if after is None else (after, parameters.after_id),
        before=None if before is None else (before, parameters.before_id),
        oldest=parameters.oldest,
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "transaction": parameters.id,
        "meter_values": await in_turns(readings, meter_view),
    }


METHODS: Table[Transactions] = {
    "transaction.list": Method(Listing, list_transactions, READ),
    "transaction.show": Method(Number, show_transaction, READ),
    "transaction.close": Method(Closing, close_transaction, ALL),
    "transaction.meter": Method(Meter, show_transaction_meter, READ),
}
