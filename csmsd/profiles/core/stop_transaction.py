"""StopTransaction (C 4.10): a transaction ends. Whatever it says, it is confirmed; what fits nowhere is kept."""

from csmsd.ocpp.frames import written_out
from csmsd.ocpp.reading import read_value
from csmsd.ocpp.timestamps import ReadTime, read_time
from csmsd.ocpp.types import DateTime, IdTagInfo, IdToken, Integer, Message, MeterValue, Reason
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.core.id_tags import authorization_status, id_tag_info
from csmsd.profiles.core.metering import read_meter_values
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change, Event
from csmsd.profiles.slice import Context, Incoming, Reply


class StopTransactionReq(Message, kw_only=True):
    id_tag: IdToken | None = None
    meter_stop: Integer
    timestamp: DateTime
    transaction_id: Integer
    reason: Reason | None = None
    transaction_data: list[MeterValue] | None = None


class StopTransactionConf(Message, kw_only=True):
    id_tag_info: IdTagInfo | None = None


def stop_transaction(request: StopTransactionReq, at: Context) -> Reply[StopTransactionConf]:
    """Books the stop on its transaction. A repeated stop is confirmed and changes nothing: the first one counts."""
    moment = read_time(request.timestamp, at.now, at.charge_point.zone)
    if moment.oddity:
        at.note("timestamp", moment.oddity)
    confirmation = StopTransactionConf(id_tag_info=_id_tag_info(request.id_tag, at))
    book = at.charge_point.transactions
    transaction = book.get(request.transaction_id)  # looked up in this charge point's book only
    matched = transaction is None
    if transaction is None:
        at.note("transactionId", "unknown")
        stopped = book.stopped_as(request.id_tag, request.timestamp, request.meter_stop)
        if stopped is not None:
            return Reply(confirmation, [stopped])
        transaction = book.match_stop(request.id_tag, moment.time, request.meter_stop)
    if transaction is None:
        return _orphan(request, confirmation, "no running transaction fits it", at)
    if transaction.state == "stopped":
        at.note("transactionId", "repeated_stop")
        # Kept once more, so that this answer, too, waits for the commit that the first one may still be waiting for.
        return Reply(confirmation, [transaction])
    if transaction.state == "closed":
        if transaction.stop_text == request.timestamp:
            return Reply(confirmation, [transaction])
        return _orphan(request, confirmation, f"transaction {transaction.id} was closed by the operator", at)
    if matched:
        transaction.flag(f"stop:matched_{request.transaction_id}")
    changes = _book(transaction, request, moment, at)
    event = Event(
        "transaction.stopped",
        at.charge_point.id,
        {"transaction": transaction.id, "connector": transaction.connector, "id_tag": transaction.id_tag,
         "reason": transaction.stop_reason, "energy_wh": transaction.energy_wh},
    )  # fmt: skip
    return Reply(confirmation, changes, [event])


def _book(transaction: Transaction, request: StopTransactionReq, moment: ReadTime, at: Context) -> list[Change]:
    readings = read_meter_values(
        request.transaction_data or [],
        charge_point=at.charge_point.id,
        connector=transaction.connector,
        transaction_id=transaction.id,
        shapes=at.site.meter_shapes,
        received_at=at.now,
        zone=at.charge_point.zone,
    )
    for field, oddity in readings.oddities:
        at.note(field.replace("meterValue", "transactionData"), oddity)
    # transactionData repeats what MeterValues said already, out of its order: it is kept, not summed again.
    told = booking.Stop(
        meter_stop_wh=request.meter_stop,
        time=moment.time,
        text=request.timestamp,
        received_at=at.now,
        reason=request.reason or "Local",  # C 4.10: an absent reason means Local
        id_tag=request.id_tag,
        oddity=moment.oddity,
    )
    booking.stop(transaction, told, at.site)
    return [*readings.changes, transaction]


def _id_tag_info(id_tag: str | None, at: Context) -> IdTagInfo | None:
    if id_tag is None:
        return None
    tag = at.site.id_tag(id_tag)
    return id_tag_info(tag, authorization_status(tag, at.now, unknown=at.site.policies.unknown_id_tags))


def _orphan(
    request: StopTransactionReq, confirmation: StopTransactionConf, reason: str, at: Context
) -> Reply[StopTransactionConf]:
    return Reply(
        confirmation,
        [
            QuarantinedMessage(
                charge_point=at.charge_point.id,
                received_at=at.now,
                action="StopTransaction",
                reason=reason,
                payload=written_out(request),
            )
        ],
        [
            Event(
                "transaction.orphaned",
                at.charge_point.id,
                {"claimed_transaction": request.transaction_id, "meter_stop_wh": request.meter_stop, "reason": reason},
            )
        ],
    )


class _Readable(Message, kw_only=True):
    """What may still be readable of a StopTransaction.req: all of it is optional, so what is not is left out."""

    id_tag: IdToken | None = None
    meter_stop: Integer | None = None
    timestamp: DateTime | None = None
    transaction_id: Integer | None = None
    reason: Reason | None = None


def _unreadable(payload: object, at: Context) -> Reply[StopTransactionConf]:
    """C 4.10: confirmed all the same. With a known transactionId it is booked with what can be read."""
    given, _ = read_value(_Readable, payload if isinstance(payload, dict) else {})
    book = at.charge_point.transactions
    transaction = book.get(given.transaction_id) if given.transaction_id is not None else None
    kept = QuarantinedMessage(
        charge_point=at.charge_point.id,
        received_at=at.now,
        action="StopTransaction",
        reason="unreadable",
        payload=written_out(payload),
    )
    quarantined = Event("message.quarantined", at.charge_point.id, {"action": "StopTransaction"})
    if transaction is None or transaction.state not in ("active", "abandoned"):
        return Reply(StopTransactionConf(), [kept], [quarantined])
    meter_stop = given.meter_stop
    if meter_stop is None:
        meter_stop = booking.latest_wh(transaction, at.site)
        transaction.flag("meter_stop:estimated")
    booked = stop_transaction(
        StopTransactionReq(
            transaction_id=transaction.id,
            id_tag=given.id_tag,
            meter_stop=meter_stop,
            timestamp=given.timestamp or "",
            reason=given.reason,
        ),
        at,
    )
    return Reply(booked.confirmation, [*booked.changes, kept], [*booked.events, quarantined])


INCOMING = Incoming(
    StopTransactionReq, StopTransactionConf, stop_transaction, unreadable=_unreadable, kept_when_refused=True
)
