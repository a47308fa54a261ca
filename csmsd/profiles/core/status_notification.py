"""StatusNotification (C 4.9): what a connector is doing, and what is wrong with it."""

import msgspec

from csmsd.ocpp.timestamps import format_timestamp, oddity_of_timestamp, parse_timestamp, read_timestamp
from csmsd.ocpp.types import (
    ChargePointErrorCode,
    ChargePointStatus,
    CiString50,
    CiString255,
    ConnectorId,
    DateTime,
    Message,
)
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.core.charge_points import MAX_CONNECTORS, Connector
from csmsd.profiles.core.lateness import contradicts_by_lateness, time_despite_lateness
from csmsd.profiles.record import Event, Milliseconds

MAX_KEPT_TEXT = 500


class StatusNotificationReq(Message, kw_only=True):
    connector_id: ConnectorId
    error_code: ChargePointErrorCode
    info: CiString50 | None = None
    status: ChargePointStatus
    timestamp: DateTime | None = None
    vendor_id: CiString255 | None = None
    vendor_error_code: CiString50 | None = None


class StatusNotificationConf(Message, kw_only=True):
    pass


def status_notification(request: StatusNotificationReq, at: Context) -> Reply[StatusNotificationConf]:
    """Always confirmed. What comes last is so now, unless it was held back while the charge point was away.

    A fault is shown all the same until something else that was held back says that it was over.
    """
    if not 0 <= request.connector_id <= MAX_CONNECTORS:
        at.note("connectorId", "out_of_range")
        return Reply(StatusNotificationConf())
    moment = read_timestamp(request.timestamp, at.now, at.charge_point.zone)
    oddity = oddity_of_timestamp(moment, at.now)
    if request.timestamp is not None and oddity is not None:
        at.note("timestamp", oddity)
    # A clock that is ahead must not make all that comes after it is set right look old.
    status_at = min(moment.time, at.now)
    state = at.charge_point
    known = state.connectors.get(request.connector_id)
    hidden = state.hidden_by_fault.get(request.connector_id) if state.hidden_by_fault else None
    present = known if hidden is None else hidden
    restored: Reply[StatusNotificationConf] | None = None
    if not moment.oddity:
        if known is not None and present is not None and status_at < present.status_at:
            if state.before_going_back and state.lateness.proves_backlog(status_at, at.now):
                restored = _restored_status(at)
                known = state.connectors[request.connector_id]
                hidden = state.hidden_by_fault.get(request.connector_id)
                present = known if hidden is None else hidden
            if _status_is_held_back(status_at, present, at):
                return _both_statuses(restored, _held_back_status(request, known, hidden, at))
            if contradicts_by_lateness(status_at, present.status_at):
                at.note("timestamp", "before_the_last_one")
                if state.lateness.went_back(status_at, at.now):
                    state.before_going_back.clear()
                if state.away_since is None:
                    state.before_going_back.setdefault(request.connector_id, present)
        state.lateness.note(status_at, at.now)
        if request.timestamp is not None:
            state.lateness.note_clock(moment.time, at.now)
    elif request.timestamp is not None:
        told = parse_timestamp(request.timestamp, state.zone)
        if told is not None and told >= 0:  # no clock shows less
            state.lateness.note_impossible_clock(told, at.now)
    if known is not None:
        status_at = time_despite_lateness(status_at, known.status_at, at.now)
    if hidden is not None:
        del state.hidden_by_fault[request.connector_id]
    return _both_statuses(restored, _status_taken(request, status_at, known, at))


def _status_is_held_back(status_at: Milliseconds, present: Connector, at: Context) -> bool:
    state = at.charge_point
    return state.lateness.held_back(
        status_at,
        at.now,
        connected_at=state.connected_at,
        away_since=state.away_since,
        booted_at=state.record.booted_at,
        known_at=present.received_at,
        fault=present.status == "Faulted",
    )


def _restored_status(at: Context) -> Reply[StatusNotificationConf]:
    """What was there before statuses that turn out to be of a backlog; a fault among those stays shown."""
    state = at.charge_point
    state.lateness.delivers()
    reply = Reply(StatusNotificationConf())
    for number, present in state.before_going_back.items():
        known = state.connectors[number]
        if known.status == "Faulted":
            state.hidden_by_fault.setdefault(number, present)
        else:
            reply = _both_statuses(reply, _status_shown(present, known, at))
        state.lateness.note(present.status_at, present.received_at)
    state.before_going_back.clear()
    return reply


def _both_statuses(
    first: Reply[StatusNotificationConf] | None, second: Reply[StatusNotificationConf]
) -> Reply[StatusNotificationConf]:
    if first is None:
        return second
    return Reply(second.confirmation, [*first.changes, *second.changes], [*first.events, *second.events])


def _held_back_status(
    request: StatusNotificationReq, known: Connector, hidden: Connector | None, at: Context
) -> Reply[StatusNotificationConf]:
    """A status that was so while the charge point was away. That of a fault may also be the clock's fault."""
    at.note("timestamp", "held_back")
    if request.status == "Faulted":
        at.charge_point.hidden_by_fault.setdefault(request.connector_id, known)
        return _status_taken(request, at.now, known, at)
    if hidden is None:
        return Reply(StatusNotificationConf())
    del at.charge_point.hidden_by_fault[request.connector_id]
    return _status_shown(msgspec.structs.replace(hidden, status_at=at.now), known, at)


def _status_taken(
    request: StatusNotificationReq, status_at: Milliseconds, known: Connector | None, at: Context
) -> Reply[StatusNotificationConf]:
    connector = Connector(
        charge_point=at.charge_point.id,
        connector=request.connector_id,
        status=request.status,
        error_code=request.error_code,
        info=_kept_of_status(request.info),
        vendor_id=_kept_of_status(request.vendor_id),
        vendor_error_code=_kept_of_status(request.vendor_error_code),
        status_at=status_at,
        received_at=at.now,
    )
    return _status_shown(connector, known, at)


def _status_shown(connector: Connector, known: Connector | None, at: Context) -> Reply[StatusNotificationConf]:
    """A connector's status as it is now, with what follows from it."""
    at.charge_point.connectors[connector.connector] = connector
    changed = Event(
        "connector.status",
        at.charge_point.id,
        {
            "connector": connector.connector,
            "status": connector.status,
            "previous": known.status if known is not None else None,
            "error_code": connector.error_code,
            "info": connector.info,
            "status_at": format_timestamp(connector.status_at),
        },
    )
    if connector.status not in ("Faulted", "Unavailable"):
        return Reply(StatusNotificationConf(), [connector], [changed])
    ended, told = at.site.reservations.out_of_service(at.charge_point.id, connector.connector, connector.status, at.now)
    return Reply(StatusNotificationConf(), [connector, *ended], [changed, *told])


def _kept_of_status(text: str | None) -> str | None:
    return text[:MAX_KEPT_TEXT] if text else None


INCOMING = Incoming(StatusNotificationReq, StatusNotificationConf, status_notification)
