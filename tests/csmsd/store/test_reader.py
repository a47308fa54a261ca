"""Listings of what the live state does not hold."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from csmsd.ocpp.identity import fold
from csmsd.ports.listings import ReservationFilter, TransactionFilter
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.store.database import prepare_database
from csmsd.store.reader import Moment, Reader
from csmsd.store.writer import Writer
from tests.csmsd.control.filled import filled


async def test_since_when_tasks_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    prepare_database(path)

    def change(sql: str) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(sql)

    reader = Reader(path)
    await reader.open()
    try:
        assert await reader.tasks_since() is None, "none was ever recorded"
        for time in (100, 200, 300):
            change(
                "INSERT INTO task (created_at, charge_point, action, request, state) "
                f"VALUES ({time}, 'CP1', 'Reset', '{{}}', 'sent')"
            )
        assert await reader.tasks_since() is None, "all are here"
        change("DELETE FROM task WHERE id = 1")
        assert await reader.tasks_since() == 200
        change("DELETE FROM task")
        since = await reader.tasks_since()
        assert since is not None
        assert since > 300
    finally:
        await reader.close()


async def test_meter_values_by_the_page_from_either_end(tmp_path: Path) -> None:
    """By the time at which they were measured, whenever they came; of two of one time none is left out."""
    path = tmp_path / "csms.db"
    prepare_database(path)
    times = [500, 100, 200, 200, 200, 300, 400]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("""INSERT INTO meter_shape VALUES (1, '[["Voltage",null,"V",null,null,null]]')""")
        for number, time in enumerate(times, 1):
            connection.execute(
                "INSERT INTO meter_value VALUES (?, 'CP1', 1, 7, ?, NULL, 1, ?)", (number, time, f'["{number}"]')
            )
        connection.execute("""INSERT INTO meter_value VALUES (99, 'CP1', 1, 8, 250, NULL, 1, '["99"]')""")
    reader = Reader(path)
    await reader.open()

    async def page(limit: int, *, oldest: bool, after: Moment | None = None, before: Moment | None = None) -> list[int]:
        found = await reader.meter_page(7, limit, after=after, before=before, oldest=oldest)
        assert all(reading.samples[0].value == str(reading.id) for reading in found)
        return [reading.id for reading in found]

    try:
        assert await page(0, oldest=True) == await page(0, oldest=False) == [2, 3, 4, 5, 6, 7, 1]
        assert await page(2, oldest=True) == [2, 3]
        assert await page(2, oldest=True, after=(200, 3)) == [4, 5]
        assert await page(9, oldest=True, after=(200, 5)) == [6, 7, 1]
        assert await page(2, oldest=False) == [7, 1]
        assert await page(3, oldest=False, before=(400, 7)) == [4, 5, 6]
        assert await page(9, oldest=False, before=(200, 4)) == [2, 3]
        assert await page(0, oldest=True, after=(200, 0), before=(400, 0)) == [3, 4, 5, 6]
    finally:
        await reader.close()


@pytest.mark.parametrize("record", [Transaction, Reservation])
@pytest.mark.parametrize("others", [True, False])
async def test_an_id_tag_is_the_same_in_either_case_and_with_blanks_in_any_letters(
    tmp_path: Path, record: type[Transaction | Reservation], *, others: bool
) -> None:
    path = tmp_path / "csms.db"
    prepare_database(path)
    spellings = ["Ab", " aB", "cd", "xyz"] + ["\tAB", "Äb", " äB ", "STRASSE", "straße", "жук", "ЖУК"] * others

    async def nothing() -> None:
        """No live state is to be loaded anew."""

    writer = Writer(path, recover=nothing)
    await writer.open()
    lists: tuple[str, ...] = ("doubts", "boots", "flags") if record is Transaction else ("asked",)
    fields: dict[str, Any] = {name: [] for name in lists} | ({"booking": None} if record is Transaction else {})
    await writer.commit([filled(record, id=number, id_tag=tag, **fields) for number, tag in enumerate(spellings, 1)])
    await writer.close()
    reader = Reader(path)
    await reader.open()

    async def of(tag: str) -> list[str]:
        if record is Transaction:
            return [found.id_tag for found in await reader.transactions(TransactionFilter(tag=tag))]
        return [found.id_tag for found in await reader.reservations(ReservationFilter(tag=tag))]

    try:
        for tag in (*spellings, "ÄB", "äb", "AB ", "Жук", "ẞ", "%", "*", "nobody"):
            assert sorted(await of(tag)) == sorted(same for same in spellings if fold(same) == fold(tag)), tag
    finally:
        await reader.close()
