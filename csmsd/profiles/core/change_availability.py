"""ChangeAvailability (C 5.2): put a connector, or the whole charge point, in or out of service."""

from typing import Annotated, ClassVar

from msgspec import Meta

from csmsd.ocpp.types import AvailabilityStatus, AvailabilityType, ConnectorId, Message
from csmsd.profiles.slice import Operation, Outgoing, Steps, Target


class ChangeAvailabilityReq(Message, kw_only=True):
    connector_id: ConnectorId
    type: AvailabilityType


class ChangeAvailabilityConf(Message, kw_only=True):
    status: AvailabilityStatus


# Scheduled: it will change when the running transaction has ended (C 5.2).
OUTGOING = Outgoing(ChangeAvailabilityReq, ChangeAvailabilityConf, accepted=frozenset({"Accepted", "Scheduled"}))


class ChangeAvailability(Operation, kw_only=True):
    """Put a connector in or out of service."""

    command: ClassVar[str] = "change-availability"
    example: ClassVar[str] = "csmsctl change-availability CP1 --connector 1 --type inoperative"

    connector: Annotated[int, Meta(description="Connector; 0 is the whole charge point", ge=0)]
    type: Annotated[AvailabilityType, Meta(description="In service or out of it")]

    def steps(self, target: Target) -> Steps:
        yield ChangeAvailabilityReq(connector_id=self.connector, type=self.type)
