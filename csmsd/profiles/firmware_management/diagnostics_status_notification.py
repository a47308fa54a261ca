"""DiagnosticsStatusNotification (C 4.4): how far an upload is."""

from typing import Literal

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.firmware_management import outcomes


class DiagnosticsStatusNotificationReq(Message, kw_only=True):
    status: Literal["Idle", "Uploaded", "UploadFailed", "Uploading"]


class DiagnosticsStatusNotificationConf(Message, kw_only=True):
    pass


def diagnostics_status_notification(
    request: DiagnosticsStatusNotificationReq, at: Context
) -> Reply[DiagnosticsStatusNotificationConf]:
    """Always confirmed, whether we asked for an upload or not."""
    confirmation = DiagnosticsStatusNotificationConf()
    upload = at.site.firmware.uploads.reported_on(at.charge_point.id, None, log=False)
    return Reply(confirmation, *outcomes.reported_upload(upload, request.status, at))


INCOMING = Incoming(
    DiagnosticsStatusNotificationReq, DiagnosticsStatusNotificationConf, diagnostics_status_notification
)
