"""UnlockConnector (C 5.18): release a cable that is locked in. No way to stop a transaction."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message, PositiveConnectorId
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.core.connectors import faulty_connector, missing_connector


class UnlockConnectorReq(Message, kw_only=True):
    connector_id: PositiveConnectorId


class UnlockConnectorConf(Message, kw_only=True):
    status: Literal["Unlocked", "UnlockFailed", "NotSupported"]


def _why(request: UnlockConnectorReq, confirmation: UnlockConnectorConf, target: Target) -> str | None:
    if confirmation.status == "Unlocked":
        return None
    state, number = target.charge_point, request.connector_id
    running = state.transactions.active_on(number)
    if running is not None:
        return f"transaction {running.id} runs there: csmsctl remote-stop --transaction {running.id}"
    if confirmation.status == "NotSupported":
        return missing_connector(state, number) or f"connector {number} has no lock, as with a fixed cable (C 5.18)"
    return missing_connector(state, number) or faulty_connector(state, number)


OUTGOING = Outgoing(UnlockConnectorReq, UnlockConnectorConf, accepted=frozenset({"Unlocked"}), why=_why)


class UnlockConnector(Operation, kw_only=True):
    """Unlock the cable of a connector.

    To end a transaction use remote-stop: unlocking is meant for a cable that got stuck (C 5.18).
    """

    command: ClassVar[str] = "unlock-connector"
    example: ClassVar[str] = "csmsctl unlock-connector CP1 --connector 1"
    reception: ClassVar[bool] = True
    question: ClassVar[str | None] = "Cables may be taken out by anybody then. Unlock the connectors of {targets}?"

    connector: Annotated[int, Meta(description="Connector", ge=1)]

    def steps(self, target: Target) -> Steps:
        yield UnlockConnectorReq(connector_id=self.connector)
