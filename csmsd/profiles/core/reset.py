"""Reset (C 5.14): make a charge point restart."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message
from csmsd.profiles.slice import Operation, Outgoing, Steps, Target

ResetType = Literal["Hard", "Soft"]


class ResetReq(Message, kw_only=True):
    type: ResetType


class ResetConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected"]


OUTGOING = Outgoing(ResetReq, ResetConf)


class Reset(Operation, kw_only=True):
    """Restart a charge point.

    Soft ends running transactions properly and restarts; Hard restarts at once.
    """

    command: ClassVar[str] = "reset"
    example: ClassVar[str] = "csmsctl reset CP1 --type soft"
    dangerous: ClassVar[str | None] = "Resetting ends the transactions that run there. Reset {targets}?"

    type: Annotated[ResetType, Meta(description="Kind of reset")]

    def steps(self, target: Target) -> Steps:
        yield ResetReq(type=self.type)
