"""Plays cases, several at once, against one private csmsd."""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence

from csmsctl.conformance.case import Case, Outcome, run_case
from csmsctl.conformance.cases import all_cases
from csmsctl.conformance.conditions import now_for_condition
from csmsctl.conformance.conformance_report import Report
from csmsctl.conformance.inspection import Oracle
from csmsctl.conformance.private_csmsd import Settings, Site
from csmsctl.failure import TERMINATED


class Terminated(Exception):
    """SIGTERM came."""


def play_all_cases(
    cases: Sequence[Case],
    settings: Settings,
    *,
    parallel: int,
    tell: Callable[[Outcome], None],
    oracle: Oracle | None = None,
) -> Report:
    """Plays the cases; `tell` is given each outcome as soon as it is there, the report has them in their order."""
    date = now_for_condition()
    with Site(settings) as site:
        try:
            outcomes = asyncio.run(_play_cases(cases, site, parallel, tell, oracle))
        except Terminated:
            sys.exit(TERMINATED)
        daemon, limits = site.info, site.call("daemon.limits")["limits"]
        in_effect = site.settings_in_effect()
        problem = _problem_of_player(site.stop(), site.errors())
    return Report(date, all_cases(), outcomes, in_effect, limits, daemon, problem)


async def _play_cases(
    cases: Sequence[Case], site: Site, parallel: int, tell: Callable[[Outcome], None], oracle: Oracle | None
) -> list[Outcome]:
    limit = asyncio.Semaphore(parallel)

    async def play(case: Case) -> Outcome:
        async with limit:
            outcome = await run_case(case, site, oracle)
        tell(outcome)
        return outcome

    playing = asyncio.gather(*(play(case) for case in cases))
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        playing.cancel()

    # The usual handler raises where the signal finds us, which may be anybody's task.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await playing
    except asyncio.CancelledError:
        if terminated:
            raise Terminated from None
        raise


def _problem_of_player(code: int, errors: str) -> str | None:
    """What was wrong with csmsd itself: an error that it met, or a bad end."""
    if "Traceback" in errors:
        return f"it met an error: {errors[errors.index('Traceback') :].strip()}"
    return None if code == 0 else f"it ended with {code}"
