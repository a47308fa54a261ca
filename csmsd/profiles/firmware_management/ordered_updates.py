"""An update as it is ordered, by UpdateFirmware (C 5.19) or SignedUpdateFirmware (whitepaper 5.21)."""

from typing import Any

from csmsd.ocpp.secrets import masked_secrets
from csmsd.profiles.action import Effect, Observation, Sent, Target
from csmsd.profiles.firmware_management import outcomes
from csmsd.profiles.firmware_management.hosting import hosting_token_hash
from csmsd.profiles.firmware_management.locations_and_times import Protocol, hosted_location, unusable_location
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.record import Change, Event, EventType, Milliseconds
from csmsd.profiles.refusal import CannotSend, NotThere

_EVENTS: tuple[EventType, ...] = ("firmware.status", "firmware.confirmed", "firmware.progress")
_DOWNLOADED = frozenset({"downloaded", "installing", "installed", "installation_failed"})
_INSTALLED = frozenset({"installed"})


def objection_to_update(location: str, target: Target) -> str | None:
    """What speaks against asking for one now."""
    current = outcomes.under_way_without_outcome(target.site.firmware.updates, target.charge_point.id)
    if current is not None:
        return f"update {current.id} is under way ({current.state}); see: csmsctl firmware status"
    return unusable_location(location, target)


def ordered_update(
    target: Target,
    location: str,
    retries: int | None,
    retrieve_at: Milliseconds | None,
    install_at: Milliseconds | None = None,
) -> tuple[list[Change], list[Event]]:
    """Kept before it is sent: a charge point may report Downloading before it has answered."""
    assert target.task is not None
    firmware, now = target.site.firmware, target.now
    retrieve_at = now if retrieve_at is None else retrieve_at
    shown = masked_secrets(location)
    assert isinstance(shown, str)
    update = FirmwareUpdate(
        id=target.task,
        charge_point=target.charge_point.id,
        created_at=now,
        changed_at=now,
        retrieve_at=retrieve_at,
        install_at=install_at,
        deadline_at=max(now, retrieve_at, install_at or 0) + target.site.policies.firmware_timeout * 1000,
        location=shown,
        rollout=target.rollout,
        version_before=target.charge_point.record.firmware_version,
    )
    token = firmware.hosting.token_in(location) if firmware.hosting is not None else None
    if firmware.hosting is not None and token is not None:
        update.token_hash = hosting_token_hash(token)
        update.file = firmware.hosting.name_in(location)
        image = firmware.images.get(update.file)
        if image is not None:
            update.version_wanted = image.version
            update.may_be_fetched(image.size, retries)
    firmware.updates.add(update)
    return [update], [update.event()]


def accepted_update(target: Target) -> tuple[list[Change], list[Event]]:
    """The newest command counts: what was under way before is reported no more."""
    updates = target.site.firmware.updates
    update = updates.get(target.task)
    if update is None:
        return [], []
    earlier, told = outcomes.superseded_outcome(updates, update, target.now)
    return [*earlier], told


def _update_seen(sent: Sent[Any], reached: frozenset[str]) -> Observation:
    """How far its update is, by the charge point's reports."""
    update = sent.target.site.firmware.updates.get(sent.target.task)
    return outcomes.observed_outcome(update, there=update is not None and update.state in reached)


UPDATE_EFFECTS = (
    Effect("installed", lambda sent: _update_seen(sent, _INSTALLED), _EVENTS, patience=None),
    Effect("downloaded", lambda sent: _update_seen(sent, _DOWNLOADED), _EVENTS, patience=None),
)


def location_of_update(location: str | None, file: str | None, protocol: Protocol | None, target: Target) -> str:
    """Where the image is to be fetched. Raises CannotSend and NotThere."""
    if (location is None) == (file is None):
        raise CannotSend("Say where the firmware is: either --location URL or --file NAME.")
    if location is not None:
        return location
    assert file is not None
    if file not in target.site.firmware.images:
        raise NotThere(f"No firmware {file}; see csmsctl firmware list, or add it: csmsctl firmware add FILE")
    return hosted_location(target, protocol, file, "give --location URL")
