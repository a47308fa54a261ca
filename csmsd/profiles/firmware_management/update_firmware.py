"""UpdateFirmware (C 5.19): have a charge point fetch and install firmware."""

from typing import ClassVar

from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import DateTime, Integer, Message
from csmsd.profiles.action import Consequence, Effect, Operation, Outgoing, Steps, Target
from csmsd.profiles.firmware_management.locations_and_times import (
    FirmwareLocation,
    HostedImage,
    ProtocolOption,
    Retries,
    RetrieveDate,
    RetryInterval,
    host_of_location,
    time_given_as_ocpp,
)
from csmsd.profiles.firmware_management.ordered_updates import (
    UPDATE_EFFECTS,
    accepted_update,
    location_of_update,
    objection_to_update,
    ordered_update,
)
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.site import Site


class UpdateFirmwareReq(Message, kw_only=True):
    location: str
    retries: Integer | None = None
    retrieve_date: DateTime
    retry_interval: Integer | None = None


class UpdateFirmwareConf(Message, kw_only=True):
    pass


def _check(request: UpdateFirmwareReq, target: Target) -> str | None:
    return objection_to_update(request.location, target)


def _intend(request: UpdateFirmwareReq, target: Target) -> tuple[list[Change], list[Event]]:
    return ordered_update(target, request.location, request.retries, parse_timestamp(request.retrieve_date))


def _settle(
    request: UpdateFirmwareReq, confirmation: UpdateFirmwareConf, target: Target
) -> tuple[list[Change], list[Event]]:
    return accepted_update(target)


def _unconfirmed(request: UpdateFirmwareReq, outcome: str, target: Target) -> tuple[list[Change], list[Event]]:
    return target.site.firmware.updates.unconfirmed(target.task, outcome, target.now)


OUTGOING = Outgoing(
    UpdateFirmwareReq,
    UpdateFirmwareConf,
    accepted=frozenset(),
    check=_check,
    settle=_settle,
    intend=_intend,
    unconfirmed=_unconfirmed,
    needs=lambda request, target: host_of_location(request.location, target),
)


def _removed(event: Event, site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """Updates, uploads and rollouts: nothing more is waited for."""
    return site.firmware.forget(event.charge_point or "", now)


CONSEQUENCES = (Consequence("charge_point.removed", _removed),)


class UpdateFirmware(Operation, kw_only=True):
    """Have a charge point fetch firmware and install it.

    The answer only says that it was understood. What comes of it is followed: csmsctl firmware status, or --wait.
    """

    command: ClassVar[str] = "update-firmware"
    example: ClassVar[str] = "csmsctl update-firmware CP1 --file acme-2.1.bin --wait"
    question: ClassVar[str | None] = (
        "Each is out of service while it installs, all at once (in stages: csmsctl firmware rollout). Update {targets}?"
    )
    effects: ClassVar[tuple[Effect, ...]] = UPDATE_EFFECTS

    location: FirmwareLocation | None = None
    file: HostedImage | None = None
    retrieve_date: RetrieveDate | None = None
    retries: Retries | None = None
    retry_interval: RetryInterval | None = None
    protocol: ProtocolOption | None = None

    def steps(self, target: Target) -> Steps:
        yield UpdateFirmwareReq(
            location=location_of_update(self.location, self.file, self.protocol, target),
            retries=self.retries,
            retrieve_date=time_given_as_ocpp(self.retrieve_date, target.now) or "",
            retry_interval=self.retry_interval,
        )
