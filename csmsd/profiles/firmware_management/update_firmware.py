"""UpdateFirmware (C 5.19): have a charge point fetch and install firmware."""

from typing import Annotated, ClassVar

from msgspec import Meta

from csmsd.ocpp.secrets import masked_secrets
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import DateTime, Integer, Message
from csmsd.profiles.action import Consequence, Effect, Observation, Operation, Outgoing, Sent, Steps, Target
from csmsd.profiles.firmware_management import outcomes
from csmsd.profiles.firmware_management.hosting import hosting_token_hash
from csmsd.profiles.firmware_management.locations_and_times import (
    ProtocolOption,
    Retries,
    RetryInterval,
    host_of_location,
    hosted_location,
    time_given_as_ocpp,
    unusable_location,
)
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.record import Change, Event, EventType, Milliseconds
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.site import Site


class UpdateFirmwareReq(Message, kw_only=True):
    location: str
    retries: Integer | None = None
    retrieve_date: DateTime
    retry_interval: Integer | None = None


class UpdateFirmwareConf(Message, kw_only=True):
    pass


def _check(request: UpdateFirmwareReq, target: Target) -> str | None:
    current = outcomes.under_way_without_outcome(target.site.firmware.updates, target.charge_point.id)
    if current is not None:
        return f"update {current.id} is under way ({current.state}); see: csmsctl firmware status"
    return unusable_location(request.location, target)


def _intend(request: UpdateFirmwareReq, target: Target) -> tuple[list[Change], list[Event]]:
    """Kept before it is sent: a charge point may report Downloading before it has answered."""
    assert target.task is not None
    firmware, now = target.site.firmware, target.now
    retrieve_at = parse_timestamp(request.retrieve_date) or now
    shown = masked_secrets(request.location)
    assert isinstance(shown, str)
    update = FirmwareUpdate(
        id=target.task,
        charge_point=target.charge_point.id,
        created_at=now,
        changed_at=now,
        retrieve_at=retrieve_at,
        deadline_at=max(now, retrieve_at) + target.site.policies.firmware_timeout * 1000,
        location=shown,
        rollout=target.rollout,
        version_before=target.charge_point.record.firmware_version,
    )
    token = firmware.hosting.token_in(request.location) if firmware.hosting is not None else None
    if firmware.hosting is not None and token is not None:
        update.token_hash = hosting_token_hash(token)
        update.file = firmware.hosting.name_in(request.location)
        image = firmware.images.get(update.file)
        if image is not None:
            update.version_wanted = image.version
            update.may_be_fetched(image.size, request.retries)
    firmware.updates.add(update)
    return [update], [update.event()]


def _settle(
    request: UpdateFirmwareReq, confirmation: UpdateFirmwareConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """The newest command counts: what was under way before is reported no more."""
    updates = target.site.firmware.updates
    update = updates.get(target.task)
    if update is None:
        return [], []
    earlier, told = outcomes.superseded_outcome(updates, update, target.now)
    return [*earlier], told


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


def _see_firmware_update(sent: Sent[UpdateFirmwareReq], reached: frozenset[str]) -> Observation:
    """How far its update is, by the charge point's reports."""
    update = sent.target.site.firmware.updates.get(sent.target.task)
    return outcomes.observed_outcome(update, there=update is not None and update.state in reached)


_DOWNLOADED = frozenset({"downloaded", "installing", "installed", "installation_failed"})
_EVENTS: tuple[EventType, ...] = ("firmware.status", "firmware.confirmed", "firmware.progress")


class UpdateFirmware(Operation, kw_only=True):
    """Have a charge point fetch firmware and install it.

    The answer only says that it was understood. What comes of it is followed: csmsctl firmware status, or --wait.
    """

    command: ClassVar[str] = "update-firmware"
    example: ClassVar[str] = "csmsctl update-firmware CP1 --file acme-2.1.bin --wait"
    question: ClassVar[str | None] = (
        "Each is out of service while it installs, all at once (in stages: csmsctl firmware rollout). Update {targets}?"
    )
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("installed", lambda sent: _see_firmware_update(sent, frozenset({"installed"})), _EVENTS, patience=None),
        Effect("downloaded", lambda sent: _see_firmware_update(sent, _DOWNLOADED), _EVENTS, patience=None),
    )

    location: Annotated[str, Meta(description="Where the charge point fetches it", extra={"metavar": "URL"})] | None = (
        None
    )
    file: (
        Annotated[
            str,
            Meta(
                description="Image that csmsd hosts; see csmsctl firmware list",
                extra={"metavar": "NAME", "complete": "firmware"},
            ),
        ]
        | None
    ) = None
    retrieve_date: (
        Annotated[str, Meta(description="Not to be fetched before (now)", extra={"metavar": "WHEN"})] | None
    ) = None
    retries: Retries | None = None
    retry_interval: RetryInterval | None = None
    protocol: ProtocolOption | None = None

    def steps(self, target: Target) -> Steps:
        yield UpdateFirmwareReq(
            location=self._url(target),
            retries=self.retries,
            retrieve_date=time_given_as_ocpp(self.retrieve_date, target.now) or "",
            retry_interval=self.retry_interval,
        )

    def _url(self, target: Target) -> str:
        if (self.location is None) == (self.file is None):
            raise CannotSend("Say where the firmware is: either --location URL or --file NAME.")
        if self.location is not None:
            return self.location
        assert self.file is not None
        if self.file not in target.site.firmware.images:
            raise NotThere(f"No firmware {self.file}; see csmsctl firmware list, or add it: csmsctl firmware add FILE")
        return hosted_location(target, self.protocol, self.file, "give --location URL")
