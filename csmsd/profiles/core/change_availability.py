"""ChangeAvailability (C 5.2): put a connector, or the whole charge point, in or out of service."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from msgspec import Meta

from csmsd.ocpp.types import AvailabilityStatus, AvailabilityType, ConnectorId, Message
from csmsd.profiles.action import Effect, Observation, Operation, Outgoing, Sent, Steps, Target
from csmsd.profiles.core.connectors import connector_numbers, faulty_connector, missing_connector
from csmsd.profiles.refusal import CannotSend


class ChangeAvailabilityReq(Message, kw_only=True):
    connector_id: ConnectorId
    type: AvailabilityType


class ChangeAvailabilityConf(Message, kw_only=True):
    status: AvailabilityStatus


def _why(request: ChangeAvailabilityReq, confirmation: ChangeAvailabilityConf, target: Target) -> str | None:
    state, number = target.charge_point, request.connector_id
    if confirmation.status == "Scheduled":
        running = state.transactions.active_within(number)
        return f"when transaction {running.id} has ended" if running is not None else None
    if confirmation.status == "Accepted":
        return None
    against = missing_connector(state, number) or faulty_connector(state, number)
    if against is None and number == 0:
        first = (connector_numbers(state) or [1])[0]
        return f"it may want each connector to be named: --connector {first}"
    return against


# Scheduled: it will change when the running transaction has ended (C 5.2).
OUTGOING = Outgoing(
    ChangeAvailabilityReq, ChangeAvailabilityConf, accepted=frozenset({"Accepted", "Scheduled"}), why=_why
)


def _statuses_after_availability(sent: Sent[ChangeAvailabilityReq]) -> list[str]:
    """What the connectors that are meant said last; those of the whole charge point, or its own where it names none."""
    state, number = sent.target.charge_point, sent.request.connector_id
    of_connectors = [known.status for number, known in sorted(state.connectors.items()) if number > 0]
    if number == 0 and of_connectors:
        return of_connectors
    return [state.connectors[number].status] if number in state.connectors else []


def _see_availability(sent: Sent[ChangeAvailabilityReq], reached: bool) -> Observation:
    there = sent.target.charge_point.connected
    state = ", ".join(sorted(set(_statuses_after_availability(sent)))) or "unknown"
    scheduled = sent.status == "Scheduled"  # until the transaction has ended, however long that takes
    return Observation(state if there else "offline", reached=reached, open_ended=scheduled)


def _availability_operative(sent: Sent[ChangeAvailabilityReq]) -> Observation:
    statuses = _statuses_after_availability(sent)
    return _see_availability(sent, bool(statuses) and "Unavailable" not in statuses)


def _availability_inoperative(sent: Sent[ChangeAvailabilityReq]) -> Observation:
    return _see_availability(sent, set(_statuses_after_availability(sent)) == {"Unavailable"})


class ChangeAvailability(Operation, kw_only=True):
    """Put a connector in or out of service.

    Scheduled means that a transaction runs, and that it happens after that; --wait follows it until it has.
    """

    command: ClassVar[str] = "change-availability"
    example: ClassVar[str] = "csmsctl change-availability CP1 --connector 1 --type inoperative"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("operative", _availability_operative, ("connector.status",)),
        Effect("inoperative", _availability_inoperative, ("connector.status",)),
    )

    connector: Annotated[int, Meta(description="Connector; 0 is the whole charge point", ge=0)]
    type: Annotated[AvailabilityType, Meta(description="In service or out of it")]

    @classmethod
    def asks(cls, given: Mapping[str, object]) -> str | None:
        taken = str(given.get("type")).casefold() == "inoperative"
        return "Nobody can charge there then. Take {targets} out of service?" if taken else None

    def effect(self, state: str | None) -> Effect:
        asked = self.type.casefold()
        if state is not None and state != asked:
            raise CannotSend(f"--type {asked} does not make it {state}.")
        return super().effect(asked)

    def steps(self, target: Target) -> Steps:
        yield ChangeAvailabilityReq(connector_id=self.connector, type=self.type)
