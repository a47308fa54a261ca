"""FirmwareStatusNotification (C 4.5): how far an update is. And the boot that shows whether it took."""

from typing import Literal

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Consequence, Context, Incoming, Reply
from csmsd.profiles.firmware_management import outcomes
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.site import Site


class FirmwareStatusNotificationReq(Message, kw_only=True):
    status: Literal[
        "Downloaded",
        "DownloadFailed",
        "Downloading",
        "Idle",
        "InstallationFailed",
        "Installing",
        "Installed",
    ]


class FirmwareStatusNotificationConf(Message, kw_only=True):
    pass


def firmware_status_notification(
    request: FirmwareStatusNotificationReq, at: Context
) -> Reply[FirmwareStatusNotificationConf]:
    """Always confirmed. Without an update of ours it is news all the same: somebody else may have begun one."""
    confirmation = FirmwareStatusNotificationConf()
    current = at.site.firmware.updates.current(at.charge_point.id)
    return Reply(confirmation, *outcomes.reported_update(current, request.status, at))


def _booted_after_firmware(event: Event, site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """`Installed` is the charge point's word, the version of its next boot is what it runs: two facts."""
    charge_point = site.charge_point(event.charge_point or "")
    update = site.firmware.updates.current(charge_point.id) if charge_point is not None else None
    if charge_point is None or update is None or update.state == "superseded":
        return [], []
    version = charge_point.record.firmware_version
    before = update.version_after
    confirmed = update.booted(version, now)
    if not confirmed and update.version_after == before:
        return [], []
    events: list[Event] = []
    if confirmed:
        data: dict[str, object] = {"update": update.id, "before": update.version_before, "version": version}
        events.append(Event("firmware.confirmed", charge_point.id, data))
    return [update], events


INCOMING = Incoming(FirmwareStatusNotificationReq, FirmwareStatusNotificationConf, firmware_status_notification)
CONSEQUENCES = (Consequence("charge_point.booted", _booted_after_firmware),)
