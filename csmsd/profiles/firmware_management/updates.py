"""Firmware: the images that are kept here, and each update from its command to the version that boots."""

from typing import ClassVar

from csmsd.profiles.firmware_management import pieces
from csmsd.profiles.firmware_management.followed import MAX_KEPT_TEXT, NOT_REPORTED_ON, Book, Followed
from csmsd.profiles.record import Change, Event, Milliseconds, Record

STATES = {
    "Downloading": "downloading",
    "Downloaded": "downloaded",
    "DownloadFailed": "download_failed",
    "Installing": "installing",
    "Installed": "installed",
    "InstallationFailed": "installation_failed",
    # Of signed firmware (whitepaper 6.6).
    "InstallVerificationFailed": "installation_failed",
    "InvalidSignature": "invalid_signature",
}
# Of signed firmware, too: steps between those above, which are told in any order or left out; none goes back.
_BETWEEN = {
    "DownloadScheduled": "requested",
    "DownloadPaused": "downloading",
    "SignatureVerified": "downloaded",
    "InstallScheduled": "downloaded",
    "InstallRebooting": "installing",
}
_ORDER = ("requested", "downloading", "downloaded", "installing")
_REASONS = {"InstallVerificationFailed": "what it installed did not pass its own verification"}
ENDED = frozenset(
    {
        "installed",
        "download_failed",
        "installation_failed",
        "invalid_signature",
        "unknown",
        "refused",
        "not_sent",
        "superseded",
        "cancelled",
    }
)
FAILED = frozenset({"download_failed", "installation_failed", "invalid_signature", "refused", "not_sent"})


class FirmwareImage(Record, kw_only=True):
    """A file of firmware that operators stored; `stored` is its name on disk, which nobody but us chose."""

    table: ClassVar[str] = "firmware_image"
    key: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    stored: str
    size: int
    sha256: str
    version: str | None = None  # what a charge point reports that runs it, where known
    note: str | None = None
    added_at: Milliseconds


DEFAULT_RETRIES = 3  # how often it is tried again when the command leaves that to the charge point (C 5.19)
_SLACK = 1024 * 1024  # bytes on top of whole files: a charge point resumes a little before where it was cut
_LEAST_COST = 20  # a transfer that brings nothing new costs a file's size by this, however little of it left
_LAST_WORD = 60_000  # ms after a boot with the new version in which Installed may still come
_LAST_BOOT = 600_000  # ms after Installed in which a boot may show that it is so, when nobody fetched the file


