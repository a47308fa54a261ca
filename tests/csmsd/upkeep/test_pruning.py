"""Pruning as a whole, with the real store: when it is done, a little at a time, and never by a wrong clock."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from csmsd.ports.pruning import PruneKind
from csmsd.ports.store import NotStored
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.record import Change
from csmsd.store import prunable
from csmsd.upkeep import pruning
from csmsd.upkeep.pruning import Plan
from tests.csmsd.upkeep.pruned_books import DAY, NEW, NOW, OLD, Books, books_at, reading, task, transaction


@pytest.fixture
async def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    async with books_at(tmp_path / "csms.db", monkeypatch) as found:
        yield found


async def test_what_was_booked_while_the_clock_was_behind_is_no_older_than_what_came_before(books: Books) -> None:
    late = [reading(number) for number in (1, 3, 3)]
    await books.keep(transaction(1), transaction(2, NEW), transaction(3, time=0), transaction(4, NEW), *late)
    kinds: tuple[PruneKind, ...] = ("transactions", "meter_values")
    for kind in kinds:
        assert await books.pruner.plan(kind, 30) == Plan(kind, NOW - 30 * DAY, 1), "it is told as it will be"
    assert await books.prune("transactions") == 1
    assert books.stored("SELECT id FROM transactions") == [2, 3, 4]


async def test_what_bears_a_time_in_the_future_keeps_nothing(books: Books) -> None:
    await books.keep(transaction(1, NOW + DAY), transaction(2), transaction(3, NEW))
    assert await books.prune("transactions") == 1
    assert books.stored("SELECT id FROM transactions") == [1, 3]


async def test_no_night_prunes_while_the_clock_cannot_be_relied_on(books: Books) -> None:
    await books.keep(transaction(1), transaction(2, NEW))
    books.settings.transactions_days = 30
    books.patience = 1
    await books.pruner.prune_all()
    assert books.stored("SELECT id FROM transactions") == [1, 2]
    books.patience = 0
    await books.pruner.prune_all()
    assert books.stored("SELECT id FROM transactions") == [2]


@pytest.mark.parametrize("kind", ["tasks", "transactions"])
async def test_a_jump_of_the_clock_breaks_it_off(books: Books, kind: PruneKind) -> None:
    """What comes by a clock that was put back looks as old as what is to go."""
    rows: list[Change] = [made(number, OLD) for number in range(1, 10) for made in (task, transaction)]
    await books.keep(*rows)
    looks = iter([0, 0])
    books.pruner.patience = lambda: next(looks, DAY)
    removed, more = await books.pruner.prune(kind, NOW - 30 * DAY, None)
    assert (removed, more) == ({"tasks": 6, "transactions": 4}[kind], True)
    assert len(books.stored(f"SELECT id FROM {'task' if kind == 'tasks' else kind}")) == 9 - removed


async def test_a_night(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is configured goes, the file becomes smaller, and it is taken down."""
    monkeypatch.setattr(prunable, "_ROWS", 500)
    monkeypatch.setattr(prunable, "_LOOKED_AT", 5000)
    monkeypatch.setattr(pruning, "_REST", 0)
    long = [MeterReading(**(fields(reading(1)) | {"samples": "x" * 2000})) for _ in range(2000)]
    await books.keep(transaction(1), task(1, OLD), *long)
    before = books.stored("SELECT * FROM pragma_page_count")[0]
    books.settings.meter_values_days = 30
    await books.pruner.prune_all()
    assert books.stored("SELECT count(*) FROM meter_value") == [0]
    assert books.stored("SELECT count(*) FROM task") == [1], "nobody said how long tasks are kept"
    assert books.stored("SELECT * FROM pragma_page_count")[0] < before / 5
    assert books.stored("SELECT name, number, user FROM milestone") == [("prune", 2000, None)]
    assert books.stored("PRAGMA integrity_check") == ["ok"]


def fields(record: MeterReading) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


async def test_a_bad_night_is_not_the_last(
    books: Books, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nights: list[Exception] = [NotStored("the disk is full"), RuntimeError("a mistake")]
    done = asyncio.Event()

    async def wait_for_the_night() -> None:
        await asyncio.sleep(0)

    async def prune_all() -> None:
        if nights:
            raise nights.pop(0)
        done.set()

    monkeypatch.setattr(books.pruner, "_wait_for_the_night", wait_for_the_night)
    monkeypatch.setattr(books.pruner, "prune_all", prune_all)
    running = asyncio.create_task(books.pruner.run())
    try:
        async with asyncio.timeout(30):
            await done.wait()
    finally:
        running.cancel()
    assert "pruning was broken off: the disk is full" in caplog.text
    assert "RuntimeError: a mistake" in caplog.text


async def test_pages_are_given_back_until_a_tenth_is_free(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_REST", 0)
    assert await books.pruner.shrink(None) is False, "there are none"
    long = [MeterReading(**(fields(reading(None)) | {"samples": "x" * 3000})) for _ in range(1500)]
    await books.keep(transaction(1, NEW), *long)
    with closing(sqlite3.connect(books.path, isolation_level=None)) as other:
        other.execute("DELETE FROM meter_value")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM meter_value").fetchone()
        assert await books.pruner.shrink(0.0) is True, "there was no time for any"
        other.execute("ROLLBACK")
    assert await books.pruner.shrink(None) is False
    [(free, pages)] = books.stored("SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count")
    assert free <= pages // 10
    assert free > 0
    assert books.stored("PRAGMA integrity_check") == ["ok"]


async def test_a_little_at_a_time(books: Books) -> None:
    await books.keep(transaction(1), *[reading(1) for _ in range(20)])
    removed, more = await books.pruner.prune("meter_values", NEW - DAY, 0.0)
    assert (removed, more) == (0, True)
    rounds = 0
    while more:
        some, more = await books.pruner.prune("meter_values", NEW - DAY, 0.001)
        removed, rounds = removed + some, rounds + 1
    assert removed == 20
    assert rounds > 2


async def test_a_little_at_a_time_it_comes_past_what_is_kept(books: Books) -> None:
    """Each round began at the first of them again, and never came to its end."""
    books.settings.keep_unexported = True
    await books.keep(transaction(1), *[reading(1) for _ in range(60)], *[reading(None) for _ in range(4)])
    removed, more, rounds = 0, True, 0
    while more and rounds < 1000:
        some, more = await books.pruner.prune("meter_values", NEW - DAY, 0.0001)
        removed, rounds = removed + some, rounds + 1
    assert (removed, more) == (4, False)
    assert await books.prune("meter_values") == 0, "the next pass begins at the first"


async def test_it_waits_for_the_time_of_the_settings(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = datetime(2026, 11, 2, 12, 0, 30)
    clock = [begun]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += timedelta(seconds=seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(books.live, "now", lambda: int(clock[0].timestamp() * 1000))
    for at, woken in (
        ("12:05", "2026-11-02 12:05:00"),
        ("12:05", "2026-11-03 12:05:00"),
        ("03:30", "2026-11-04 03:30:00"),
    ):
        books.settings.at = at
        await books.pruner._wait_for_the_night()
        assert str(clock[0]) == woken
    assert max(slept) <= 30
