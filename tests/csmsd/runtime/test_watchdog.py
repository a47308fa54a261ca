"""The watchdog: a loop that stands still is counted, and what it was at is told."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import pytest

from csmsd.runtime import watchdog as module
from csmsd.runtime.watchdog import Watchdog


@pytest.fixture
async def watchdog(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Watchdog]:
    monkeypatch.setattr(module, "_BEAT_SECONDS", 0.01)
    caplog.set_level(logging.WARNING)
    made = Watchdog()
    await made.open()
    yield made
    await made.close()


def something_that_takes_long(watchdog: Watchdog) -> bool:
    """Whether it was seen, which is the work of another thread: it looks once a stall, and may have done so before."""
    begun = time.monotonic()
    seen = False
    while (taken := time.monotonic() - begun) < 0.4 or (taken < 5 and not seen):
        time.sleep(0.01)
        seen = "something_that_takes_long (" in (watchdog._ran or "")
    return seen


async def noticed(watchdog: Watchdog, stalls: int) -> None:
    async with asyncio.timeout(30):
        while watchdog.stalls < stalls:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def test_a_stall_is_counted_and_told_with_what_ran(
    watchdog: Watchdog, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TELL_EVERY_SECONDS", 0.0)
    begun, seen = time.monotonic(), False
    while not seen:
        assert time.monotonic() - begun < 30
        before = watchdog.stalls
        seen = something_that_takes_long(watchdog)
        await noticed(watchdog, before + 1)
    assert 0.25 <= watchdog.longest_seconds < time.monotonic() - begun
    told = [line for line in caplog.messages if "something_that_takes_long (" in line]
    assert "test_watchdog.py:" in told[-1]


async def test_many_are_counted_and_one_is_told(
    watchdog: Watchdog, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TELL_EVERY_SECONDS", 3600.0)
    watchdog._told_at = -3600.0  # the machine may have begun a moment ago
    for _ in range(2):
        before = watchdog.stalls
        something_that_takes_long(watchdog)
        await noticed(watchdog, before + 1)
    assert len(caplog.messages) == 1


async def test_the_thread_ends_with_it() -> None:
    made = Watchdog()
    await made.open()
    await made.close()
    assert made._thread is not None
    assert not made._thread.is_alive()
