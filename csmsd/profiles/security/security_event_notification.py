"""SecurityEventNotification (whitepaper 5.15, A04): a charge point tells of something that bears on security."""

from typing import Annotated

from msgspec import Meta

from csmsd.ocpp.json_text import written_out
from csmsd.ocpp.timestamps import oddity_of_timestamp, parse_timestamp, read_timestamp
from csmsd.ocpp.types import CiString255, Message
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.security.security_events import MAX_TECH_INFO

UNNAMED = "Unknown"
# What can be written as a time.
_EARLIEST: Milliseconds = -62_135_596_800_000
_LATEST: Milliseconds = 253_402_300_799_999


class SecurityEventNotificationReq(Message, kw_only=True):
    type: Annotated[str, Meta(max_length=50, extra={"substitute": UNNAMED})]
    timestamp: Annotated[str, Meta(max_length=64, extra={"time": True, "substitute": ""})]
    tech_info: CiString255 | None = None


class SecurityEventNotificationConf(Message, kw_only=True):
    pass


def security_event_notification(
    request: SecurityEventNotificationReq, at: Context
) -> Reply[SecurityEventNotificationConf]:
    """Always confirmed, after the commit (A04.FR.03), before an accepted boot as well: it may tell why there is none.

    A clock that is wrong is part of the news: the time is kept as it was told, beside that of the arrival.
    """
    moment = read_timestamp(request.timestamp, at.now, at.charge_point.zone)
    oddity = oddity_of_timestamp(moment, at.now)
    if oddity is not None:
        at.note("timestamp", oddity)
    told = parse_timestamp(request.timestamp, at.charge_point.zone)
    if told is not None and not _EARLIEST <= told <= _LATEST:
        told = None
    return _taken(request.type.strip() or UNNAMED, request.tech_info, told, at, certain=moment.oddity is None)


def _unreadable(payload: object, at: Context) -> Reply[SecurityEventNotificationConf]:
    return _taken(UNNAMED, written_out(payload)[:MAX_TECH_INFO], None, at)


def _taken(
    kind: str, tech_info: str | None, told: Milliseconds | None, at: Context, *, certain: bool = False
) -> Reply[SecurityEventNotificationConf]:
    events = at.site.security.events
    event, changes = events.take(at.charge_point.id, "charge_point", kind, tech_info, told, at.now, certain=certain)
    return Reply(SecurityEventNotificationConf(), changes, [event.news()])


INCOMING = Incoming(
    SecurityEventNotificationReq,
    SecurityEventNotificationConf,
    security_event_notification,
    unreadable=_unreadable,
    before_accepted=True,
)
