"""StopTransaction (C 4.10): a transaction ends. Whatever it says, it is confirmed; what fits nowhere is kept."""

from collections.abc import Generator, Sequence

import msgspec

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.json_text import written_out
from csmsd.ocpp.payloads import read_payload_value
from csmsd.ocpp.timestamps import oddity_of_timestamp, read_timestamp
from csmsd.ocpp.types import DateTime, IdTagInfo, IdToken, Integer, Message, MeterValue, Reason
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.core import booking
from csmsd.profiles.core.cut_off import is_cut_off_part_of
from csmsd.profiles.core.energy.gathered import Gathered
from csmsd.profiles.core.id_tags import authorization_status_of_id_tag, id_tag_info
from csmsd.profiles.core.orphans import NO_FIT
from csmsd.profiles.core.outside_transactions import Outside
from csmsd.profiles.core.stop_matching import Claim, Meant, match_stop, stop_matches
from csmsd.profiles.core.told_readings import Readings, read_many_meter_values, read_meter_values
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change, Event, Milliseconds


class StopTransactionReq(Message, kw_only=True):
    id_tag: IdToken | None = None
    meter_stop: Integer
    timestamp: DateTime
    transaction_id: Integer
    reason: Reason | None = None
    transaction_data: list[MeterValue] | None = None


class StopTransactionConf(Message, kw_only=True):
    id_tag_info: IdTagInfo | None = None


class _Readable(Message, kw_only=True):
    """What may still be readable of a StopTransaction.req: all of it is optional, so what is not is left out."""

    id_tag: IdToken | None = None
    meter_stop: Integer | None = None
    timestamp: DateTime | None = None
    transaction_id: Integer | None = None
    reason: Reason | None = None
    transaction_data: list[MeterValue] | None = None


def stop_transaction(request: StopTransactionReq, at: Context) -> Reply[StopTransactionConf]:
    """Books the stop on the transaction that it means. One that came before is confirmed and changes nothing."""
    return _stop(request, request, at)


def _unreadable(payload: object, at: Context) -> Reply[StopTransactionConf]:
    """C 4.10: confirmed all the same, and booked where what can be read means one transaction; the message is kept."""
    given = _readable_stop(payload)
    nothing = given.transaction_id is None and given.meter_stop is None and given.id_tag is None
    known = at.charge_point.orphans.repeated("StopTransaction", written_out(payload))
    if known is not None:
        return Reply(StopTransactionConf(), [at.site.set_aside_again(at.charge_point, known, written_out(payload))])
    if not nothing:
        reply = _stop(given, payload, at)
        if any(event.type == "transaction.stopped" for event in reply.events):
            kept = at.site.set_aside(
                at.charge_point, at.now, "StopTransaction", "unreadable in parts", written_out(payload)
            )
            at.site.settle_message(kept, "booked as far as it could be read", at.now)
            return Reply(reply.confirmation, [*reply.changes, kept], reply.events)
        if reply.changes:
            return reply
    kept = at.site.quarantine(at.charge_point, at.now, "StopTransaction", "unreadable", written_out(payload))
    quarantined = Event("message.quarantined", at.charge_point.id, {"action": "StopTransaction"})
    return Reply(StopTransactionConf(), [kept], [quarantined])


def _readable_stop(payload: object) -> _Readable:
    given = payload if isinstance(payload, dict) else {}
    try:
        return read_payload_value(_Readable, given)[0]
    except OcppError:
        without_data = {name: value for name, value in given.items() if name.casefold() != "transactiondata"}
        return read_payload_value(_Readable, without_data)[0]


def _stop(request: StopTransactionReq | _Readable, payload: object, at: Context) -> Reply[StopTransactionConf]:
    moment = read_timestamp(request.timestamp, at.now, at.charge_point.zone)
    oddity = oddity_of_timestamp(moment, at.now)
    if oddity is not None:
        at.note("timestamp", oddity)
    confirmation = StopTransactionConf(id_tag_info=_id_tag_info_at_stop(request.id_tag, at))
    claim = _claim_of_stop(request, moment.time)
    found = match_stop(
        claim, at.charge_point.transactions, lambda known: booking.latest_reading_for_booking(known, at.site)
    )
    if found.how == "guessed" and at.site.is_lost(claim.claimed):
        found = Meant("nowhere")
    transaction = found.transaction
    if transaction is None or found.how == "guessed":
        at.note("transactionId", "unknown")
    if transaction is None:
        return _stop_as_orphan(claim, payload, confirmation, NO_FIT, at)
    if found.how == "contradicted":
        ended = "closed by the operator" if transaction.state == "closed" else "stopped before, with other figures"
        reply = _stop_as_orphan(claim, payload, confirmation, f"transaction {transaction.id} was {ended}", at)
        if booking.book_contradiction(transaction, at.site):
            return Reply(reply.confirmation, [*reply.changes, transaction], reply.events)
        return reply
    if found.how == "repeated":
        if request.transaction_id == transaction.id:
            at.note("transactionId", "repeated_stop")
        # Kept once more, so that this answer, too, waits for the commit that the first one may still be waiting for.
        return Reply(confirmation, [transaction, *_parts_of_stop(request, transaction, at)])
    replaced = guessed_stop_undone(transaction, claim, at) if transaction.guessed else []
    guessed_from = None if found.how == "named" else _transaction_named_by_stop(request)
    changes, events = _book_told_stop(transaction, request, guessed_from, at)
    return Reply(confirmation, [*replaced, *changes, *_parts_of_stop(request, transaction, at)], events)


