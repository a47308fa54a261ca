"""MeterValues (C 4.7): readings, in a transaction or out of one. Whatever they are, they are confirmed."""

from functools import partial
from typing import Annotated

from msgspec import Meta

from csmsd.ocpp.json_text import written_out
from csmsd.ocpp.timestamps import read_timestamp
from csmsd.ocpp.types import ConnectorId, Integer, Message, MeterValue
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import MAX_CONNECTORS, LatestSamples
from csmsd.profiles.core.metering import Taken, metered_energy_register
from csmsd.profiles.core.moments import ZONES
from csmsd.profiles.core.outside_transactions import Outside
from csmsd.profiles.core.resuming import resumed
from csmsd.profiles.core.stop_matching import ROUNDING_WH
from csmsd.profiles.core.told_readings import Arrivals, newest_metered, read_meter_values
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change, Event, Milliseconds

# What readings ordinarily are: a few, of some twenty samples.
_FEW = 10
_SHORT = 2_000  # characters


class MeterValuesReq(Message, kw_only=True):
    connector_id: ConnectorId
    transaction_id: Integer | None = None
    meter_value: Annotated[list[MeterValue], Meta(min_length=1)]


class MeterValuesConf(Message, kw_only=True):
    pass


def meter_values(request: MeterValuesReq, at: Context) -> Reply[MeterValuesConf]:
    """Keeps the readings with the transaction they belong to, running or stopped, else with the connector."""
    if not 0 <= request.connector_id <= MAX_CONNECTORS:
        return _quarantine(request, "connectorId out of range", at)
    if not request.meter_value:
        return _quarantine(request, "without a meter value", at)
    transaction, moved, told_of = _transaction(request, at)
    course = at.charge_point.transactions.gathered(transaction.id) if transaction is not None else None
    readings = read_meter_values(
        request.meter_value,
        charge_point=at.charge_point.id,
        connector=request.connector_id,
        transaction_id=transaction.id if transaction is not None else None,
        shapes=at.site.meter_shapes,
        received_at=at.now,
        zone=at.charge_point.zone,
        arrivals=_arrivals(request.connector_id, at),
        course=course,
    )
    for field, oddity in readings.oddities:
        at.note(field, oddity)
    if not readings.changes:
        return Reply(MeterValuesConf(), moved, told_of)
    if transaction is not None:
        booking.book_measured(course, readings.taken)
        if (
            transaction.state == "abandoned"
            and booking.book_correction(transaction, at.site)
            and transaction not in moved
        ):
            moved = [*moved, transaction]
    transaction_id = transaction.id if transaction is not None else None
    _show(request.connector_id, transaction, readings.taken, at)
    told = partial(_told, request.connector_id, transaction_id, readings.taken)
    bulky = len(readings.taken) > _FEW or sum([len(taken.row.samples) for taken in readings.taken]) > _SHORT
    measured = Event("meter_values", at.charge_point.id, told, bulky)
    if not (moved or told_of):  # nearly always
        return Reply(MeterValuesConf(), readings.changes, [measured])
    return Reply(MeterValuesConf(), [*moved, *readings.changes], [*told_of, measured])


def _show(connector: int, transaction: Transaction | None, takings: list[Taken], at: Context) -> None:
    """What is measured now on a connector is of the transaction that runs there, or of none while none does."""
    if transaction is None or transaction.state != "active":
        _outside(connector, transaction, takings, at)
    if transaction is not at.charge_point.transactions.active_on(connector):
        return
    samples = at.charge_point.samples.get(connector)
    if samples is None:
        samples = at.charge_point.samples[connector] = LatestSamples()
    if transaction is None:
        samples.take(None, takings, at.now)
    else:
        samples.take(transaction.id, takings, at.now, transaction.start_time - ZONES)


def _outside(connector: int, ended: Transaction | None, takings: list[Taken], at: Context) -> None:
    known = at.charge_point.outside.get(connector)
    if known is None:
        stopped_at = (ended.stop_time or 0) if ended is not None else 0
        known = at.charge_point.outside[connector] = Outside(stopped_at)
    known.take(takings, at.now)


def _arrivals(connector: int, at: Context) -> Arrivals:
    known = at.charge_point.arrivals.get(connector)
    if known is None:
        known = at.charge_point.arrivals[connector] = Arrivals(at.site.loaded_at)
    return known


def _told(connector: int, transaction_id: int | None, takings: list[Taken]) -> dict[str, object]:
    return {
        "connector": connector,
        "transaction": transaction_id,
        "samples": {name: [sample.value, sample.unit] for name, sample in newest_metered(takings).items()},
    }


_Moved = tuple[Transaction | None, list[Change], list[Event]]


def _transaction(request: MeterValuesReq, at: Context) -> _Moved:
    """The transaction that is measured, with what changed because of it."""
    book = at.charge_point.transactions
    claimed = request.transaction_id
    named = book.get(claimed) if claimed is not None and claimed > 0 else None
    if named is not None and named.named and named.state == "active":
        return named, [], []  # nearly all of them
    named = book.find(claimed) if claimed is not None and claimed > 0 else None
    running = book.active_on(request.connector_id)
    if claimed is None:
        return (running, [], []) if running is not None else _goes_on(request, at)
    if named is None:
        at.note("transactionId", "unknown")
        return (None if at.site.is_lost(claimed) else running), [], []
    time = read_timestamp(request.meter_value[0].timestamp, at.now, at.charge_point.zone).time
    if named.state in ("stopped", "closed"):
        return _ended(named, running, time, at)
    changes, events = resumed(named, time, at) if named.state == "abandoned" else ([], [])
    if not named.named:
        named.named = True
        if not changes:
            changes = [named]
    return named, changes, events


def _goes_on(request: MeterValuesReq, at: Context) -> _Moved:
    """One that ended by a stop which did not name it, when its connector goes on charging and its register advances."""
    guessed = at.charge_point.transactions.guessed_on(request.connector_id)
    status = at.charge_point.connectors.get(request.connector_id)
    if guessed is None or status is None or status.status != "Charging":
        return None, [], []
    value = request.meter_value[0]
    time = read_timestamp(value.timestamp, at.now, at.charge_point.zone).time
    registers = [wh for wh in map(metered_energy_register, value.sampled_value) if wh is not None]
    if not registers or max(registers) <= (guessed.meter_stop_wh or 0) + ROUNDING_WH:
        return None, [], []
    changes, events = resumed(guessed, time, at)
    return (guessed, changes, events) if changes else (None, [], [])


def _ended(named: Transaction, running: Transaction | None, time: Milliseconds, at: Context) -> _Moved:
    """A reading that names a transaction which is over: late, or of one that goes on, or under an id that was kept."""
    if named.stop_time is None or time <= named.stop_time:
        return named, [], []
    if named.guessed:
        changes, events = resumed(named, time, at)
        named.named = True
        return named, changes, events
    if running is not None and named.id < running.id and running.start_time < time:
        at.note("transactionId", "of_an_ended_transaction")
        return running, [], []
    return named, [], []


def _quarantine(payload: object, reason: str, at: Context) -> Reply[MeterValuesConf]:
    return Reply(
        MeterValuesConf(),
        [at.site.quarantine(at.charge_point, at.now, "MeterValues", reason, written_out(payload))],
        [Event("message.quarantined", at.charge_point.id, {"action": "MeterValues"})],
    )


INCOMING = Incoming(
    MeterValuesReq,
    MeterValuesConf,
    meter_values,
    unreadable=lambda payload, at: _quarantine(payload, "unreadable", at),
    kept_when_refused=True,
)
