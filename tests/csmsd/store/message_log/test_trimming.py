"""The log is capped by size and by age."""

import asyncio
import os
from pathlib import Path

import pytest

from csmsd.store.message_log import log as log_module
from csmsd.store.message_log.log import MessageLog
from tests.csmsd.store.message_log.logs import DAY, all_ids, opened


async def trimmed(log: MessageLog, before: int) -> list[int]:
    """What is left once the log was trimmed, which it does by itself soon after it was opened."""
    async with asyncio.timeout(30):
        left = await all_ids(log)
        for _ in range(1000):
            if len(left) < before:
                break
            await asyncio.sleep(0.01)
            left = await all_ids(log)
    return left


async def test_the_file_is_capped_by_size_and_the_oldest_go_first(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await opened(path)
    for number in range(4000):
        log.add_message(number, "CP1", "in", os.urandom(500))
    await log.close()
    assert path.stat().st_size > 2_000_000

    log = await opened(path, max_bytes=1_000_000)
    await trimmed(log, 4000)
    await log.close()  # which waits for the trimming to be done
    log = await opened(path)
    left = await all_ids(log)
    await log.close()
    assert left[-1] == 4000, "the newest stay"
    assert 500 < len(left) < 2000
    assert path.stat().st_size < 1_200_000, "what was given up is given back to the disk"


async def test_old_messages_and_events_go(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await opened(path)
    for day in range(10):
        log.add_message(day * DAY, "CP1", "in", str(day).encode())
        log.add_event(day + 1, day * DAY, "connector.status", "CP1", "{}")
    await log.close()
    log = await opened(path, max_age_days=3)
    assert len(await trimmed(log, 10)) == 4
    assert [event.number for event in await log.events(None, None)] == [7, 8, 9, 10]
    await log.close()


async def trimmed_on_opening(path: Path, *, now: int | None) -> tuple[list[int], list[int]]:
    """Messages and events that are left of the last three days."""
    log = await opened(path, max_age_days=3, now=now)
    await log.trim()
    left = await all_ids(log), [event.number for event in await log.events(None, None)]
    await log.close()
    return left


async def written(path: Path, *days: int) -> None:
    log = await opened(path, now=None)
    for number, day in enumerate(days, 1):
        log.add_message(day * DAY, "CP1", "in", b"x")
        log.add_event(number, day * DAY, "connector.status", "CP1", "{}")
    await log.close()


async def test_a_row_from_the_future_takes_none_with_it(tmp_path: Path) -> None:
    """A clock that was ahead for a while: what came before it, and after it, is as old as it is."""
    await written(tmp_path / "log.db", 8, 9, 9 + 730, 9 + 730, 9, 9)
    assert await trimmed_on_opening(tmp_path / "log.db", now=9 * DAY) == ([1, 2, 3, 4, 5, 6],) * 2
    assert await trimmed_on_opening(tmp_path / "log.db", now=12 * DAY) == ([2, 3, 4, 5, 6],) * 2


async def test_rows_of_a_clock_that_was_behind_are_no_older_than_those_before_them(tmp_path: Path) -> None:
    await written(tmp_path / "log.db", 1, 8, 0, 0, 9)
    assert await trimmed_on_opening(tmp_path / "log.db", now=9 * DAY) == ([2, 3, 4, 5],) * 2


async def test_nothing_is_old_where_the_clock_cannot_be_relied_on(tmp_path: Path) -> None:
    await written(tmp_path / "log.db", 1, 9)
    assert await trimmed_on_opening(tmp_path / "log.db", now=None) == ([1, 2],) * 2
    assert await trimmed_on_opening(tmp_path / "log.db", now=9 * DAY) == ([2],) * 2


def on_disk(place: Path) -> int:
    return sum(file.stat().st_size for file in place.iterdir() if file.name != "log.db-shm")


async def test_a_flood_is_trimmed_while_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once a minute: the file and its WAL stay near the size that they may have."""
    monkeypatch.setattr(log_module, "_FLUSH_SECONDS", 0.01)
    path = tmp_path / "log.db"
    most = 2 * 1024 * 1024
    log = await opened(path, max_bytes=most)
    largest = 0
    for _ in range(40):
        for _ in range(4):
            log.add_message(0, "CP1", "in", os.urandom(250_000))
        for _ in range(10_000):
            if not log.waiting:
                break
            await asyncio.sleep(0.001)
        largest = max(largest, on_disk(tmp_path))
    await log.close()
    assert largest < most + 6 * 1024 * 1024


async def test_it_is_trimmed_while_it_is_written_and_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = await opened(tmp_path / "log.db")
    for round_ in range(1, 20):
        for number in range(100):
            log.add_event(100 * round_ + number, 8 * DAY, "charge_point.connected", "CP1", '{"address":"x"}')
            log.add_message(8 * DAY, "CP1", "in", b"x")
        reading = log.events(None, None, most_text=10**9)
        await asyncio.gather(log.flush(), reading, log.trim())
    assert len(await all_ids(log)) == 1900
    assert caplog.messages == []
    await log.close()