class _Measured(msgspec.Struct, frozen=True):
    """The transactionData of a stop, as they were read for a transaction, and what is gathered of it with them."""

    transaction: Transaction
    course: Gathered
    readings: Readings
    then: Gathered


def _measured_in_turns(request: StopTransactionReq, at: Context) -> Generator[Sequence[Change], None, _Measured | None]:
    """What is measured by a stop that ends a transaction. Raises NotRemembered."""
    book = at.charge_point.transactions
    moment = read_timestamp(request.timestamp, at.now, at.charge_point.zone)
    claim = _claim_of_stop(request, moment.time)
    found = match_stop(claim, book, lambda known: booking.latest_reading_for_booking(known, at.site))
    transaction = found.transaction
    course = book.gathered(transaction.id) if transaction is not None else None
    if transaction is None or course is None or found.how not in ("named", "guessed"):
        return None
    readings = yield from read_many_meter_values(
        request.transaction_data or [],
        charge_point=at.charge_point.id,
        connector=transaction.connector,
        transaction_id=transaction.id,
        shapes=at.site.meter_shapes,
        received_at=at.now,
        zone=at.charge_point.zone,
        course=course,
    )
    then = course.copy()
    for taken in readings.taken:
        then.take(taken)
        yield ()
    return _Measured(transaction, course, readings, then)


def _claim_of_stop(request: StopTransactionReq | _Readable, time: Milliseconds) -> Claim:
    """What it says of the transaction that it means."""
    return Claim(
        claimed=request.transaction_id,
        id_tag=request.id_tag or None,
        meter_stop=request.meter_stop,
        time=time,
        text=request.timestamp or "",
    )


def _transaction_named_by_stop(request: StopTransactionReq | _Readable) -> str:
    return "no_id" if request.transaction_id is None else str(request.transaction_id)


def _book_told_stop(
    transaction: Transaction, request: StopTransactionReq | _Readable, guessed_from: str | None, at: Context
) -> tuple[list[Change], list[Event]]:
    moment = read_timestamp(request.timestamp, at.now, at.charge_point.zone)
    course = at.charge_point.transactions.gathered(transaction.id)
    measured = at.prepared.worked_out if at.prepared is not None else None
    if isinstance(measured, _Measured) and measured.transaction is transaction and measured.course is course:
        readings = measured.readings
        at.charge_point.transactions.regather(transaction, measured.then)
    else:
        readings = read_meter_values(
            request.transaction_data or [],
            charge_point=at.charge_point.id,
            connector=transaction.connector,
            transaction_id=transaction.id,
            shapes=at.site.meter_shapes,
            received_at=at.now,
            zone=at.charge_point.zone,
            course=course,
        )
        booking.book_measured(course, readings.taken)
    for field, oddity in readings.oddities:
        at.note(field.replace("meterValue", "transactionData"), oddity)
    told = booking.Stop(
        meter_stop_wh=request.meter_stop,
        time=moment.time,
        text=request.timestamp or "",
        received_at=at.now,
        reason=request.reason or "Local",  # C 4.10: an absent reason means Local
        id_tag=request.id_tag,
        oddity=moment.oddity,
        guessed_from=guessed_from,
    )
    booking.book_stop(transaction, told, at.site)
    at.charge_point.outside[transaction.connector] = Outside(transaction.stop_time or moment.time)
    event = Event(
        "transaction.stopped",
        at.charge_point.id,
        {"transaction": transaction.id, "connector": transaction.connector, "id_tag": transaction.id_tag,
         "reason": transaction.stop_reason, "energy_wh": transaction.energy_wh},
    )  # fmt: skip
    return [*readings.changes, transaction], [event]


