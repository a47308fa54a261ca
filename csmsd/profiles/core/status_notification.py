"""StatusNotification (C 4.9): what a connector is doing, and what is wrong with it."""

from csmsd.ocpp.timestamps import format_time, read_time
from csmsd.ocpp.types import (
    ChargePointErrorCode,
    ChargePointStatus,
    CiString50,
    CiString255,
    ConnectorId,
    DateTime,
    Message,
)
from csmsd.profiles.core.charge_points import MAX_CONNECTORS, Connector
from csmsd.profiles.record import Event
from csmsd.profiles.slice import Context, Incoming, Reply

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
    """Always confirmed. A status older than the one on record comes from a backlog and does not replace it."""
    if not 0 <= request.connector_id <= MAX_CONNECTORS:
        at.note("connectorId", "out_of_range")
        return Reply(StatusNotificationConf())
    moment = read_time(request.timestamp, at.now, at.charge_point.zone)
    if request.timestamp is not None and moment.oddity:
        at.note("timestamp", moment.oddity)
    # A clock that is ahead must not make all that comes after it is set right look old.
    status_at = min(moment.time, at.now)
    known = at.charge_point.connectors.get(request.connector_id)
    if known is not None and status_at < known.status_at and not moment.oddity:
        return Reply(StatusNotificationConf())
    connector = Connector(
        charge_point=at.charge_point.id,
        connector=request.connector_id,
        status=request.status,
        error_code=request.error_code,
        info=_kept(request.info),
        vendor_id=_kept(request.vendor_id),
        vendor_error_code=_kept(request.vendor_error_code),
        status_at=status_at,
        received_at=at.now,
    )
    at.charge_point.connectors[request.connector_id] = connector
    changed = Event(
        "connector.status",
        at.charge_point.id,
        {
            "connector": connector.connector,
            "status": connector.status,
            "previous": known.status if known is not None else None,
            "error_code": connector.error_code,
            "info": connector.info,
            "status_at": format_time(connector.status_at),
        },
    )
    if connector.status not in ("Faulted", "Unavailable"):
        return Reply(StatusNotificationConf(), [connector], [changed])
    ended, told = at.site.reservations.out_of_service(at.charge_point.id, connector.connector, connector.status, at.now)
    return Reply(StatusNotificationConf(), [connector, *ended], [changed, *told])


def _kept(text: str | None) -> str | None:
    return text[:MAX_KEPT_TEXT] if text else None


INCOMING = Incoming(StatusNotificationReq, StatusNotificationConf, status_notification)
