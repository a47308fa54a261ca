"""Requests to one charge point that are sent one after the other, each by what came of those before it."""

import msgspec

from csmsd.live_site import LiveSite
from csmsd.operations.call import Start
from csmsd.operations.options import Options
from csmsd.operations.result import Report, Result
from csmsd.operations.runner import OperationRunner
from csmsd.profiles.action import Steps, Target
from csmsd.profiles.core.change_configuration import ChangeConfigurationReq
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState


class Removed(Exception):
    """The charge point was removed meanwhile."""


class Sending:
    """Looks a charge point up anew each time: memory may have been loaded anew meanwhile."""

    def __init__(self, live: LiveSite, runner: OperationRunner) -> None:
        self.live = live
        self._runner = runner

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
        return await self._runner.run_for(state, start, msgspec.structs.replace(options, vouched=True), report)


def reported(report: Report, result: Result) -> list[Result]:
    report(result)
    return [result]


def configured(*keys: tuple[str, str]) -> Start:
    def steps(target: Target) -> Steps:
        for key, value in keys:
            yield ChangeConfigurationReq(key=key, value=value)

    return steps
