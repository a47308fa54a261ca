"""The file of the log. Its durability is relaxed, so that a power cut may leave nonsense in it: one that is damaged is
moved aside, and a new one begun.
"""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from csmsd.ports.listings import Rows
from csmsd.profiles.record import Milliseconds
from csmsd.store.database import StoreError, code_of, is_locked
from csmsd.store.message_log.blocks import INSERT, TABLE, blocks
from csmsd.store.rows import rows_of

log = logging.getLogger(__name__)

_SCHEMA = (
    TABLE
    + """
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    type TEXT NOT NULL,
    charge_point TEXT COLLATE NOCASE,
    data TEXT NOT NULL
) STRICT;
"""
)

_LOCKED_SECONDS = 1.0  # in which another process should be done with it; then it is tried again
_ROWS_PER_STATEMENT = 5_000
_NO_NUMBER = 2**53  # so many there never are
_MAX_WAL_BYTES = 4 * 1024 * 1024  # that stay when it is written back

# What reading a damaged file may raise.
NONSENSE = (sqlite3.DatabaseError, TypeError, ValueError, AttributeError)
A = TypeVar("A")


class LogFile:
    """Open between `open` and `close`; `lock` is for who writes into it, and for who begins a new one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = asyncio.Lock()
        self.last_message = 0
        self.last_event = 0
        self.newest_at: Milliseconds | None = None  # when it was opened
        self._opened: aiosqlite.Connection | None = None
        self._file: tuple[int, int] | None = None  # which it is; None: it was told that this one is gone

    @property
    def connection(self) -> aiosqlite.Connection:
        """Of the file that is in use now."""
        assert self._opened is not None
        return self._opened

    async def open(self) -> None:
        """A log that is damaged is moved aside: it is evidence, but no reason not to charge cars.

        One that another process holds locked is waited for. Raises StoreError when it cannot be used otherwise.
        """
        try:
            await self._open_when_unlocked()
        except NONSENSE as error:
            if not is_damage(error):
                await self.close()
                raise StoreError(f"{self.path}: {error}") from error
            await self.begin_anew(error)

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    async def begin_anew(self, damage: Exception) -> None:
        """With an empty file, beside the damaged one; numbers go on, as far as they can be read."""
        await self.close()
        last_event, last_message = await asyncio.to_thread(_last_numbers, self.path)
        aside = self.path.with_suffix(".damaged")
        log.error("%s: %s; moved to %s, a new one is begun", self.path, damage, aside)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.path.rename(aside)
        await self._open()
        self.last_event = max(self.last_event, last_event)
        self.last_message = max(self.last_message, last_message)

    async def _open_when_unlocked(self) -> None:
        said = False
        while True:
            try:
                await self._open()
                return
            except sqlite3.OperationalError as error:
                if not is_locked(error):
                    raise
                if not said:
                    log.warning("%s is locked by another process; csmsd waits for it", self.path)
                said = True
                await self.close()

    async def _open(self) -> None:
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._file = _file_at(self.path)
        connection = await aiosqlite.connect(self.path, timeout=_LOCKED_SECONDS, isolation_level="IMMEDIATE")
        self._opened = connection
        connection.text_factory = text_of
        await connection.execute_fetchall("PRAGMA auto_vacuum=INCREMENTAL")
        await connection.execute_fetchall("PRAGMA journal_mode=WAL")
        await connection.execute_fetchall("PRAGMA synchronous=OFF")
        await connection.execute_fetchall(f"PRAGMA journal_size_limit={_MAX_WAL_BYTES}")
        async with await connection.executescript(_SCHEMA):
            pass
        await self._pack_rows()
        newest_id = await self.number("SELECT (SELECT last FROM block ORDER BY first DESC LIMIT 1)")
        self.last_message = max(self.last_message, newest_id)
        self.last_event = max(self.last_event, await self.number("SELECT max(number) FROM event"))
        newest = await self.rows("SELECT time FROM event ORDER BY number DESC LIMIT 1")
        self.newest_at = int(newest[0][0]) if newest else None

    async def _pack_rows(self) -> None:
        """A log from before there were blocks has a row for each message."""
        if not await self.rows("SELECT 1 FROM sqlite_schema WHERE name = 'message'"):
            return
        connection = self.connection
        oldest = "SELECT id, time, charge_point, direction, CAST(text AS BLOB) FROM message ORDER BY id LIMIT ?"
        while rows := await self.rows(oldest, (_ROWS_PER_STATEMENT,)):
            async with connection.executemany(INSERT, await asyncio.to_thread(list, blocks(rows))):
                pass
            await connection.execute_fetchall("DELETE FROM message WHERE id <= ?", (rows[-1][0],))
            await connection.commit()
        await connection.execute_fetchall("DROP TABLE message")
        await connection.commit()

    async def rows(self, sql: str, parameters: Sequence[Any] = (), *, most_text: int = 0) -> Rows[Any]:
        """What a query finds; with `most_text` characters no more are read. Raises what NONSENSE names."""
        return await rows_of(self.connection, sql, parameters, most_text=most_text)

    async def number(self, sql: str) -> int:
        """The one number that a query finds; 0 where it finds none."""
        rows = await self.rows(sql)
        return int(rows[0][0] or 0)

    async def of_a_sound_file(self, query: Callable[[], Awaitable[A]]) -> A:
        """What it finds; where the file turns out to be damaged, what it finds in the one that is begun then."""
        asked = self._opened
        try:
            return await query()
        except NONSENSE as error:
            async with self.lock:
                if self._opened is asked:
                    if not is_damage(error):
                        raise
                    await self.begin_anew(error)
        return await query()

    def look_for_it(self) -> None:
        """What is deleted while it is open can be written to for ever, and nobody will find it again."""
        if self._file is not None and _file_at(self.path) != self._file:
            self._file = None
            log.error("%s was removed or replaced: what is logged is lost until csmsd is restarted", self.path)


def is_damage(error: Exception) -> bool:
    """Whether it says that there is nonsense in the file. A power cut may leave that: nothing is synced here."""
    return not isinstance(error, sqlite3.Error) or code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def text_of(stored: bytes) -> str:
    """Messages are kept as they came, valid UTF-8 or not."""
    return stored.decode(errors="replace")


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _last_numbers(path: Path) -> tuple[int, int]:
    """Of an event and of a message, as far as they can be read."""
    found = []
    for sql in ("SELECT max(number) FROM event", "SELECT max(last) FROM block"):
        last = None
        with contextlib.suppress(*NONSENSE), contextlib.closing(sqlite3.connect(path)) as connection:
            last = connection.execute(sql).fetchone()[0]
        found.append(last if isinstance(last, int) and last < _NO_NUMBER else 0)
    return found[0], found[1]
