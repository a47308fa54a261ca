"""A loop that rests: nothing that was told is lost, and nothing keeps it awake."""

import asyncio

import pytest

from csmsd.runtime.waking import Waker


async def test_what_is_told_ends_the_rest() -> None:
    waker = Waker()
    resting = asyncio.create_task(waker.rest(None))
    await asyncio.sleep(0)
    assert not resting.done()
    waker.wake()
    waker.wake()
    await asyncio.wait_for(resting, 30)


async def test_what_was_told_during_a_round_is_one_more_round() -> None:
    waker = Waker()
    waker.wake()
    waker.wake()
    await asyncio.wait_for(waker.rest(None), 30)
    resting = asyncio.create_task(waker.rest(None))  # all of it was one
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not resting.done()
    resting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await resting


async def test_a_rest_ends_by_itself() -> None:
    await asyncio.wait_for(Waker().rest(0.001), 30)


async def test_who_is_cancelled_ends() -> None:
    resting = asyncio.create_task(Waker().rest(60))
    await asyncio.sleep(0)
    resting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await resting
