"""MeterValues (C 4.7): readings, in a transaction or out of one. Whatever they are, they are confirmed."""

from functools import partial
from typing import Annotated

from msgspec import Meta

from csmsd.ocpp.frames import written_out
from csmsd.ocpp.types import ConnectorId, Integer, Message, MeterValue
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import MAX_CONNECTORS, LatestSamples, QuarantinedMessage
from csmsd.profiles.core.metering import Taken, newest, read_meter_values
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Event
from csmsd.profiles.slice import Context, Incoming, Reply


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
    transaction = _transaction(request, at)
    readings = read_meter_values(
        request.meter_value,
        charge_point=at.charge_point.id,
        connector=request.connector_id,
        transaction_id=transaction.id if transaction is not None else None,
        shapes=at.site.meter_shapes,
        received_at=at.now,
        zone=at.charge_point.zone,
    )
    for field, oddity in readings.oddities:
        at.note(field, oddity)
    if not readings.changes:
        return Reply(MeterValuesConf())
    if transaction is not None:
        booking.measure(transaction, readings.taken, at.site)
    samples = at.charge_point.samples.get(request.connector_id)
    if samples is None:
        samples = at.charge_point.samples[request.connector_id] = LatestSamples()
    samples.received_at = at.now
    for taken in readings.taken:
        samples.add(taken.kind, taken.samples)
    transaction_id = transaction.id if transaction is not None else None
    told = partial(_told, request.connector_id, transaction_id, readings.taken)
    measured = Event("meter_values", at.charge_point.id, told)
    return Reply(MeterValuesConf(), readings.changes, [measured])


def _told(connector: int, transaction_id: int | None, takings: list[Taken]) -> dict[str, object]:
    return {
        "connector": connector,
        "transaction": transaction_id,
        "samples": {name: [sample.value, sample.unit] for name, sample in newest(takings).items()},
    }


def _transaction(request: MeterValuesReq, at: Context) -> Transaction | None:
    book = at.charge_point.transactions
    if request.transaction_id is not None and request.transaction_id > 0:
        known = book.get(request.transaction_id)
        if known is not None:
            return known
    running = book.active_on(request.connector_id)
    if request.transaction_id is not None:
        at.note("transactionId", "unknown")
    return running


def _quarantine(payload: object, reason: str, at: Context) -> Reply[MeterValuesConf]:
    return Reply(
        MeterValuesConf(),
        [
            QuarantinedMessage(
                charge_point=at.charge_point.id,
                received_at=at.now,
                action="MeterValues",
                reason=reason,
                payload=written_out(payload),
            )
        ],
        [Event("message.quarantined", at.charge_point.id, {"action": "MeterValues"})],
    )


INCOMING = Incoming(
    MeterValuesReq,
    MeterValuesConf,
    meter_values,
    unreadable=lambda payload, at: _quarantine(payload, "unreadable", at),
    kept_when_refused=True,
)