class FirmwareUpdate(Followed, kw_only=True, gc=False):
    """One UpdateFirmware (C 5.19) or SignedUpdateFirmware (whitepaper 5.21)."""

    word: ClassVar[str] = "update"
    table: ClassVar[str] = "firmware_update"
    key: ClassVar[tuple[str, ...]] = ("id",)

    rollout: int | None = None  # the one that it is a part of
    file: str | None = None  # name of the image, when csmsd hosts it
    retrieve_at: Milliseconds
    install_at: Milliseconds | None = None  # when it was told to install; None: as soon as it can
    downloads_left: int = 0  # complete ones, which the charge point has acknowledged
    bytes_left: int = 0  # that may leave our host, in complete downloads and such as were cut
    delivered: list[list[int]] = []  # pieces of the file that left since the last complete one
    fetched_at: Milliseconds | None = None  # when it was complete
    version_wanted: str | None = None
    version_before: str | None = None
    version_after: str | None = None  # what it booted with since
    confirmed_at: Milliseconds | None = None  # when that was first the new version

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def token_dead(self) -> bool:
        used_up = self.downloads_left < 1 or self.bytes_left < 1
        return used_up or self.state == "installed" or super().token_dead

    @property
    def unfounded(self) -> bool:
        """Whether it cannot be installed by all that is known here: csmsd hosts the file, and nothing of it left."""
        fetched = self.fetched_at is not None or bool(self.delivered)
        return self.token_hash is not None and not fetched and self.confirmed_at is None

    def may_be_fetched(self, size: int, retries: int | None) -> None:
        """A file of that size may be fetched once, and once more for each retry that the command speaks of.

        Without a number it is up to the charge point how often it tries: then one of its tries may succeed.
        """
        self.downloads_left = 1 + (retries or 0)
        self.bytes_left = (1 + (DEFAULT_RETRIES if retries is None else retries)) * size + _SLACK

    def left(self, size: int, asked: tuple[int, int], at: int, *, cost: int, arrived: bool, now: Milliseconds) -> bool:
        """Of a file of that size some bytes (from, to) were asked for and left our host up to `at`; is it complete now?

        `cost` of them arrived for certain. What is asked for once more had not arrived before, whatever the network
        said; what lies before it had. So what was cut can be resumed, and is complete when its last piece `arrived`.
        """
        start, stop = asked
        before = pieces.total_of_pieces(self.delivered)
        self.delivered = pieces.with_piece(pieces.without_piece(self.delivered, start, stop), start, at)
        after = pieces.total_of_pieces(self.delivered)
        self.bytes_left -= max(cost, 0 if after > before else max(1, size // _LEAST_COST))
        complete = arrived and after >= size
        if complete:
            self.downloads_left -= 1
            self.delivered, self.fetched_at = [], now
        self._take_its_word()
        return complete

    def report(self, status: str, now: Milliseconds, timeout: Milliseconds) -> None:
        """Takes a (Signed)FirmwareStatusNotification (C 4.5, whitepaper 5.19). Statuses come in any order."""
        self.reported = status[:MAX_KEPT_TEXT]
        self.changed_at = now
        state = STATES.get(status) or self._state_between(status)  # Idle and what nobody knows change nothing
        if state is None or self.state == "installed" or state == self.state:
            return  # and nothing to wait longer for: who says the same for ever would never end
        if state == "installed" and self.unfounded:
            if self.error is None:
                self.error = "it says Installed, but nobody has fetched the file and no boot has shown another version"
                self.deadline_at = min(self.deadline_at, now + _LAST_BOOT)
            return
        self.state = state
        self.error = _REASONS.get(status)
        self.deadline_at = max(self.deadline_at, now + timeout)

    def _state_between(self, status: str) -> str | None:
        state = _BETWEEN.get(status)
        if state is None or self.state not in _ORDER or _ORDER.index(state) < _ORDER.index(self.state):
            return None
        return state

    def booted(self, version: str | None, now: Milliseconds) -> bool:
        """Takes the version of a BootNotification; whether it is the new one, seen for the first time."""
        if version is None:
            return False
        self.version_after = version
        new = version == self.version_wanted if self.version_wanted else version != self.version_before
        if not new or self.confirmed_at is not None:
            return False
        self.confirmed_at = now
        # Many never say Installed: it is waited for a little longer, and then taken for said.
        self.deadline_at = min(self.deadline_at, now + _LAST_WORD)
        self._take_its_word()
        return True

    def _take_its_word(self) -> None:
        """Installed may have been said before what shows that it can be so was known here."""
        if self.reported == "Installed" and not self.unfounded:
            self.state, self.error = "installed", None

    def event(self, **more: object) -> Event:
        data: dict[str, object] = {"update": self.id, "state": self.state, "status": self.reported, "file": self.file}
        return Event("firmware.status", self.charge_point, data | more)


class Updates(Book[FirmwareUpdate]):
    """All updates that matter now."""

    def reported_on(self, identity: str, number: int | None) -> FirmwareUpdate | None:
        """The one that a status is about: that of its number, or else the current one."""
        numbered = self.get(number)
        if numbered is not None and numbered in self.of_charge_point(identity):
            return None if numbered.state in NOT_REPORTED_ON else numbered
        return self.current(identity)

    def of_rollout(self, identity: str, rollout: int) -> FirmwareUpdate | None:
        """The newest one that a rollout sent to a charge point."""
        own = reversed(self.of_charge_point(identity))
        return next((update for update in own if update.rollout == rollout), None)


def expire_updates(updates: Updates, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """Silence is never waited out for ever: it ends as `unknown`."""
    changes: list[Change] = []
    events: list[Event] = []
    for update in updates:
        if update.overdue(now):
            silence = f"no report since {update.reported or 'the command'}"
            if update.reported == "Installed":  # and nothing has shown that it can be so
                silence = update.error or silence
            update.state = "installed" if update.confirmed_at is not None else "unknown"
            update.changed_at = now
            update.error = f"{silence}, but it booted with the new version" if update.confirmed_at else silence
            changes.append(update)
            events.append(update.event())
    return changes, events
