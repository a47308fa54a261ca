"""Requests to one charge point that are sent one after the other, each by what came of those before it."""

import msgspec

from csmsd.live_site import LiveSite
from csmsd.ocpp.errors import ERROR_CODES, canonical_error_code
from csmsd.operations.call import Start
from csmsd.operations.options import Options
from csmsd.operations.result import Report, Result
from csmsd.operations.runner import OperationRunner
from csmsd.profiles.action import Steps, Target
from csmsd.profiles.core.change_configuration import ChangeConfigurationReq
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.record import Milliseconds


class Removed(Exception):
    """The charge point was removed meanwhile."""


class Sending:
    """Looks a charge point up anew each time: memory may have been loaded anew meanwhile."""

    def __init__(self, live: LiveSite, runner: OperationRunner) -> None:
        self.live = live
        self._runner = runner
        self._sent_by: dict[str, Milliseconds | None] = {}  # since when the connection of each was there

    def state(self, identity: str) -> ChargePointState | None:
        return self.live.site.charge_point(identity)

    def record(self, identity: str) -> ChargePoint:
        """Raises Removed."""
        state = self.state(identity)
        if state is None:
            raise Removed(identity)
        return state.record

    async def run(self, identity: str, start: Start, options: Options, report: Report) -> list[Result]:
        """Raises Removed."""
        state = self.state(identity)
        if state is None:
            raise Removed(identity)
        self._sent_by[identity] = state.connected_at
        return await self._runner.run_for(state, start, msgspec.structs.replace(options, vouched=True), report)

    def has_come_anew(self, identity: str) -> bool:
        """Whether its connection is another than that by which it was sent something last: who stays, and says its boot
        once more, says nothing of what it uses from the next one on.
        """
        state = self.state(identity)
        return state is not None and state.connected_at != self._sent_by.get(identity)


# Of CALLERRORs that say that a request was not even begun with; the others may come in the middle of it.
_NOT_BEGUN = ERROR_CODES - {"InternalError", "GenericError"}


def has_taken(result: Result) -> bool | None:
    """Whether a charge point has taken a value of its configuration. None: its answer, or that none came, says neither.

    That must lock nobody out: one that has stored a key may still answer what nobody understands.
    """
    match result.outcome:
        case "accepted":
            return True
        case "rejected":
            return False if result.status in ("Rejected", "NotSupported") else None
        case "timeout" | "unknown":
            return None
        case "call_error":
            code = canonical_error_code((result.error or "").partition(":")[0])
            return False if code in _NOT_BEGUN else None
    return False


def reported(report: Report, result: Result) -> list[Result]:
    report(result)
    return [result]


def configured(*keys: tuple[str, str]) -> Start:
    def steps(target: Target) -> Steps:
        for key, value in keys:
            yield ChangeConfigurationReq(key=key, value=value)

    return steps
