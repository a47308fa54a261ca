"""BootNotification (C 4.2): a charge point introduces itself and is accepted, kept pending or rejected."""

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import CiString20, CiString25, CiString50, DateTime, Message, NonNegative, RegistrationStatus
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.core import booking
from csmsd.profiles.record import Event

MAX_KEPT_TEXT = 255  # serial numbers longer than the specification allows are kept, endless ones are not


class BootNotificationReq(Message, kw_only=True):
    charge_point_vendor: CiString20
    charge_point_model: CiString20
    charge_point_serial_number: CiString25 | None = None
    charge_box_serial_number: CiString25 | None = None
    firmware_version: CiString50 | None = None
    iccid: CiString20 | None = None
    imsi: CiString20 | None = None
    meter_type: CiString25 | None = None
    meter_serial_number: CiString25 | None = None


class BootNotificationConf(Message, kw_only=True):
    status: RegistrationStatus
    current_time: DateTime
    interval: NonNegative


def boot_notification(request: BootNotificationReq, at: Context) -> Reply[BootNotificationConf]:
    """Answers with the operator's decision; the interval is heartbeats when accepted, retries otherwise (C 4.2)."""
    unfinished = at.charge_point.transactions.unfinished()
    at.charge_point.transactions.require(*unfinished)
    charge_point = at.charge_point.record
    charge_point.vendor = _kept_of_boot(request.charge_point_vendor)
    charge_point.model = _kept_of_boot(request.charge_point_model)
    charge_point.serial_number = _kept_of_boot(request.charge_point_serial_number)
    charge_point.charge_box_serial_number = _kept_of_boot(request.charge_box_serial_number)
    charge_point.firmware_version = _kept_of_boot(request.firmware_version)
    charge_point.iccid = _kept_of_boot(request.iccid)
    charge_point.imsi = _kept_of_boot(request.imsi)
    charge_point.meter_type = _kept_of_boot(request.meter_type)
    charge_point.meter_serial_number = _kept_of_boot(request.meter_serial_number)
    charge_point.boot_status = charge_point.registration
    charge_point.booted_at = at.now
    at.charge_point.lateness.forget()
    charge_point.reboot_required = False
    policies = at.site.policies
    accepted = charge_point.registration == "Accepted"
    confirmation = BootNotificationConf(
        status=charge_point.registration,
        current_time=format_timestamp(at.now),
        interval=policies.heartbeat_interval if accepted else policies.boot_retry_interval,
    )
    booted = Event(
        "charge_point.booted",
        charge_point.id,
        {
            "status": charge_point.registration,
            "vendor": charge_point.vendor,
            "model": charge_point.model,
            "firmware_version": charge_point.firmware_version,
        },
    )
    for transaction in unfinished:
        booking.book_boot(transaction, at.now, at.charge_point.transactions)
    return Reply(confirmation, [charge_point, *unfinished], [booted])


def _kept_of_boot(text: str | None) -> str | None:
    return text[:MAX_KEPT_TEXT] if text is not None else None


def _unreadable(payload: object, at: Context) -> Reply[BootNotificationConf]:
    """A boot is never refused for a missing vendor or model: a refused boot is a charge point out of service."""
    known = payload if isinstance(payload, dict) else {}
    readable = {name: value for name, value in known.items() if isinstance(value, str)}
    return boot_notification(
        BootNotificationReq(
            charge_point_vendor=readable.get("chargePointVendor", ""),
            charge_point_model=readable.get("chargePointModel", ""),
            charge_point_serial_number=readable.get("chargePointSerialNumber"),
            charge_box_serial_number=readable.get("chargeBoxSerialNumber"),
            firmware_version=readable.get("firmwareVersion"),
            iccid=readable.get("iccid"),
            imsi=readable.get("imsi"),
            meter_type=readable.get("meterType"),
            meter_serial_number=readable.get("meterSerialNumber"),
        ),
        at,
    )


INCOMING = Incoming(
    BootNotificationReq, BootNotificationConf, boot_notification, unreadable=_unreadable, before_accepted=True
)
