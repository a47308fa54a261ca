"""A command for many charge points: in their order, so many at once, and no further after a failure."""

import asyncio
from typing import Any

import pytest

from csmsd.operations.options import Options
from csmsd.operations.parallel import run_in_parallel
from csmsd.operations.result import Obstacle, Result
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.task import Outcome
from tests.csmsd.profiles.scene import Scene


def states(*identities: str) -> list[ChargePointState]:
    scene = Scene()
    return [scene.register(identity) for identity in identities]


class Work:
    """Takes a round of the event loop for each; `outcomes` are those that are not `accepted`."""

    def __init__(self, **outcomes: Outcome) -> None:
        self.outcomes = outcomes
        self.at_once = self.most = 0
        self.reported: list[Result] = []

    async def run_for(self, state: ChargePointState) -> list[Result]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return [Result(charge_point=state.id, outcome=self.outcomes.get(state.id, "accepted"))]

    async def over(self, *identities: str, **options: Any) -> list[Result]:
        how = Options(timeout=1.0, **options)
        return await run_in_parallel(states(*identities), self.run_for, how, self.reported.append)


async def test_so_many_at_once_and_the_results_in_their_order() -> None:
    work = Work()
    results = await work.over("A", "B", "C", "D", "E", parallel=2)
    assert work.most == 2
    assert [result.charge_point for result in results] == ["A", "B", "C", "D", "E"]


@pytest.mark.parametrize(("outcome", "begun"), [("rejected", False), ("timeout", False), ("queued", True)])
async def test_with_fail_fast_nothing_is_begun_after_a_failure(outcome: Outcome, begun: bool) -> None:
    work = Work(A=outcome)
    first, second = await work.over("A", "B", parallel=1, fail_fast=True)
    assert first.outcome == outcome
    if begun:
        assert second.outcome == "accepted"
    else:
        assert (second.outcome, second.obstacle) == ("not_sent", Obstacle.FAILED_BEFORE)
        assert work.reported == [second]


async def test_without_it_a_failure_stops_nobody_and_a_dry_run_never_fails() -> None:
    assert [result.outcome for result in await Work(A="rejected").over("A", "B", parallel=1)] == [
        "rejected",
        "accepted",
    ]
    dry = await Work(A="not_sent").over("A", "B", parallel=1, fail_fast=True, dry_run=True)
    assert [result.obstacle for result in dry] == [None, None]


async def test_what_the_operator_interrupts_is_not_begun() -> None:
    work = Work()
    results = await work.over("A", "B", parallel=1, stopped=lambda: True)
    assert [result.obstacle for result in results] == [Obstacle.INTERRUPTED] * 2
    assert work.most == 0
