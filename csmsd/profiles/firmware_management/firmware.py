"""The live state of the room: images, updates, uploads, rollouts."""

from csmsd.profiles.firmware_management.hosting import Hosting
from csmsd.profiles.firmware_management.rollouts import Rollouts, rollout_event
from csmsd.profiles.firmware_management.updates import FirmwareImage, Updates
from csmsd.profiles.firmware_management.uploads import Uploads
from csmsd.profiles.record import Change, Event, Milliseconds


class Firmware:
    """What the site knows of firmware and diagnostics. `hosting` is None where csmsd hosts no files."""

    def __init__(self) -> None:
        self.images: dict[str, FirmwareImage] = {}
        self.updates = Updates()
        self.uploads = Uploads()
        self.rollouts = Rollouts()
        self.hosting: Hosting | None = None

    def carry_over(self, old: "Firmware") -> None:
        """Takes what no file knows from the state that this one replaces."""
        self.hosting = old.hosting

    def forget(self, identity: str, now: Milliseconds) -> tuple[list[Change], list[Event]]:
        """The charge point was removed: nothing more is waited for, its tokens are good for nothing any more."""
        reason = "the charge point was removed"
        updates = self.updates.end_for(identity, reason, now)
        uploads = self.uploads.end_for(identity, reason, now)
        members = self.rollouts.end_for(identity, reason, now)
        events = [record.event() for record in (*updates, *uploads)]
        events += [
            rollout_event(rollout, member) for member in members if (rollout := self.rollouts.get(member.rollout))
        ]
        return [*updates, *uploads, *members], events
