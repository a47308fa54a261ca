"""The watchdog: a loop that stands still is counted, and what it was at is told."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import pytest

from csmsd import watchdog as module
from csmsd.watchdog import Watchdog


@pytest.fixture
async def watchdog(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Watchdog]:
    monkeypatch.setattr(module, "_BEAT_SECONDS", 0.01)
    caplog.set_level(logging.WARNING)
    made = Watchdog()
    await made.open()
    yield made
    await made.close()


def something_that_takes_long() -> None:
    time.sleep(0.4)


async def noticed(watchdog: Watchdog, stalls: int) -> None:
    async with asyncio.timeout(30):
        while watchdog.stalls < stalls:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def test_a_stall_is_counted_and_told_with_what_ran(watchdog: Watchdog, caplog: pytest.LogCaptureFixture) -> None:
    something_that_takes_long()
    await noticed(watchdog, 1)
    assert 0.25 <= watchdog.longest_seconds < 5
    (line,) = caplog.messages
    assert "something_that_takes_long (" in line
    assert "test_watchdog.py:" in line


async def test_many_are_counted_and_one_is_told(watchdog: Watchdog, caplog: pytest.LogCaptureFixture) -> None:
    for stalls in (1, 2):
        something_that_takes_long()
        await noticed(watchdog, stalls)
    assert len(caplog.messages) == 1


async def test_the_thread_ends_with_it() -> None:
    made = Watchdog()
    await made.open()
    await made.close()
    assert made._thread is not None
    assert not made._thread.is_alive()
