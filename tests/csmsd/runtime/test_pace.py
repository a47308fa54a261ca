"""What comes all at once holds up nobody else, and none of it is lost."""

import asyncio
from time import monotonic

import pytest

from csmsd.runtime.pace import LONGEST_SECONDS, Pace


def busy(seconds: float) -> None:
    until = monotonic() + seconds
    while monotonic() < until:
        pass


async def test_others_have_their_turns_between_the_parts() -> None:
    pace, done, rounds = Pace(), list[int](), 0

    def work(number: int) -> None:
        busy(LONGEST_SECONDS / 4)
        done.append(number)

    for number in range(40):
        pace.take(lambda number=number: work(number))  # type: ignore[misc]
    while len(done) < 40:
        before = len(done)
        await asyncio.sleep(0)
        rounds += 1
        assert len(done) - before <= 4
    assert done == [*range(40)]
    assert rounds >= 10


async def test_what_is_short_is_done_in_the_next_round() -> None:
    pace, done = Pace(), list[int]()
    for number in range(100):
        pace.take(lambda number=number: done.append(number))  # type: ignore[misc]
    assert done == []
    await asyncio.sleep(0)
    assert done == [*range(100)]


async def test_a_mistake_in_one_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    pace, done = Pace(), list[int]()
    pace.take(lambda: 1 // 0)  # type: ignore[arg-type]
    pace.take(lambda: done.append(2))
    await asyncio.sleep(0)
    assert done == [2]
    assert "ZeroDivisionError" in caplog.text
