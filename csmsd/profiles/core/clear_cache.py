"""ClearCache (C 5.4): make a charge point forget the idTags in its authorization cache."""

from typing import ClassVar, Literal

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Operation, Outgoing, Steps, Target


class ClearCacheReq(Message, kw_only=True):
    pass


class ClearCacheConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected"]


def _why(request: ClearCacheReq, confirmation: ClearCacheConf, target: Target) -> str | None:
    """C 5.4: also one that has no cache answers Rejected."""
    enabled = target.charge_point.configured("AuthorizationCacheEnabled")
    if confirmation.status == "Accepted" or enabled is None or enabled.strip().casefold() == "true":
        return None
    return "it keeps no cache (AuthorizationCacheEnabled is false), so there is nothing to clear"


OUTGOING = Outgoing(ClearCacheReq, ClearCacheConf, why=_why)


class ClearCache(Operation, kw_only=True):
    """Clear the authorization cache of a charge point."""

    command: ClassVar[str] = "clear-cache"
    example: ClassVar[str] = "csmsctl clear-cache CP1"
    question: ClassVar[str | None] = (
        "Without its cache one that is offline may let nobody charge. Clear the caches of {targets}?"
    )

    def steps(self, target: Target) -> Steps:
        yield ClearCacheReq()
