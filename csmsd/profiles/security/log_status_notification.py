"""LogStatusNotification (whitepaper 5.13, N01): how far the upload of a log is."""

from typing import Literal

from csmsd.ocpp.types import Integer, Message
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.firmware_management import outcomes

LogStatus = Literal[
    "BadMessage",
    "Idle",
    "NotSupportedOperation",
    "PermissionDenied",
    "Uploaded",
    "UploadFailure",
    "Uploading",
]


class LogStatusNotificationReq(Message, kw_only=True):
    status: LogStatus
    request_id: Integer | None = None


class LogStatusNotificationConf(Message, kw_only=True):
    pass


def log_status_notification(request: LogStatusNotificationReq, at: Context) -> Reply[LogStatusNotificationConf]:
    """Always confirmed. Without a requestId it is about the current log (N01.FR.12)."""
    upload = at.site.firmware.uploads.reported_on(at.charge_point.id, request.request_id, log=True)
    return Reply(LogStatusNotificationConf(), *outcomes.reported_upload(upload, request.status, at))


INCOMING = Incoming(LogStatusNotificationReq, LogStatusNotificationConf, log_status_notification)
