"""SignedFirmwareStatusNotification (whitepaper 5.19, L01): how far an update with signed firmware is."""

from typing import Literal

from csmsd.ocpp.types import Integer, Message
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.firmware_management import outcomes

SignedFirmwareStatus = Literal[
    "Downloaded",
    "DownloadFailed",
    "Downloading",
    "DownloadScheduled",
    "DownloadPaused",
    "Idle",
    "InstallationFailed",
    "Installing",
    "Installed",
    "InstallRebooting",
    "InstallScheduled",
    "InstallVerificationFailed",
    "InvalidSignature",
    "SignatureVerified",
]


class SignedFirmwareStatusNotificationReq(Message, kw_only=True):
    status: SignedFirmwareStatus
    request_id: Integer | None = None


class SignedFirmwareStatusNotificationConf(Message, kw_only=True):
    pass


def signed_firmware_status_notification(
    request: SignedFirmwareStatusNotificationReq, at: Context
) -> Reply[SignedFirmwareStatusNotificationConf]:
    """Always confirmed. Without a requestId it is about the current update (L01.FR.21)."""
    update = at.site.firmware.updates.reported_on(at.charge_point.id, request.request_id)
    return Reply(SignedFirmwareStatusNotificationConf(), *outcomes.reported_update(update, request.status, at))


INCOMING = Incoming(
    SignedFirmwareStatusNotificationReq,
    SignedFirmwareStatusNotificationConf,
    signed_firmware_status_notification,
)
