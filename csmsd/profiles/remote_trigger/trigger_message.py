"""TriggerMessage (C 5.17): have a charge point send one of its messages now."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message, PositiveConnectorId
from csmsd.profiles.action import Effect, Observation, Operation, Outgoing, Sent, Steps, Target
from csmsd.profiles.core.connectors import connector_numbers, missing_connector
from csmsd.profiles.record import Change, Event

MessageTrigger = Literal[
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
]


_OF_A_CONNECTOR = ("MeterValues", "StatusNotification")


class TriggerMessageReq(Message, kw_only=True):
    requested_message: MessageTrigger
    connector_id: PositiveConnectorId | None = None


class TriggerMessageConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected", "NotImplemented"]


def _check(request: TriggerMessageReq, target: Target) -> str | None:
    if request.requested_message == "BootNotification" and target.charge_point.record.boot_status == "Accepted":
        return "a charge point that was accepted must not be asked for BootNotification before it boots again (CE 3.40)"
    return None


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
    absent = missing_connector(state, request.connector_id)
    if absent is None and request.connector_id is None and request.requested_message in _OF_A_CONNECTOR:
        return f"it may want a connector to be named: --connector {(connector_numbers(state) or [1])[0]}"
    return absent


OUTGOING = Outgoing(TriggerMessageReq, TriggerMessageConf, check=_check, settle=_settle, why=_why)


def _triggered_message_arrived(sent: Sent[TriggerMessageReq]) -> Observation:
    """A message of that kind came since; of a status, one of that connector."""
    state, request = sent.target.charge_point, sent.request
    heard = state.heard.get(request.requested_message, 0)
    if request.requested_message == "StatusNotification" and request.connector_id is not None:
        connector = state.connectors.get(request.connector_id)
        heard = connector.received_at if connector is not None else 0
    if heard < sent.at:
        return Observation("not sent" if state.connected else "offline")
    return Observation("arrived", reached=True)


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
