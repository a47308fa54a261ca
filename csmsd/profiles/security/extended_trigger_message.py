"""ExtendedTriggerMessage (whitepaper 5.5): have a charge point send a message now, those of this extension as well."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message, PositiveConnectorId
from csmsd.profiles.action import Effect, Observation, Operation, Outgoing, Sent, Steps, Target
from csmsd.profiles.record import Change, Event
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.remote_trigger.triggered import (
    objection_to_triggering,
    triggered_message_seen,
    why_not_triggered,
)

ExtendedMessageTrigger = Literal[
    "BootNotification",
    "LogStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "SignChargePointCertificate",
    "StatusNotification",
]
# What comes of it under another name (6.14).
_SENT_AS = {
    "SignChargePointCertificate": "SignCertificate",
    "FirmwareStatusNotification": "SignedFirmwareStatusNotification",
}
_OF_A_CONNECTOR = ("MeterValues", "StatusNotification")


class ExtendedTriggerMessageReq(Message, kw_only=True):
    requested_message: ExtendedMessageTrigger
    connector_id: PositiveConnectorId | None = None


class ExtendedTriggerMessageConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected", "NotImplemented"]


def _check(request: ExtendedTriggerMessageReq, target: Target) -> str | None:
    return objection_to_triggering(request.requested_message, target)


def _settle(
    request: ExtendedTriggerMessageReq, confirmation: ExtendedTriggerMessageConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """What a pending charge point was asked for is taken from it, under whichever name it sends it (C 4.2)."""
    if confirmation.status == "Accepted":
        requested: str = request.requested_message
        target.charge_point.triggered.update({requested, _SENT_AS.get(requested, requested)})
        target.charge_point.triggered.discard("SignChargePointCertificate")
    return [], []


def _why(request: ExtendedTriggerMessageReq, confirmation: ExtendedTriggerMessageConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return None
    state, requested = target.charge_point, request.requested_message
    if requested == "SignChargePointCertificate" and not state.configured("CpoName"):
        return "it may want the name of its operator first: csmsctl change-configuration --set CpoName=NAME"
    return why_not_triggered(requested, request.connector_id, state)


OUTGOING = Outgoing(ExtendedTriggerMessageReq, ExtendedTriggerMessageConf, check=_check, settle=_settle, why=_why)


class ExtendedTriggerMessage(Operation, kw_only=True):
    """Ask a charge point with the security extension to send one of its messages now.

    SignChargePointCertificate has it make a new key and ask for a certificate.
    """

    command: ClassVar[str] = "extended-trigger-message"
    example: ClassVar[str] = "csmsctl extended-trigger-message CP1 --message LogStatusNotification"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect(
            "arrived",
            lambda sent: _extended_message_seen(sent),
            (
                "charge_point.booted",
                "connector.status",
                "meter_values",
                "firmware.status",
                "diagnostics.status",
                "certificate.changed",
            ),
        ),
    )

    message: Annotated[ExtendedMessageTrigger, Meta(description="Message to send")]
    connector: Annotated[int, Meta(description="Connector it is about", ge=1)] | None = None

    def steps(self, target: Target) -> Steps:
        if self.connector is not None and self.message not in _OF_A_CONNECTOR:
            raise CannotSend(f"{self.message} is about no connector (5.5); leave --connector out.")
        yield ExtendedTriggerMessageReq(requested_message=self.message, connector_id=self.connector)


def _extended_message_seen(sent: Sent[ExtendedTriggerMessageReq]) -> Observation:
    request, state = sent.request, sent.target.charge_point
    requested = request.requested_message
    return triggered_message_seen(state, _SENT_AS.get(requested, requested), request.connector_id, sent.at)
