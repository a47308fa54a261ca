"""GetLocalListVersion (C 5.10): which version of the Local Authorization List does a charge point have?"""

from typing import ClassVar

from csmsd.ocpp.types import Integer, Message
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.record import Change, Event


class GetLocalListVersionReq(Message, kw_only=True):
    pass


class GetLocalListVersionConf(Message, kw_only=True):
    list_version: Integer


def _settle(
    request: GetLocalListVersionReq, confirmation: GetLocalListVersionConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """C 5.10: 0 is an empty list, -1 no support for lists."""
    known = target.site.local_lists.get(target.charge_point.id)
    known.reported(confirmation.list_version, target.now)
    return [known], []


OUTGOING = Outgoing(GetLocalListVersionReq, GetLocalListVersionConf, accepted=frozenset(), settle=_settle)


class GetLocalListVersion(Operation, kw_only=True):
    """Read the version of the Local Authorization List.

    0 is an empty list, -1 means that the charge point keeps none.
    """

    command: ClassVar[str] = "get-local-list-version"
    example: ClassVar[str] = "csmsctl get-local-list-version CP1"

    def steps(self, target: Target) -> Steps:
        yield GetLocalListVersionReq()
