"""What comes in is written soon, and never in the way."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from csmsd.store.message_log import file
from csmsd.store.message_log import log as log_module
from tests.csmsd.store.message_log.logs import all_ids, opened


async def test_a_message_that_cannot_be_written_takes_no_other_time(tmp_path: Path) -> None:
    """A lone surrogate is no text for SQLite: the batch is given up and counted, the log goes on."""
    log = await opened(tmp_path / "log.db")
    log.add_message(0, "\ud800", "in", b"x")
    assert await all_ids(log) == []
    assert log.dropped == 1
    log.add_message(0, "CP1", "in", b"fine")
    assert len(await all_ids(log)) == 1
    await log.close()


async def test_a_buffer_that_is_full_drops_and_counts(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    for _ in range(50_000):
        log.add_message(0, "CP1", "in", b"")
    assert log.add_message(0, "CP1", "in", b"") is None
    assert log.dropped == 1
    assert len(await all_ids(log)) == 50_000
    await log.close()


async def test_a_buffer_holds_so_many_bytes_however_few_the_messages_are(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    text = b"x" * (1024 * 1024)
    taken = sum(log.add_message(0, "CP1", "in", text) is not None for _ in range(40))
    log.add_event(1, 0, "connector.status", "CP1", "{}")
    assert (taken, log.dropped) == (33, 7)
    assert (len(await all_ids(log)), await log.events(None, None)) == (33, [])
    assert log.add_message(0, "CP1", "in", text) is not None
    await log.close()


@pytest.mark.parametrize("closes", [False, True])
async def test_nobody_waits_for_the_pauses_between_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closes: bool
) -> None:
    monkeypatch.setattr(log_module, "_FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(log_module, "_PAUSES", 10_000_000)  # hours
    log = await opened(tmp_path / "log.db")
    for time in range(1000):
        log.add_message(time, "CP1", "in", b"text")
    async with asyncio.timeout(60):
        while log.waiting:  # noqa: ASYNC110 - it tells nobody that it is at it
            await asyncio.sleep(0.001)
        if not closes:
            assert len(await all_ids(log)) == 1000
        await log.close()


async def test_while_somebody_has_it_locked_rows_wait_in_their_order_and_never_take_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_LOCKED_SECONDS", 0.01)
    monkeypatch.setattr(log_module, "_FLUSH_SECONDS", 3600.0)
    monkeypatch.setattr(log_module, "_MAX_BUFFERED_BYTES", 5)
    log = await opened(tmp_path / "log.db")
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for time, text in ((1, b"aaa"), (2, b"bbb")):
            log.add_message(time, "CP1", "in", text)
        flushing = asyncio.create_task(log.flush())
        await asyncio.sleep(0)  # it is at it
        for time, text in ((3, b"c"), (4, b"d")):
            log.add_message(time, "CP1", "in", text)
        await flushing
        assert log.waiting == 4
        assert log.add_message(5, "CP1", "in", b"e") is None, "those that wait are too many already"
        assert log.dropped == 1
        other.execute("COMMIT")
    await log.flush()
    assert await all_ids(log) == [1, 2, 3, 4]
    assert log.add_message(6, "CP1", "in", b"f") == 5
    await log.close()
