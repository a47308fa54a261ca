"""Diagnostics and logs: each upload from its command to the file that arrived."""

from typing import ClassVar, Literal

from csmsd.profiles.firmware_management.followed import MAX_KEPT_TEXT, NOT_REPORTED_ON, Book, Followed
from csmsd.profiles.record import Change, Event, Milliseconds

# By GetDiagnostics, or of GetLog one of both logs.
UploadKind = Literal["diagnostics", "diagnostics_log", "security_log"]
STATES = {
    "Uploading": "uploading",
    "Uploaded": "uploaded",
    "UploadFailed": "upload_failed",
    # Of a log (6.17); N01.FR.10 writes UploadFailed as well.
    "UploadFailure": "upload_failed",
    "BadMessage": "upload_failed",
    "PermissionDenied": "upload_failed",
    "NotSupportedOperation": "upload_failed",
    "AcceptedCanceled": "upload_failed",
}
_REASONS = {
    "BadMessage": "where it was to go, it was not understood",
    "PermissionDenied": "it was not permitted to leave the file where it was to go",
    "NotSupportedOperation": "where it was to go, no files are taken",
    "AcceptedCanceled": "another upload took its place",
}
ENDED = frozenset({"uploaded", "upload_failed", "nothing", "unknown", "refused", "not_sent", "superseded", "cancelled"})


class DiagnosticsUpload(Followed, kw_only=True, gc=False):
    """One GetDiagnostics (C 5.9) or GetLog (whitepaper 5.9).

    `name` and `announced` are the charge point's words: data, never a path.
    """

    word: ClassVar[str] = "upload"
    table: ClassVar[str] = "diagnostics_upload"
    key: ClassVar[tuple[str, ...]] = ("id",)

    announced: str | None = None  # fileName of the confirmation
    name: str | None = None  # the name under which the file came
    stored: str | None = None  # its name on our disk
    size: int | None = None
    sha256: str | None = None
    received_at: Milliseconds | None = None
    kind: UploadKind = "diagnostics"

    @property
    def ended(self) -> bool:
        return self.state in ENDED or self.received_at is not None

    @property
    def token_dead(self) -> bool:
        return self.received_at is not None or super().token_dead

    def report(self, status: str, now: Milliseconds, timeout: Milliseconds) -> None:
        """Takes a DiagnosticsStatusNotification (C 4.4) or a LogStatusNotification (whitepaper 5.13)."""
        self.reported = status[:MAX_KEPT_TEXT]
        self.changed_at = now
        state = STATES.get(status)  # Idle and what nobody knows change nothing
        # A status that was overtaken by the last one changes nothing either.
        if state is None or state == self.state or (self.state == "uploaded" and state == "uploading"):
            return
        self.state = state
        self.error = _REASONS.get(status)
        self.deadline_at = max(self.deadline_at, now + timeout)  # saying the same for ever does not move it

    def event(self, **more: object) -> Event:
        data: dict[str, object] = {
            "upload": self.id,
            "kind": self.kind,
            "state": self.state,
            "status": self.reported,
        }
        return Event("diagnostics.status", self.charge_point, data | more)


class Uploads(Book[DiagnosticsUpload]):
    """All uploads that matter now, and all whose file is kept."""

    def must_stay(self, record: DiagnosticsUpload) -> bool:
        return record.stored is not None

    def reported_on(self, identity: str, number: int | None, *, log: bool) -> DiagnosticsUpload | None:
        """The one that a status is about: that of its number, or the current one of its kind, or of any kind."""
        own = [upload for upload in reversed(self.of_charge_point(identity)) if upload.state not in NOT_REPORTED_ON]
        numbered = [upload for upload in own if upload.id == number]
        alike = [upload for upload in own if (upload.kind != "diagnostics") == log]
        return next(iter([*numbered, *alike, *own]), None)

    @property
    def kept(self) -> list[DiagnosticsUpload]:
        """Those whose file is here, the newest first."""
        return sorted((upload for upload in self if upload.stored is not None), key=lambda upload: -upload.id)


def expire_uploads(uploads: Uploads, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """Silence is never waited out for ever: it ends as `unknown`."""
    changes: list[Change] = []
    events: list[Event] = []
    for upload in uploads:
        if upload.overdue(now):
            upload.state = "unknown"
            upload.changed_at = now
            upload.error = f"no report since {upload.reported or 'the command'}"
            changes.append(upload)
            events.append(upload.event())
    return changes, events
