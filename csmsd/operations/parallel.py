"""A command for many charge points: so many at once, and no more after a failure or when nobody wants them."""

import asyncio
from collections.abc import Awaitable, Callable

from csmsd.operations.options import Options
from csmsd.operations.result import Obstacle, Report, Result, not_sent_result
from csmsd.profiles.core.charge_points import ChargePointState

Judgement = Callable[[ChargePointState, list[Result]], bool]


def any_failed_in_parallel(state: ChargePointState, results: list[Result]) -> bool:
    return any(result.outcome not in ("accepted", "queued") for result in results)


async def run_in_parallel(
    states: list[ChargePointState],
    run_for: Callable[[ChargePointState], Awaitable[list[Result]]],
    options: Options,
    report: Report,
    failed: Judgement = any_failed_in_parallel,
) -> list[Result]:
    """Results in the order of the charge points. `failed` says what `fail_fast` stops at: in a dry run nothing."""
    limit = asyncio.Semaphore(max(1, options.parallel))
    stop = asyncio.Event()

    def skipped(state: ChargePointState) -> Result | None:
        if options.stopped():
            return not_sent_result(state.id, Obstacle.INTERRUPTED, "not begun: interrupted")
        if options.fail_fast and stop.is_set():
            return not_sent_result(state.id, Obstacle.FAILED_BEFORE, "not begun: another one failed before")
        return None

    async def one(state: ChargePointState) -> list[Result]:
        async with limit:
            not_begun = skipped(state)
            if not_begun is not None:
                report(not_begun)
                return [not_begun]
            results = await run_for(state)
            if not options.dry_run and failed(state, results):
                stop.set()
            return results

    found = await asyncio.gather(*(one(state) for state in states))
    return [result for results in found for result in results]
