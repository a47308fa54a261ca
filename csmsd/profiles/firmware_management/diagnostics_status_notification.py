"""DiagnosticsStatusNotification (C 4.4): how far an upload is."""

from typing import Literal

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.firmware_management import outcomes
from csmsd.profiles.record import Event


class DiagnosticsStatusNotificationReq(Message, kw_only=True):
    status: Literal["Idle", "Uploaded", "UploadFailed", "Uploading"]


class DiagnosticsStatusNotificationConf(Message, kw_only=True):
    pass


def diagnostics_status_notification(
    request: DiagnosticsStatusNotificationReq, at: Context
) -> Reply[DiagnosticsStatusNotificationConf]:
    """Always confirmed, whether we asked for an upload or not."""
    confirmation = DiagnosticsStatusNotificationConf()
    taken = outcomes.reported_outcome(
        at.site.firmware.uploads, request.status, at, at.site.policies.diagnostics_timeout
    )
    if taken is None:
        news: dict[str, object] = {"upload": None, "state": None, "status": request.status[:50]}
        return Reply(confirmation, [], [Event("diagnostics.status", at.charge_point.id, news)])
    return Reply(confirmation, *taken)


INCOMING = Incoming(
    DiagnosticsStatusNotificationReq, DiagnosticsStatusNotificationConf, diagnostics_status_notification
)
