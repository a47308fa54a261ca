"""Diagnostics: each upload from its command to the file that arrived."""

from typing import ClassVar

from csmsd.profiles.firmware_management.followed import MAX_KEPT_TEXT, Book, Followed
from csmsd.profiles.record import Change, Event, Milliseconds

STATES = {"Uploading": "uploading", "Uploaded": "uploaded", "UploadFailed": "upload_failed"}
ENDED = frozenset({"uploaded", "upload_failed", "nothing", "unknown", "refused", "not_sent", "superseded", "cancelled"})


class DiagnosticsUpload(Followed, kw_only=True, gc=False):
    """One GetDiagnostics (C 5.9). `name` and `announced` are the charge point's words: data, never a path."""

    word: ClassVar[str] = "upload"
    table: ClassVar[str] = "diagnostics_upload"
    key: ClassVar[tuple[str, ...]] = ("id",)

    announced: str | None = None  # fileName of the confirmation
    name: str | None = None  # the name under which the file came
    stored: str | None = None  # its name on our disk
    size: int | None = None
    sha256: str | None = None
    received_at: Milliseconds | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED or self.received_at is not None

    @property
    def token_dead(self) -> bool:
        return self.received_at is not None or super().token_dead

    def report(self, status: str, now: Milliseconds, timeout: Milliseconds) -> None:
        """Takes a DiagnosticsStatusNotification (C 4.4)."""
        self.reported = status[:MAX_KEPT_TEXT]
        self.changed_at = now
        state = STATES.get(status)  # Idle and what nobody knows change nothing
        # A status that was overtaken by the last one changes nothing either.
        if state is None or state == self.state or (self.state == "uploaded" and state == "uploading"):
            return
        self.state = state
        self.error = None
        self.deadline_at = max(self.deadline_at, now + timeout)  # saying the same for ever does not move it

    def event(self, **more: object) -> Event:
        data: dict[str, object] = {"upload": self.id, "state": self.state, "status": self.reported}
        return Event("diagnostics.status", self.charge_point, data | more)


class Uploads(Book[DiagnosticsUpload]):
    """All uploads that matter now, and all whose file is kept."""

    def must_stay(self, record: DiagnosticsUpload) -> bool:
        return record.stored is not None

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
