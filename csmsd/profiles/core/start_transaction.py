"""StartTransaction (C 4.8): a transaction begins, is given its id, and its idTag is verified once more."""

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import encode_payload, read_payload, read_payload_value
from csmsd.ocpp.timestamps import oddity_of_timestamp, parse_timestamp, read_timestamp
from csmsd.ocpp.types import ConnectorId, DateTime, IdTagInfo, IdToken, Integer, Message
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import MAX_CONNECTORS
from csmsd.profiles.core.id_tags import authorization_status_of_id_tag, id_tag_info
from csmsd.profiles.core.stop_transaction import book_waiting_stop
from csmsd.profiles.core.transaction_book import MAX_ACTIVE
from csmsd.profiles.core.transactions import Transaction, transaction_start_key
from csmsd.profiles.record import Change, Event, Milliseconds


class StartTransactionReq(Message, kw_only=True):
    connector_id: ConnectorId
    id_tag: IdToken
    meter_start: Integer
    reservation_id: Integer | None = None
    timestamp: DateTime


class StartTransactionConf(Message, kw_only=True):
    id_tag_info: IdTagInfo
    transaction_id: Integer


def start_transaction(
    request: StartTransactionReq, at: Context, *, meter_start_unknown: bool = False
) -> Reply[StartTransactionConf]:
    """Always gives a transaction id, whatever the idTag's status (C 4.8); a repeated start gets its first answer."""
    book = at.charge_point.transactions
    moment = read_timestamp(request.timestamp, at.now, at.charge_point.zone)
    oddity = oddity_of_timestamp(moment, at.now)
    if oddity is not None:
        at.note("timestamp", oddity)
    key = transaction_start_key(request.connector_id, request.id_tag, request.timestamp, request.meter_start)
    earlier = book.started_as(key, None if moment.oddity else moment.time)
    if earlier is not None and (
        earlier.state == "active" or not moment.oddity or _is_told_again(request, earlier, moment.oddity, at)
    ):
        at.note("timestamp", "repeated_start")
        # Kept once more, so that this answer, too, waits for the commit that the first one may still be waiting for.
        return Reply(read_payload(StartTransactionConf, earlier.reply.encode())[0], [earlier])
    if not 0 < request.connector_id <= MAX_CONNECTORS:
        at.note("connectorId", "out_of_range")

    changes: list[Change] = []
    events: list[Event] = []
    transaction_id = at.site.new_transaction_id()
    # Before its idTag's transactions are counted: one that was never stopped must not stand in its owner's way.
    _abandon_for_started(transaction_id, request.connector_id, moment.time, at, changes, events)
    tag = at.site.id_tag(request.id_tag)
    status = authorization_status_of_id_tag(tag, at.now, unknown=at.site.policies.unknown_id_tags)
    if tag is None:
        at.site.unknown_cards.held(request.id_tag, at.charge_point.id, at.now, status)
    named = request.reservation_id or None  # 0 is how some say "none"
    parent = tag.parent if tag is not None else None
    reservation = at.site.reservations.started(
        at.charge_point.id, named, request.connector_id, request.id_tag, parent, moment.time
    )
    if named is not None and reservation is None:
        at.note("reservationId", "unknown")
    limit = tag.max_transactions if tag is not None else None
    if status == "Accepted" and limit is not None and at.site.active_transactions_of(request.id_tag) >= limit:
        status = "ConcurrentTx"
    confirmation = StartTransactionConf(id_tag_info=id_tag_info(tag, status), transaction_id=transaction_id)
    transaction = Transaction(
        id=transaction_id,
        charge_point=at.charge_point.id,
        connector=request.connector_id,
        id_tag=request.id_tag,
        id_tag_status=status,
        reservation=named if reservation is None else reservation.id,
        start_time=moment.time,
        start_text=request.timestamp,
        start_received_at=at.now,
        meter_start_wh=request.meter_start,
        flags=[f"start_time:{moment.oddity}"] if moment.oddity else [],
        reply=encode_payload(confirmation).decode(),
    )
    if meter_start_unknown:
        transaction.flag("meter_start:unknown")
    if status != "Accepted":
        transaction.flag(f"id_tag:{status}")
    at.site.add_transaction(transaction)
    events.append(
        Event(
            "transaction.started",
            at.charge_point.id,
            {"transaction": transaction.id, "connector": transaction.connector, "id_tag": transaction.id_tag,
             "status": status, "meter_start_wh": transaction.meter_start_wh},
        )
    )  # fmt: skip
    if reservation is not None:
        reservation.transaction_id = transaction.id
        events.append(reservation.move("used", at.now))
        changes.append(reservation)
    ended, told = book_waiting_stop(transaction, at)
    return Reply(confirmation, [*changes, transaction, *ended], [*events, *told])


