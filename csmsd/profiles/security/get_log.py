"""GetLog (whitepaper 5.9, N01): have a charge point upload its security log, or its diagnostics."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

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

LogType = Literal["DiagnosticsLog", "SecurityLog"]


class LogParameters(Message, kw_only=True):
    """What of the log is wanted, and where it is to go (6.12)."""

    remote_location: Annotated[str, Meta(max_length=512)]
    oldest_timestamp: DateTime | None = None
    latest_timestamp: DateTime | None = None


class GetLogReq(Message, kw_only=True):
    log_type: LogType
    request_id: Integer
    retries: Integer | None = None
    retry_interval: Integer | None = None
    log: LogParameters


class GetLogConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected", "AcceptedCanceled"]
    filename: CiString255 | None = None


def _check(request: GetLogReq, target: Target) -> str | None:
    return objection_to_upload(request.log.remote_location, target)


def _intend(request: GetLogReq, target: Target) -> tuple[list[Change], list[Event]]:
    kind: Literal["security_log", "diagnostics_log"] = (
        "security_log" if request.log_type == "SecurityLog" else "diagnostics_log"
    )
    return ordered_upload(kind, request.log.remote_location, target)


def _settle(request: GetLogReq, confirmation: GetLogConf, target: Target) -> tuple[list[Change], list[Event]]:
    """AcceptedCanceled: the one before it is over (N01.FR.11). Rejected: that one goes on."""
    if confirmation.status != "Rejected":
        return accepted_upload(confirmation.filename, target)
    return target.site.firmware.uploads.unconfirmed(target.task, "call_error", target.now)


def _unconfirmed(request: GetLogReq, outcome: str, target: Target) -> tuple[list[Change], list[Event]]:
    return target.site.firmware.uploads.unconfirmed(target.task, outcome, target.now)


OUTGOING = Outgoing(
    GetLogReq,
    GetLogConf,
    accepted=frozenset({"Accepted", "AcceptedCanceled"}),
    check=_check,
    settle=_settle,
    intend=_intend,
    unconfirmed=_unconfirmed,
    needs=lambda request, target: host_of_location(request.log.remote_location, target),
    numbered="request_id",
)


class GetLog(Operation, kw_only=True):
    """Have a charge point upload its security log or its diagnostics.

    Without --location csmsd receives the file itself; see: csmsctl diagnostics list.
    """

    command: ClassVar[str] = "get-log"
    example: ClassVar[str] = "csmsctl get-log CP1 --type security --wait"
    effects: ClassVar[tuple[Effect, ...]] = UPLOAD_EFFECTS

    type: Annotated[Literal["security", "diagnostics"], Meta(description="Which log")]
    location: UploadLocation | None = None
    oldest: LogSince | None = None
    latest: LogUntil | None = None
    retries: Retries | None = None
    retry_interval: RetryInterval | None = None
    protocol: ProtocolOption | None = None

    def effect(self, state: str | None) -> Effect:
        return super().effect(awaited_of_upload(self.location, state))

    def steps(self, target: Target) -> Steps:
        oldest, latest = span_of_upload(self.oldest, self.latest)
        location = self.location or hosted_location(target, self.protocol, "", "give --location URL")
        yield GetLogReq(
            log_type="SecurityLog" if self.type == "security" else "DiagnosticsLog",
            request_id=0,
            retries=self.retries,
            retry_interval=self.retry_interval,
            log=LogParameters(remote_location=location, oldest_timestamp=oldest, latest_timestamp=latest),
        )
