"""What belongs to no transaction: messages that could not be booked, until somebody has seen to them, and energy."""

import msgspec

from csmsd.control.rpc import SCHEMA_VERSION, Caller, Count, Json, Method, RowId, Table, given_time, not_there, usage
from csmsd.control.service import Service
from csmsd.control.targets import places
from csmsd.control.views import time_text
from csmsd.ports import OrphanFilter, TransactionFilter
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.core.unclaimed import Place, Span, unclaimed
from csmsd.profiles.record import Event, Milliseconds

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


class Period(msgspec.Struct, forbid_unknown_fields=True):
    since: str
    until: str


def _view(kept: QuarantinedMessage) -> Json:
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


async def orphans(service: Service, parameters: Orphans, caller: Caller) -> Json:
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
        )
    )
    return {"schema_version": SCHEMA_VERSION, "orphans": [_view(kept) for kept in found]}


async def dismiss(service: Service, parameters: Dismissal, caller: Caller) -> Json:
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
        kept.settled_at = service.now()
        kept.settlement = f"dismissed by {caller.user or caller.uid}: {reason}"[:_LONGEST_SETTLEMENT]
        state = service.site.charge_point(kept.charge_point)
        if state is not None:
            state.orphans.settle(kept.id)
        told = {"message": kept.id, "action": kept.action, "reason": reason, "by": caller.user}
        events.append(Event("message.dismissed", kept.charge_point, told))
    await service.live.keep(changed, events)
    return {"changed": bool(changed), "orphans": [_view(known[number]) for number in parameters.ids]}


async def unclaimed_energy(service: Service, parameters: Period, caller: Caller) -> Json:
    """Energy that registers tell of and no transaction has, by charge point, connector and time."""
    since, until = given_time(parameters.since), given_time(parameters.until)
    assert since is not None
    assert until is not None
    readings = await service.reader.readings_without_transaction(since, until)
    busy: dict[Place, list[Span]] = {}
    if readings:
        for transaction in await _of_period(service, since, until):
            last = transaction.stop_time
            if transaction.state == "active":
                last = service.now()
            place = (transaction.charge_point, transaction.connector)
            busy.setdefault(place, []).append((transaction.start_time, last or transaction.start_time))
    return {
        "schema_version": SCHEMA_VERSION,
        "unclaimed": [
            {
                "charge_point": found.charge_point,
                "connector": found.connector,
                "since": time_text(found.since),
                "until": time_text(found.until),
                "energy_wh": found.energy_wh,
            }
            for found in unclaimed(readings, busy)
        ],
    }


async def _of_period(service: Service, since: Milliseconds, until: Milliseconds) -> list[Transaction]:
    """Those that ended in it or later and began before its end, and those that did not end."""
    wanted = [TransactionFilter(stopped_since=since, until=until, limit=0)]
    wanted += [TransactionFilter(state=state, until=until, limit=0) for state in ("active", "abandoned")]
    return [transaction for one in wanted for transaction in await service.reader.transactions(one)]


METHODS: Table[Service] = {
    "transaction.orphans": Method(Orphans, orphans),
    "transaction.dismiss": Method(Dismissal, dismiss),
    "transaction.unclaimed": Method(Period, unclaimed_energy),
}