# Where a connector has one of these after a transaction, another one may have begun on it.
_OF_A_CAR = {"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE"}
_DAY_MS = 86_400_000


def _is_told_again(request: StartTransactionReq, earlier: Transaction, oddity: str, at: Context) -> bool:
    """Whether a start that is like one which has ended is that one, though its time cannot be believed.

    Two different starts can look alike where a clock stands still, or counts anew from each boot. But a register that
    has gone on does not come back, and a clock that goes tells no time twice. What was seen since the end speaks for
    another start: a car at the connector.
    """
    ended_at = earlier.stop_received_at or earlier.start_received_at
    connector = at.charge_point.connectors.get(earlier.connector)
    if connector is not None and connector.received_at > ended_at and connector.status in _OF_A_CAR:
        return False
    stop = earlier.stop
    if request.meter_start > 0 and stop is not None and (stop.register or 0) > request.meter_start:
        return True
    if oddity == "before_2010" and (at.charge_point.record.booted_at or 0) > ended_at:
        return False
    time = parse_timestamp(request.timestamp, at.charge_point.zone)
    return time is not None and time % _DAY_MS != 0 and earlier.stop_text not in (None, request.timestamp)


def _abandon_for_started(
    successor: int, connector: int, start_time: Milliseconds, at: Context, changes: list[Change], events: list[Event]
) -> None:
    """A connector has one car: what still runs there was never stopped. A start from a backlog abandons nothing newer.

    Beyond MAX_ACTIVE the oldest goes, too: a charge point may name endless connectors, or start times in the past.
    """
    active = at.charge_point.transactions.active()
    too_many = len(active) + 1 - MAX_ACTIVE
    for place, running in enumerate(active):
        if place >= too_many and (running.connector != connector or running.start_time > start_time):
            continue
        booking.book_as_given_up(running, f"abandoned_for:{successor}", at.site)
        changes.append(running)
        events.append(
            Event("transaction.abandoned", at.charge_point.id, {"transaction": running.id, "successor": successor})
        )


def _unreadable(payload: object, at: Context) -> Reply[StartTransactionConf]:
    """C 4.8: always confirmed. Without a timestamp it begins now, without meterStart its first reading stands for it;
    without the rest there is nothing to bill."""
    given, unknown = payload, False
    if isinstance(payload, dict):
        unknown = not _start_has_register(payload)
        given = payload | ({"meterStart": 0} if unknown else {})
        if payload.get("timestamp") is None:
            given["timestamp"] = ""
    request, deviations = read_payload_value(StartTransactionReq, given)
    at.deviations.extend(deviations)
    if unknown:
        at.note("meterStart", "unreadable")
    return start_transaction(request, at, meter_start_unknown=unknown)


class _Register(Message, kw_only=True):
    meter_start: Integer


def _start_has_register(payload: dict[str, object]) -> bool:
    try:
        read_payload_value(_Register, payload)
    except OcppError:
        return False
    return True


INCOMING = Incoming(
    StartTransactionReq, StartTransactionConf, start_transaction, unreadable=_unreadable, kept_when_refused=True
)
