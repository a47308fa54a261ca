"""TriggerMessage (C 5.17): have a charge point send one of its messages now."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message, PositiveConnectorId
from csmsd.profiles.action import Effect, Observation, Operation, Outgoing, Sent, Steps, Target
from csmsd.profiles.record import Change, Event
from csmsd.profiles.remote_trigger.triggered import (
    objection_to_triggering,
    triggered_message_seen,
    why_not_triggered,
)

MessageTrigger = Literal[
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
]


class TriggerMessageReq(Message, kw_only=True):
    requested_message: MessageTrigger
    connector_id: PositiveConnectorId | None = None


class TriggerMessageConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected", "NotImplemented"]


def _check(request: TriggerMessageReq, target: Target) -> str | None:
    return objection_to_triggering(request.requested_message, target)


def _settle(
    request: TriggerMessageReq, confirmation: TriggerMessageConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """What a pending charge point was asked for is taken from it, although it is not accepted yet (C 4.2)."""
    if confirmation.status == "Accepted":
        target.charge_point.triggered.add(request.requested_message)
    return [], []


def _why(request: TriggerMessageReq, confirmation: TriggerMessageConf, target: Target) -> str | None:
    state = target.charge_point
    if confirmation.status == "Accepted":
        return None
    profiles = state.configured_words("SupportedFeatureProfiles")
    if confirmation.status == "NotImplemented" and profiles is not None and "remotetrigger" not in profiles:
        return "its SupportedFeatureProfiles do not have RemoteTrigger (C 3.3)"
    return why_not_triggered(request.requested_message, request.connector_id, state)


OUTGOING = Outgoing(TriggerMessageReq, TriggerMessageConf, check=_check, settle=_settle, why=_why)


def _triggered_message_arrived(sent: Sent[TriggerMessageReq]) -> Observation:
    request = sent.request
    return triggered_message_seen(sent.target.charge_point, request.requested_message, request.connector_id, sent.at)


class TriggerMessage(Operation, kw_only=True):
    """Ask a charge point to send one of its messages now."""

    command: ClassVar[str] = "trigger-message"
    example: ClassVar[str] = "csmsctl trigger-message CP1 --message MeterValues --connector 1"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect(
            "arrived",
            _triggered_message_arrived,
            ("charge_point.booted", "connector.status", "meter_values", "firmware.status", "diagnostics.status"),
        ),
    )

    message: Annotated[MessageTrigger, Meta(description="Message to send")]
    connector: Annotated[int, Meta(description="Connector it is about", ge=1)] | None = None

    def steps(self, target: Target) -> Steps:
        yield TriggerMessageReq(requested_message=self.message, connector_id=self.connector)
