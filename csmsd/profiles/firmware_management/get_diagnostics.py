"""GetDiagnostics (C 5.9): have a charge point upload a file of diagnostics."""

from typing import ClassVar

from csmsd.ocpp.types import CiString255, DateTime, Integer, Message
from csmsd.profiles.action import Effect, Operation, Outgoing, Steps, Target
from csmsd.profiles.firmware_management.locations_and_times import (
    LogSince,
    LogUntil,
    ProtocolOption,
    Retries,
    RetryInterval,
    UploadLocation,
    host_of_location,
    hosted_location,
)
from csmsd.profiles.firmware_management.ordered_uploads import (
    UPLOAD_EFFECTS,
    accepted_upload,
    awaited_of_upload,
    objection_to_upload,
    ordered_upload,
    span_of_upload,
)
from csmsd.profiles.record import Change, Event


class GetDiagnosticsReq(Message, kw_only=True):
    location: str
    retries: Integer | None = None
    retry_interval: Integer | None = None
    start_time: DateTime | None = None
    stop_time: DateTime | None = None


class GetDiagnosticsConf(Message, kw_only=True):
    file_name: CiString255 | None = None


def _check(request: GetDiagnosticsReq, target: Target) -> str | None:
    return objection_to_upload(request.location, target)


def _intend(request: GetDiagnosticsReq, target: Target) -> tuple[list[Change], list[Event]]:
    return ordered_upload("diagnostics", request.location, target)


def _settle(
    request: GetDiagnosticsReq, confirmation: GetDiagnosticsConf, target: Target
) -> tuple[list[Change], list[Event]]:
    return accepted_upload(confirmation.file_name, target)


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


class GetDiagnostics(Operation, kw_only=True):
    """Have a charge point upload its diagnostics.

    Without --location csmsd receives the file itself; see: csmsctl diagnostics list.
    """

    command: ClassVar[str] = "get-diagnostics"
    example: ClassVar[str] = "csmsctl get-diagnostics CP1 --start-time -1d --wait"
    effects: ClassVar[tuple[Effect, ...]] = UPLOAD_EFFECTS

    location: UploadLocation | None = None
    start_time: LogSince | None = None
    stop_time: LogUntil | None = None
    retries: Retries | None = None
    retry_interval: RetryInterval | None = None
    protocol: ProtocolOption | None = None

    def effect(self, state: str | None) -> Effect:
        return super().effect(awaited_of_upload(self.location, state))

    def steps(self, target: Target) -> Steps:
        start, stop = span_of_upload(self.start_time, self.stop_time)
        location = self.location or hosted_location(target, self.protocol, "", "give --location URL")
        yield GetDiagnosticsReq(
            location=location,
            retries=self.retries,
            retry_interval=self.retry_interval,
            start_time=start,
            stop_time=stop,
        )
