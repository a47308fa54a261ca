"""The books: what ended, in the order in which it was booked, and how its energy came over time."""

import msgspec

from csmsd.control.methods.transactions import Number, known_transaction
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Count, Json, Method, RowId, RpcError, Table, usage
from csmsd.control.service import Service
from csmsd.control.turns import in_turns
from csmsd.control.views import time_text, transaction_view
from csmsd.profiles.core import booking
from csmsd.profiles.core.energy.curve import energy_curve
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.milestone import Milestone


class Booked(msgspec.Struct, forbid_unknown_fields=True):
    after: RowId = 0
    transaction: RowId | None = None  # which one was booked under `after`
    start_time: str | None = None
    limit: Count = 1000


class Exported(msgspec.Struct, forbid_unknown_fields=True):
    booking: RowId


async def export_booked(service: Service, parameters: Booked, caller: Caller) -> Json:
    """What ended after a booking, from disk only: what is not committed may come to nothing."""
    if parameters.transaction is not None:
        await _check_export_cursor(service, parameters)
    site, now = service.site, service.now()
    found = await service.reader.booked(parameters.after, parameters.limit)
    return {
        "schema_version": SCHEMA_VERSION,
        "transactions": await in_turns(
            found,
            lambda transaction: (
                transaction_view(site, transaction, now)
                | {"booking": transaction.booking, "revision": transaction.revision}
            ),
        ),
    }


async def _check_export_cursor(service: Service, parameters: Booked) -> None:
    """After a backup was restored, bookings are given anew: whoever went on from an old number would miss some."""
    known = await service.reader.transaction(parameters.transaction or 0)
    if parameters.after <= await service.reader.last_booking() and (
        (known is None and not await service.reader.is_lost(parameters.transaction or 0))  # pruned
        or (
            known is not None
            and time_text(known.start_time) == parameters.start_time
            and _was_exported_as(known, parameters.after)
        )
    ):
        return
    raise RpcError(
        1,
        f"Booking {parameters.after} is not the one that these books have under that number; was a backup restored?",
        "Export again from a booking that is the same on both sides, or from the beginning with a new cursor.",
    )


def _was_exported_as(transaction: Transaction, booking: int) -> bool:
    """Whether that may have been its number once: another one is given when it ends anew, or is corrected."""
    known = transaction.booking or 0
    return known == booking or (known > booking and transaction.revision > 1)


async def note_exported(service: Service, parameters: Exported, caller: Caller) -> Json:
    """Takes down how far the books have been delivered, for `retention.keep_unexported`."""
    last = await service.reader.last_booking()
    if parameters.booking > last:
        raise usage(f"There is no booking {parameters.booking}; the last one is {last}.")
    before = service.site.milestones.get("export")
    booking = max(parameters.booking, before.number if before is not None else 0)
    service.live.require()
    milestone = Milestone(name="export", at=service.now(), number=booking, user=caller.user)
    service.site.milestones["export"] = milestone
    await service.live.keep([milestone])
    return {"changed": before is None or before.number != booking}


async def export_energy(service: Service, parameters: Number, caller: Caller) -> Json:
    """How the energy of a transaction came over time, as its meter values say, reckoned as for its bill."""
    transaction = await known_transaction(service, parameters.id)
    state = service.site.charge_point(transaction.charge_point)
    energy_wh = state.energy_wh(transaction) if state is not None else transaction.energy_wh
    evidence = booking.evidence_for_booking(transaction, await service.reader.meter_values(transaction.id))
    points = [{"time": time_text(time), "energy_wh": wh} for time, wh in energy_curve(evidence, energy_wh)]
    return {"schema_version": SCHEMA_VERSION, "transaction": transaction.id, "energy": points}


METHODS: Table[Service] = {
    "export.transactions": Method(Booked, export_booked, READ),
    "export.delivered": Method(Exported, note_exported, ALL),
    "transaction.energy": Method(Number, export_energy, READ),
}
