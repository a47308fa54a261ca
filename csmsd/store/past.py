"""Transactions of the past, as far as memory has to know of them: what a start loads, and what is looked up later."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from csmsd.ports.store import NotStored, PastTransaction
from csmsd.profiles.core.booking import measured_anew
from csmsd.profiles.core.energy.gathered import Gathered
from csmsd.profiles.core.transaction_book import AWAITED
from csmsd.profiles.core.transactions import History, Transaction, Wanted
from csmsd.store.tables import SqlValue, read_records
from csmsd.store.takings import takings_of_transaction

log = logging.getLogger(__name__)

_NEWEST = 500  # transactions of a charge point, among which is looked for what tells no id, and no time to believe

# The conditions are literally those of the indexes, without which all that ever ended would be gone through.
NEWEST_START = "SELECT max(start_time) FROM transactions WHERE charge_point=? AND state <> 'active'"
AWAITED_OF_CHARGE_POINT = (
    "WHERE charge_point=? AND (state = 'abandoned' OR (state = 'stopped' AND instr(flags, '\"stop:matched_') > 0)) "
    f"ORDER BY id DESC LIMIT {AWAITED}"
)
_OF_ID = "WHERE id=? AND charge_point=?"
_OF_START = "WHERE charge_point=? AND start_time=? AND state <> 'active' ORDER BY id"
_AMONG_NEWEST = f"WHERE id IN (SELECT id FROM transactions WHERE charge_point=? ORDER BY id DESC LIMIT {_NEWEST}) "
_OF_STOP = _AMONG_NEWEST + "AND stop_text=? ORDER BY id DESC LIMIT 8"
_OF_START_TEXT = _AMONG_NEWEST + "AND start_text=? AND state <> 'active' ORDER BY id"

T = TypeVar("T")


class Past:
    """Looks up what was committed, on a connection of its own: no message waits for a listing. Raises NotStored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._free = asyncio.Lock()

    async def open(self) -> None:
        self._connection = await asyncio.to_thread(connect_to_past, self._path)

    async def close(self) -> None:
        async with self._free:
            if self._connection is not None:
                self._connection.close()

    async def history(self, charge_point: str) -> History:
        """Of one that is registered, perhaps once more."""
        return await self._ask(lambda connection: history_of_charge_point(connection, charge_point))

    async def find(self, charge_point: str, wanted: Wanted) -> list[PastTransaction]:
        return await self._ask(lambda connection: find_past_transactions(connection, charge_point, wanted))

    async def _ask(self, look: Callable[[sqlite3.Connection], T]) -> T:
        assert self._connection is not None
        async with self._free:
            try:
                return await asyncio.to_thread(look, self._connection)
            except sqlite3.Error as error:
                log.error("past transactions cannot be read: %s", error)
                raise NotStored(str(error)) from error


def connect_to_past(path: Path) -> sqlite3.Connection:
    """For one thread at a time. Raises sqlite3.Error."""
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30, check_same_thread=False)


def history_of_charge_point(connection: sqlite3.Connection, charge_point: str) -> History:
    """What a charge point has left."""
    ((newest,),) = connection.execute(NEWEST_START, (charge_point,))
    awaited = read_records(Transaction, connection.execute, AWAITED_OF_CHARGE_POINT, (charge_point,))
    return History(newest, awaited[::-1])


def find_past_transactions(connection: sqlite3.Connection, charge_point: str, wanted: Wanted) -> list[PastTransaction]:
    """What there is of it; with what was measured, where that is not over."""

    def read(where: str, *values: SqlValue) -> list[Transaction]:
        return read_records(Transaction, connection.execute, where, values)

    found = [transaction for number in wanted.ids for transaction in read(_OF_ID, number, charge_point)]
    if wanted.start is not None:
        key, time = wanted.start
        alike = read(_OF_START, charge_point, time) if time is not None else []
        alike = [known for known in alike if known.start_key == key]
        alike = alike or [known for known in read(_OF_START_TEXT, charge_point, key[2]) if known.start_key == key]
        found += alike[-1:]
    if wanted.stop_text is not None:
        found += read(_OF_STOP, charge_point, wanted.stop_text)
    return [(known, _measured(connection, known) if known.unfinished else None) for known in found]


def _measured(connection: sqlite3.Connection, known: Transaction) -> Gathered:
    return measured_anew(known, takings_of_transaction(connection.execute, known.charge_point, known.id))
