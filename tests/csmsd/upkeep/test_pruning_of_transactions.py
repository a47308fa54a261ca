"""Which transactions and meter values go: what is open or owed stays, numbers go on, and nobody waits."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from csmsd.ports.store import NotStored, Removal
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.milestone import Milestone
from csmsd.store.prunable import Prunable
from tests.csmsd.upkeep.pruned_books import NEW, NOW, OLD, Books, books_at, reading, transaction


@pytest.fixture
async def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    async with books_at(tmp_path / "csms.db", monkeypatch) as found:
        yield found


async def test_what_is_looked_up_while_it_goes_is_gone_as_well(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    await books.keep(transaction(1), transaction(2, NEW))
    really = books.writer.remove

    async def remove(removals: Sequence[Removal]) -> None:
        books.site.add_transaction(transaction(1))  # it was read a moment before
        await really(removals)

    monkeypatch.setattr(books.writer, "remove", remove)
    assert await books.prune("transactions") == 1
    assert books.site.charge_points["cp1"].transactions.get(1) is None


async def test_old_transactions_go_with_their_meter_values(books: Books) -> None:
    ended = [transaction(number) for number in range(1, 8)]
    await books.keep(*ended, transaction(8, NEW), *[reading(number) for number in (1, 2, 8, None) for _ in range(10)])
    assert await books.prune("transactions") == 7
    assert books.stored("SELECT id FROM transactions") == [8]
    assert books.stored("SELECT DISTINCT transaction_id FROM meter_value") == [None, 8]
    assert [known.id for known in map(books.site.find_transaction, range(1, 9)) if known is not None] == [8]
    await books.live.open()
    assert books.site.new_transaction_id() == 9
    assert books.site.new_booking() == 9


@pytest.mark.parametrize(
    "kept",
    [
        transaction(1, state="active", stop_time=None, stop_received_at=None, booking=None),
        transaction(1, state="abandoned", stop_time=None, stop_received_at=None),
        transaction(1, NEW),
        transaction(1, stop_received_at=NEW),  # delivered late
        transaction(1, state="closed", stop_time=NEW, stop_received_at=None),
    ],
    ids=["active", "abandoned", "new", "late", "closed just now"],
)
async def test_what_is_open_or_new_stays(books: Books, kept: Transaction) -> None:
    await books.keep(kept, transaction(2, NEW), reading(1))
    assert await books.prune("transactions") == 0
    assert await books.prune("meter_values") == 0, "they are evidence of what is new"
    assert books.stored("SELECT id FROM transactions") == [1, 2]


async def test_the_last_booking_stays_since_it_says_where_the_numbers_go_on(books: Books) -> None:
    await books.keep(transaction(1), transaction(2, booking=4), transaction(3, booking=3))
    assert await books.prune("transactions") == 2
    assert books.stored("SELECT id FROM transactions") == [2]
    await books.live.open()
    assert books.site.new_booking() == 5
    assert books.site.new_transaction_id() == 4


async def test_what_no_export_has_delivered_stays_unless_the_settings_let_it_go(books: Books) -> None:
    books.settings.keep_unexported = True
    await books.keep(*[transaction(number) for number in range(1, 6)])
    plan = await books.pruner.plan("transactions", 30)
    assert (plan.rows, plan.kept_unexported) == (0, 4)
    assert await books.prune("transactions") == 0
    await books.keep(Milestone(name="export", at=NOW, number=3))
    plan = await books.pruner.plan("transactions", 30)
    assert (plan.rows, plan.kept_unexported) == (3, 1)
    assert await books.prune("transactions") == 3
    assert books.stored("SELECT id FROM transactions") == [4, 5]


async def test_meter_values_that_come_in_meanwhile_fail_nobody(books: Books) -> None:
    """One in the commit before the transaction goes, and one that is told the transaction is unknown."""
    await books.keep(transaction(1), transaction(2, NEW), *[reading(1) for _ in range(10)])
    pruning_it = asyncio.create_task(books.prune("transactions"))
    sent = 0
    while not pruning_it.done():
        known = books.site.charge_points["cp1"].transactions.get(1)
        await books.writer.commit([reading(1 if known is not None else None, NEW)])
        sent += 1
        await asyncio.sleep(0.01)
    assert await pruning_it == 1
    assert sent > 0
    assert books.writer.failure is None
    assert books.stored("PRAGMA foreign_key_check") == []


async def test_a_meter_value_that_comes_in_at_the_last_moment_goes_with_its_transaction(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After all its readings were found and removed, and before it is forgotten: its answer has left already."""
    await books.keep(transaction(1), transaction(2, NEW), *[reading(1) for _ in range(5)])
    real = Prunable.readings_of
    came: list[bool] = []

    async def readings_of(self: Prunable, transactions: Sequence[int]) -> list[int]:
        found = await real(self, transactions)
        if not found and not came:
            assert books.site.find_transaction(1) is not None
            await books.writer.commit([reading(1, NEW)])
            came.append(True)
        return found

    monkeypatch.setattr(Prunable, "readings_of", readings_of)
    assert await books.prune("transactions") == 1
    assert came == [True]
    assert books.stored("SELECT id FROM transactions") == [2]
    assert books.stored("SELECT count(*) FROM meter_value") == [0]
    assert books.stored("PRAGMA foreign_key_check") == []


async def test_a_disk_at_fault_loses_nothing(books: Books) -> None:
    await books.keep(transaction(1), transaction(2, NEW))
    with closing(sqlite3.connect(books.path, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER broken BEFORE DELETE ON transactions BEGIN SELECT json('{'); END")
        with pytest.raises(NotStored):
            await books.prune("transactions")
        other.execute("DROP TRIGGER broken")
    assert books.site.find_transaction(1) is not None


async def test_old_meter_values_go_wherever_they_lie(books: Books) -> None:
    running = transaction(2, NEW, state="active", stop_time=None, booking=None)
    order = [(1, OLD), (2, OLD), (2, OLD), (2, OLD), (2, OLD), (2, OLD), (1, OLD), (None, OLD), (1, NEW), (None, OLD)]
    await books.keep(transaction(1), running, *[reading(number, time) for number, time in order])
    assert (await books.pruner.plan("meter_values", 30)).rows == 4
    assert await books.prune("meter_values") == 4
    assert books.stored("SELECT transaction_id FROM meter_value ORDER BY id") == [2, 2, 2, 2, 2, 1]


async def test_meter_values_of_what_no_export_has_delivered_stay_as_well(books: Books) -> None:
    books.settings.keep_unexported = True
    await books.keep(
        *[transaction(number) for number in (1, 2)],
        *[reading(number) for number in (1, 2, None) for _ in range(4)],
    )
    plan = await books.pruner.plan("meter_values", 30)
    assert (plan.rows, plan.kept_unexported) == (4, 8)
    await books.keep(Milestone(name="export", at=NOW, number=1))
    plan = await books.pruner.plan("meter_values", 30)
    assert (plan.rows, plan.kept_unexported) == (8, 4)
    assert await books.prune("meter_values") == 8
    assert books.stored("SELECT DISTINCT transaction_id FROM meter_value") == [2]


async def test_where_meter_values_are_new_the_rest_is_not_looked_at(books: Books) -> None:
    await books.keep(transaction(1, NEW), *[reading(1, NEW) for _ in range(12)], reading(1, OLD))
    assert await books.prune("meter_values") == 0
