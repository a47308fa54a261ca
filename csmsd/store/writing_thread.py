"""The one connection that writes, and the thread that waits for its disk and is handed a whole batch at a time."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import TypeVar

from csmsd.store.batch import Statement

T = TypeVar("T")

# Who makes a replica has to see the log of commits before it begins anew, and writes it back itself, every thousand
# pages. Should nobody do it, csmsd does so here.
_REPLICATED_PAGES = 32_768
# SQLite waits so long for a lock, then it is asked again: nothing can interrupt it while it waits.
_LOCKED_SECONDS = 0.25


class WritingThread:
    """Does what it is given, one after the other."""

    def __init__(self, path: Path, *, synchronous: str, replicated: bool) -> None:
        self._path = path
        self._synchronous = synchronous
        self._replicated = replicated
        self._thread = ThreadPoolExecutor(1, "writer")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Raises sqlite3.Error."""
        self._connection = await self._handed_over(self._connect)

    async def close(self) -> None:
        if self._connection is not None:
            await self._handed_over(self._connection.close)
            self._connection = None
        self._thread.shutdown(wait=False)

    async def do(self, what: Callable[[sqlite3.Connection], T]) -> T:
        """Has something done with the connection. Raises what that raises."""
        connection = self._connection
        assert connection is not None
        return await self._handed_over(lambda: what(connection))

    async def commit(self, batch: Iterable[Statement]) -> float:
        """All of it or nothing, in one transaction; gives the seconds that the disk took. Raises sqlite3.Error."""
        return await self.do(lambda connection: _commit(connection, batch))

    def _connect(self) -> sqlite3.Connection:
        # isolation_level: the first statement of a batch takes the write lock, commit() releases it.
        connection = sqlite3.connect(
            self._path, timeout=_LOCKED_SECONDS, isolation_level="IMMEDIATE", cached_statements=512
        )
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        if self._replicated:
            connection.execute(f"PRAGMA wal_autocheckpoint={_REPLICATED_PAGES}")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # opens the -wal file
        return connection

    async def _handed_over(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _commit(connection: sqlite3.Connection, batch: Iterable[Statement]) -> float:
    try:
        for sql, parameters in batch:
            connection.execute(sql, parameters)
        begun = monotonic()
        connection.commit()
        return monotonic() - begun
    except BaseException:
        connection.rollback()
        raise
