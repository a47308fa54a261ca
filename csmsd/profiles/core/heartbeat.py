"""Heartbeat (C 4.6): a sign of life, answered with the time."""

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import DateTime, Message
from csmsd.profiles.action import Context, Incoming, Reply


class HeartbeatReq(Message, kw_only=True):
    pass


class HeartbeatConf(Message, kw_only=True):
    current_time: DateTime


def heartbeat(request: HeartbeatReq, at: Context) -> Reply[HeartbeatConf]:
    return Reply(HeartbeatConf(current_time=format_timestamp(at.now)))


INCOMING = Incoming(
    HeartbeatReq, HeartbeatConf, heartbeat, unreadable=lambda _, at: heartbeat(HeartbeatReq(), at), writes=False
)
