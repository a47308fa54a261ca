"""What is closed whatever happens, and what goes on in the background."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest

from csmsd import parts
from csmsd.parts import closing_within, in_background, open_part


class Edge:
    """Opens, or fails at it; closes, or never does."""

    def __init__(self, closed: list[str], name: str, *, fails: bool = False, hangs: bool = False) -> None:
        self._closed, self._name, self._fails, self._hangs = closed, name, fails, hangs

    async def open(self) -> None:
        if self._fails:
            raise OSError("no room")

    async def close(self) -> None:
        if self._hangs:
            await asyncio.Event().wait()
        self._closed.append(self._name)


async def test_what_is_half_open_is_closed_and_what_was_opened_last_first() -> None:
    closed: list[str] = []

    async def begin() -> None:
        async with AsyncExitStack() as opened:
            await open_part(Edge(closed, "store"), opened)
            await open_part(Edge(closed, "listener"), opened)
            await open_part(Edge(closed, "metrics", fails=True), opened)

    with pytest.raises(OSError, match="no room"):
        await begin()
    assert closed == ["metrics", "listener", "store"]


async def test_what_does_not_close_in_time_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []
    async with closing_within(0.05) as opened:
        await open_part(Edge(closed, "first"), opened)
        await open_part(Edge(closed, "second", hangs=True), opened)
    assert closed == ["first"], "the others are closed all the same"
    assert "some connections did not close in time" in caplog.text


async def test_what_closes_in_time_is_waited_for_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []
    async with closing_within(5) as opened:
        await open_part(Edge(closed, "first"), opened)
    assert (closed, caplog.text) == (["first"], "")


async def test_a_mistake_in_one_round_does_not_end_the_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_AFTER_A_MISTAKE_SECONDS", 0)
    rounds = 0
    well = asyncio.Event()

    async def expiry() -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            raise ValueError("a mistake")
        well.set()

    async with asyncio.timeout(30), in_background(expiry=expiry):
        await well.wait()
    assert rounds == 3
    assert [record.message for record in caplog.records] == ["expiry broke off; it begins anew"] * 2
    assert all(record.levelno == logging.ERROR and record.exc_info for record in caplog.records)


async def test_what_runs_in_the_background_ends_with_it() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def pruning() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(30), in_background(pruning=pruning):
        await begun.wait()
        assert "pruning" in {task.get_name() for task in asyncio.all_tasks()}
    assert ended.is_set()
