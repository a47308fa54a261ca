"""An upload as it is ordered and answered, by GetDiagnostics (C 5.9) or GetLog (whitepaper 5.9)."""

from typing import Any

from csmsd.ocpp.secrets import masked_secrets
from csmsd.profiles.action import Effect, Observation, Sent, Target
from csmsd.profiles.firmware_management import outcomes
from csmsd.profiles.firmware_management.followed import MAX_KEPT_TEXT
from csmsd.profiles.firmware_management.hosting import hosting_token_hash
from csmsd.profiles.firmware_management.locations_and_times import time_given_as_ocpp, unusable_location
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload, UploadKind
from csmsd.profiles.record import Change, Event, EventType
from csmsd.profiles.refusal import CannotSend

_EVENTS: tuple[EventType, ...] = ("diagnostics.status", "diagnostics.received", "diagnostics.progress")


def objection_to_upload(location: str, target: Target) -> str | None:
    """What speaks against asking for one now."""
    current = outcomes.under_way_without_outcome(target.site.firmware.uploads, target.charge_point.id)
    if current is not None:
        return f"upload {current.id} is under way ({current.state}); see: csmsctl diagnostics status"
    return unusable_location(location, target)


def ordered_upload(kind: UploadKind, location: str, target: Target) -> tuple[list[Change], list[Event]]:
    """Kept before it is sent: the file may come before the answer."""
    assert target.task is not None
    firmware, now = target.site.firmware, target.now
    shown = masked_secrets(location)
    assert isinstance(shown, str)
    token = firmware.hosting.token_in(location) if firmware.hosting is not None else None
    upload = DiagnosticsUpload(
        id=target.task,
        charge_point=target.charge_point.id,
        created_at=now,
        changed_at=now,
        deadline_at=now + target.site.policies.diagnostics_timeout * 1000,
        location=shown,
        token_hash=hosting_token_hash(token) if token is not None else None,
        kind=kind,
    )
    firmware.uploads.add(upload)
    return [upload], [upload.event()]


def accepted_upload(name: str | None, target: Target) -> tuple[list[Change], list[Event]]:
    """Without a name there is nothing to upload (C 5.9, N01.FR.01); if a file comes all the same it is taken."""
    uploads = target.site.firmware.uploads
    upload = uploads.get(target.task)
    if upload is None:
        return [], []
    upload.changed_at = target.now
    if name:
        upload.announced = name[:MAX_KEPT_TEXT]
    elif upload.state == "requested":
        upload.state = "nothing"
        upload.error = "the charge point named no file: it has no diagnostics"
    earlier, told = outcomes.superseded_outcome(uploads, upload, target.now)
    return [upload, *earlier], [upload.event(), *told]


def _upload_seen(sent: Sent[Any], *, here: bool) -> Observation:
    """Whether the file has arrived here, or whether the charge point says that it is uploaded: two facts."""
    upload = sent.target.site.firmware.uploads.get(sent.target.task)
    received = upload is not None and upload.received_at is not None
    uploaded = upload is not None and upload.state == "uploaded"
    failed = "it says that it uploaded a file, but nothing arrived here" if uploaded else None
    return outcomes.observed_outcome(upload, there=received or (uploaded and not here), failed=failed)


UPLOAD_EFFECTS = (
    Effect("received", lambda sent: _upload_seen(sent, here=True), _EVENTS, patience=None),
    Effect("uploaded", lambda sent: _upload_seen(sent, here=False), _EVENTS, patience=None),
)


def span_of_upload(since: str | None, until: str | None) -> tuple[str | None, str | None]:
    """The times that its file is to be of, as OCPP writes them. Raises CannotSend."""
    start, stop = time_given_as_ocpp(since), time_given_as_ocpp(until)
    if start is not None and stop is not None and start >= stop:
        raise CannotSend("The start time must be before the stop time.")
    return start, stop


def awaited_of_upload(location: str | None, state: str | None) -> str | None:
    """What goes elsewhere is never received here: there the charge point's word is all there is. Raises CannotSend."""
    if location is not None and state == "received":
        raise CannotSend("csmsd receives nothing that goes to --location; it can wait for uploaded.")
    return "uploaded" if location is not None else state
