"""GetDiagnostics (C 5.9): have a charge point upload a file of diagnostics."""

from typing import Annotated, ClassVar

from msgspec import Meta

from csmsd.ocpp.secrets import masked_secrets
from csmsd.ocpp.types import CiString255, DateTime, Integer, Message
from csmsd.profiles.action import Effect, Observation, Operation, Outgoing, Sent, Steps, Target
from csmsd.profiles.firmware_management import outcomes
from csmsd.profiles.firmware_management.followed import MAX_KEPT_TEXT
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
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.record import Change, Event, EventType
from csmsd.profiles.refusal import CannotSend


class GetDiagnosticsReq(Message, kw_only=True):
    location: str
    retries: Integer | None = None
    retry_interval: Integer | None = None
    start_time: DateTime | None = None
    stop_time: DateTime | None = None


class GetDiagnosticsConf(Message, kw_only=True):
    file_name: CiString255 | None = None


def _check(request: GetDiagnosticsReq, target: Target) -> str | None:
    current = outcomes.under_way_without_outcome(target.site.firmware.uploads, target.charge_point.id)
    if current is not None:
        return f"upload {current.id} is under way ({current.state}); see: csmsctl diagnostics status"
    return unusable_location(request.location, target)


def _intend(request: GetDiagnosticsReq, target: Target) -> tuple[list[Change], list[Event]]:
    assert target.task is not None
    firmware, now = target.site.firmware, target.now
    shown = masked_secrets(request.location)
    assert isinstance(shown, str)
    token = firmware.hosting.token_in(request.location) if firmware.hosting is not None else None
    upload = DiagnosticsUpload(
        id=target.task,
        charge_point=target.charge_point.id,
        created_at=now,
        changed_at=now,
        deadline_at=now + target.site.policies.diagnostics_timeout * 1000,
        location=shown,
        token_hash=hosting_token_hash(token) if token is not None else None,
    )
    firmware.uploads.add(upload)
    return [upload], [upload.event()]


def _settle(
    request: GetDiagnosticsReq, confirmation: GetDiagnosticsConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """Without a fileName there is nothing to upload (C 5.9); if a file comes all the same it is taken."""
    uploads = target.site.firmware.uploads
    upload = uploads.get(target.task)
    if upload is None:
        return [], []
    upload.changed_at = target.now
    if confirmation.file_name:
        upload.announced = confirmation.file_name[:MAX_KEPT_TEXT]
    elif upload.state == "requested":
        upload.state = "nothing"
        upload.error = "the charge point named no file: it has no diagnostics"
    earlier, told = outcomes.superseded_outcome(uploads, upload, target.now)
    return [upload, *earlier], [upload.event(), *told]


def _unconfirmed(request: GetDiagnosticsReq, outcome: str, target: Target) -> tuple[list[Change], list[Event]]:
    return target.site.firmware.uploads.unconfirmed(target.task, outcome, target.now)


OUTGOING = Outgoing(
    GetDiagnosticsReq,
    GetDiagnosticsConf,
    accepted=frozenset(),
    check=_check,
    settle=_settle,
    intend=_intend,
    unconfirmed=_unconfirmed,
    needs=lambda request, target: host_of_location(request.location, target),
)


def _see_diagnostics(sent: Sent[GetDiagnosticsReq], *, here: bool) -> Observation:
    """Whether the file has arrived here, or whether the charge point says that it is uploaded: two facts."""
    upload = sent.target.site.firmware.uploads.get(sent.target.task)
    received = upload is not None and upload.received_at is not None
    uploaded = upload is not None and upload.state == "uploaded"
    failed = "it says that it uploaded a file, but nothing arrived here" if uploaded else None
    return outcomes.observed_outcome(upload, there=received or (uploaded and not here), failed=failed)


_EVENTS: tuple[EventType, ...] = ("diagnostics.status", "diagnostics.received", "diagnostics.progress")


class GetDiagnostics(Operation, kw_only=True):
    """Have a charge point upload its diagnostics.

    Without --location csmsd receives the file itself; see: csmsctl diagnostics list.
    """

    command: ClassVar[str] = "get-diagnostics"
    example: ClassVar[str] = "csmsctl get-diagnostics CP1 --start-time -1d --wait"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("received", lambda sent: _see_diagnostics(sent, here=True), _EVENTS, patience=None),
        Effect("uploaded", lambda sent: _see_diagnostics(sent, here=False), _EVENTS, patience=None),
    )

    location: (
        Annotated[str, Meta(description="Directory to upload to (csmsd itself)", extra={"metavar": "URL"})] | None
    ) = None
    start_time: Annotated[str, Meta(description="Nothing older than this", extra={"metavar": "WHEN"})] | None = None
    stop_time: Annotated[str, Meta(description="Nothing newer than this", extra={"metavar": "WHEN"})] | None = None
    retries: Retries | None = None
    retry_interval: RetryInterval | None = None
    protocol: ProtocolOption | None = None

    def effect(self, state: str | None) -> Effect:
        """What goes elsewhere is never received here: there the charge point's word is all there is."""
        if self.location is not None and state == "received":
            raise CannotSend("csmsd receives nothing that goes to --location; it can wait for uploaded.")
        return super().effect("uploaded" if self.location is not None else state)

    def steps(self, target: Target) -> Steps:
        start, stop = time_given_as_ocpp(self.start_time), time_given_as_ocpp(self.stop_time)
        if start is not None and stop is not None and start >= stop:
            raise CannotSend("The start time must be before the stop time.")
        location = self.location or hosted_location(target, self.protocol, "", "give --location URL")
        yield GetDiagnosticsReq(
            location=location,
            retries=self.retries,
            retry_interval=self.retry_interval,
            start_time=start,
            stop_time=stop,
        )
