"""Messages that were confirmed, or refused, and could not be booked, until somebody has seen to them."""

import msgspec

from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Count, Json, Method, RowId, Table, given_time, not_there, usage
from csmsd.control.service import Service
from csmsd.control.targets import places
from csmsd.control.turns import MOST_TEXT, in_turns, rest_of
from csmsd.control.views import time_text
from csmsd.ports.listings import OrphanFilter
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.record import Event

_LONGEST_SETTLEMENT = 500


class Orphans(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    charge_point: str | None = None
    since: str | None = None
    until: str | None = None
    settled: bool = False  # those that are settled as well
    limit: Count = 100
    before_id: RowId | None = None


class Dismissal(msgspec.Struct, forbid_unknown_fields=True):
    ids: list[RowId]
    reason: str


def _orphan_view(kept: QuarantinedMessage) -> Json:
    return {
        "id": kept.id,
        "charge_point": kept.charge_point,
        "received_at": time_text(kept.received_at),
        "action": kept.action,
        "reason": kept.reason,
        "payload": kept.payload,
        "settled_at": time_text(kept.settled_at),
        "settlement": kept.settlement,
    }


async def list_orphans(service: Service, parameters: Orphans, caller: Caller) -> Json:
    """The newest first."""
    found = await service.reader.orphans(
        OrphanFilter(
            charge_point=parameters.charge_point,
            since=given_time(parameters.since),
            until=given_time(parameters.until),
            settled=parameters.settled,
            places=places(service.site, parameters.targets),
            before_id=parameters.before_id,
            limit=parameters.limit,
            most_text=MOST_TEXT,
        )
    )
    return {"schema_version": SCHEMA_VERSION, "orphans": await in_turns(found, _orphan_view)} | rest_of(found)


async def dismiss_orphans(service: Service, parameters: Dismissal, caller: Caller) -> Json:
    """Takes messages off the list of what is not settled; they are kept, with who did it, and why."""
    reason = parameters.reason.strip()
    if not reason:
        raise usage("Dismissing a message needs a reason.")
    known = {kept.id: kept for kept in await service.reader.orphans(OrphanFilter(numbers=parameters.ids))}
    for number in parameters.ids:
        if number not in known:
            raise not_there(f"No message {number}.", "See: csmsctl tx orphans --all")
    service.live.require()
    changed = [kept for kept in known.values() if kept.settled_at is None]
    events = []
    for kept in changed:
        settlement = f"dismissed by {caller.user or caller.uid}: {reason}"[:_LONGEST_SETTLEMENT]
        service.site.settle_message(kept, settlement, service.now())
        told = {"message": kept.id, "action": kept.action, "reason": reason, "by": caller.user}
        events.append(Event("message.dismissed", kept.charge_point, told))
    await service.live.keep(changed, events)
    return {"changed": bool(changed), "orphans": [_orphan_view(known[number]) for number in parameters.ids]}


METHODS: Table[Service] = {
    "transaction.orphans": Method(Orphans, list_orphans, READ),
    "transaction.dismiss": Method(Dismissal, dismiss_orphans, ALL),
}