def _id_tag_info_at_stop(id_tag: str | None, at: Context) -> IdTagInfo | None:
    if not id_tag:
        return None
    tag = at.site.id_tag(id_tag)
    return id_tag_info(tag, authorization_status_of_id_tag(tag, at.now, unknown=at.site.policies.unknown_id_tags))


# --- what fits nowhere, or not any more


def _stop_as_orphan(
    claim: Claim, payload: object, confirmation: StopTransactionConf, reason: str, at: Context
) -> Reply[StopTransactionConf]:
    text = written_out(payload)
    known = at.charge_point.orphans.repeated("StopTransaction", text)
    if known is not None:
        return Reply(confirmation, [at.site.set_aside_again(at.charge_point, known, written_out(payload))])
    told = Event(
        "transaction.orphaned",
        at.charge_point.id,
        {"claimed_transaction": claim.claimed, "meter_stop_wh": claim.meter_stop, "reason": reason},
    )
    return Reply(confirmation, [at.site.quarantine(at.charge_point, at.now, "StopTransaction", reason, text)], [told])


def _parts_of_stop(request: StopTransactionReq | _Readable, transaction: Transaction, at: Context) -> list[Change]:
    """What was kept of this stop when it was cut off: it has come whole, so nothing is left to settle."""
    parts = at.charge_point.orphans.parts()
    if not parts or isinstance(request, _Readable):
        return []
    settled: list[Change] = []
    for part in parts:
        if part.payload is not None and is_cut_off_part_of(
            part.payload,
            transaction_id=request.transaction_id,
            meter_stop=request.meter_stop,
            timestamp=request.timestamp,
            id_tag=request.id_tag,
            reason=request.reason,
        ):
            kept = at.site.set_aside_again(at.charge_point, part, part.payload)
            at.site.settle_message(kept, f"came whole, and is booked on transaction {transaction.id}", at.now)
            settled.append(kept)
    return settled


def guessed_stop_undone(transaction: Transaction, true: Claim | None, at: Context) -> list[Change]:
    """The stop that a transaction was ended by without being named, as an orphan again; `true` is its own."""
    if true is not None and (
        transaction.meter_stop_wh == true.meter_stop or _stop_is_without_register(transaction, true)
    ):
        return []  # it was this one, without its id
    (claimed,) = (flag.removeprefix("stop:matched_") for flag in transaction.flags if flag.startswith("stop:matched_"))
    payload = {
        "idTag": transaction.stop_id_tag,
        "meterStop": transaction.meter_stop_wh,
        "timestamp": transaction.stop_text,
        "transactionId": int(claimed) if claimed.lstrip("-").isdecimal() else None,
        "reason": transaction.stop_reason,
    }
    reason = f"taken for the end of transaction {transaction.id}, " + (
        "whose own came later" if true is not None else "which went on"
    )
    return [at.site.set_aside(at.charge_point, at.now, "StopTransaction", reason, written_out(payload))]


def _stop_is_without_register(transaction: Transaction, true: Claim) -> bool:
    """Whether the stop that it was ended by is its own, of which the register could not be read."""
    of_then = bool(true.text) and transaction.stop_text == true.text
    return of_then and "meter_stop:estimated" in transaction.flags


def book_waiting_stop(transaction: Transaction, at: Context) -> tuple[list[Change], list[Event]]:
    """The end of a transaction whose StopTransaction came before its StartTransaction, out of an offline queue."""
    waiting = []
    for orphan in at.charge_point.orphans.stops():
        request = _readable_stop(msgspec.json.decode(orphan.payload or "{}"))
        moment = read_timestamp(request.timestamp, orphan.received_at, at.charge_point.zone)
        claim = _claim_of_stop(request, moment.time)
        named = request.transaction_id == transaction.id
        may_be = named or (stop_matches(claim, transaction) and not at.site.is_lost(claim.claimed))
        if moment.oddity is None and may_be:
            waiting.append((orphan, request))
    if len(waiting) != 1:
        return [], []
    ((orphan, request),) = waiting
    changes, events = _book_told_stop(transaction, request, _transaction_named_by_stop(request), at)
    settled = at.site.set_aside_again(at.charge_point, orphan, orphan.payload or "{}")
    at.site.settle_message(settled, f"booked on transaction {transaction.id}, whose start came later", at.now)
    return [*changes, settled], events


INCOMING = Incoming(
    StopTransactionReq,
    StopTransactionConf,
    stop_transaction,
    unreadable=_unreadable,
    kept_when_refused=True,
    prepare=_measured_in_turns,  # transactionData holds the readings of days
)
