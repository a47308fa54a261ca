"""The log of OCPP messages and events: evidence, not state. A second file with relaxed durability, capped by size and
age, so that it never slows or bloats the first. Secrets are masked before they get here.
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
import msgspec

from csmsd.ports.listings import Rows
from csmsd.profiles.record import Milliseconds
from csmsd.store.database import StoreError, code_of, is_locked
from csmsd.store.message_blocks import INSERT, TABLE, Direction, Entry, Wanted, blocks
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

_FLUSH_SECONDS = 0.5
_LOCKED_SECONDS = 1.0  # in which another process should be done with it; then it is tried again
_MAX_BUFFERED = 50_000  # beyond it messages are dropped and counted: the log must never take the memory
_MAX_BUFFERED_BYTES = 32 * 1024 * 1024
_ROWS_PER_STATEMENT = 5_000
_BLOCKS_AT_ONCE = 20  # are looked through
_TRIM_EVERY_FLUSHES = 120
_TRIM_AFTER = 0.05  # of its size written, however soon that is
_NO_NUMBER = 2**53  # so many there never are
_MAX_WAL_BYTES = 4 * 1024 * 1024  # that stay when it is written back


# What reading a damaged file may raise.
_NONSENSE = (sqlite3.DatabaseError, TypeError, ValueError, AttributeError)
A = TypeVar("A")
_EventRow = tuple[int, Milliseconds, str, str | None, str]


class LoggedMessage(msgspec.Struct):
    """One WebSocket message as it went over the wire, secrets masked."""

    id: int
    time: Milliseconds
    charge_point: str
    direction: Direction
    text: str


class LoggedEvent(msgspec.Struct):
    """One event as watchers saw it; `data` is JSON."""

    number: int
    time: Milliseconds
    type: str
    charge_point: str | None
    data: str


class MessageLog:
    """Buffers in memory, writes twice a second, and never makes anybody wait."""

    def __init__(
        self, path: Path, *, max_bytes: int, max_age_days: int, to_forget_by: Callable[[], Milliseconds | None]
    ) -> None:
        self._path = path
        self._to_forget_by = to_forget_by
        self._max_bytes = max_bytes
        self._max_age = max_age_days * 86_400_000
        self._messages: list[Entry] = []
        self._events: list[_EventRow] = []
        self._buffered_bytes = 0
        self._written_bytes = 0  # since it was trimmed
        self._connection: aiosqlite.Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._closing = False
        self._file: tuple[int, int] | None = None  # which it is; None: it was told that this one is gone
        self._next_id = 1
        self.dropped = 0
        self.last_event = 0
        self.newest_at: Milliseconds | None = None  # when it was opened

    async def open(self) -> None:
        """A log that is damaged is moved aside: it is evidence, but no reason not to charge cars.

        One that another process holds locked is waited for. Raises StoreError when it cannot be used otherwise.
        """
        try:
            await self._open_when_unlocked()
        except _NONSENSE as error:
            if not _is_damage(error):
                if self._connection is not None:
                    await self._connection.close()
                raise StoreError(f"{self._path}: {error}") from error
            await self._begin_anew(error)
        self._task = asyncio.create_task(self._run(), name="message log")

    async def _begin_anew(self, damage: Exception) -> None:
        """With an empty file, beside the damaged one; numbers go on, as far as they can be read."""
        if self._connection is not None:
            await self._connection.close()
        last_event, last_message = await asyncio.to_thread(_last_numbers, self._path)
        aside = self._path.with_suffix(".damaged")
        log.error("%s: %s; moved to %s, a new one is begun", self._path, damage, aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._path.rename(aside)
        await self._open()
        self.last_event = max(self.last_event, last_event)
        self._next_id = max(self._next_id, last_message + 1)

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
                    log.warning("%s is locked by another process; csmsd waits for it", self._path)
                said = True
                assert self._connection is not None
                await self._connection.close()

    async def _open(self) -> None:
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        self._file = _file_at(self._path)
        self._connection = await aiosqlite.connect(self._path, timeout=_LOCKED_SECONDS, isolation_level="IMMEDIATE")
        self._connection.text_factory = _text
        await self._connection.execute_fetchall("PRAGMA auto_vacuum=INCREMENTAL")
        await self._connection.execute_fetchall("PRAGMA journal_mode=WAL")
        await self._connection.execute_fetchall("PRAGMA synchronous=OFF")
        await self._connection.execute_fetchall(f"PRAGMA journal_size_limit={_MAX_WAL_BYTES}")
        async with await self._connection.executescript(_SCHEMA):
            pass
        await self._pack_rows()
        newest_id = await self._maximum("SELECT (SELECT last FROM block ORDER BY first DESC LIMIT 1)")
        self._next_id = max(self._next_id, newest_id + 1)
        self.last_event = max(self.last_event, await self._maximum("SELECT max(number) FROM event"))
        newest = await self._rows("SELECT time FROM event ORDER BY number DESC LIMIT 1")
        self.newest_at = int(newest[0][0]) if newest else None

    async def _pack_rows(self) -> None:
        """A log from before there were blocks has a row for each message."""
        if not await self._rows("SELECT 1 FROM sqlite_schema WHERE name = 'message'"):
            return
        connection = self._connection
        assert connection is not None
        oldest = "SELECT id, time, charge_point, direction, CAST(text AS BLOB) FROM message ORDER BY id LIMIT ?"
        while rows := await self._rows(oldest, (_ROWS_PER_STATEMENT,)):
            async with connection.executemany(INSERT, await asyncio.to_thread(blocks, rows)):
                pass
            await connection.execute_fetchall("DELETE FROM message WHERE id <= ?", (rows[-1][0],))
            await connection.commit()
        await connection.execute_fetchall("DROP TABLE message")
        await connection.commit()

    async def _of_a_sound_file(self, query: Callable[[], Awaitable[A]]) -> A:
        """What it finds; where the file turns out to be damaged, what it finds in the one that is begun then."""
        asked = self._connection
        try:
            return await query()
        except _NONSENSE as error:
            async with self._flushing:
                if self._connection is asked:
                    if not _is_damage(error):
                        raise
                    await self._begin_anew(error)
        return await query()

    async def _maximum(self, sql: str) -> int:
        rows = await self._rows(sql)
        return int(rows[0][0] or 0)

    async def close(self) -> None:
        """Writes what is buffered, then closes the file."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        if self._connection is not None:
            await self._connection.close()

    def add_message(self, time: Milliseconds, charge_point: str, direction: Direction, text: bytes) -> int | None:
        """Takes a message and gives its id; None when the buffer is full and it was dropped."""
        if len(self._messages) >= _MAX_BUFFERED or self._buffered_bytes > _MAX_BUFFERED_BYTES:
            self.dropped += 1
            return None
        number = self._next_id
        self._next_id += 1
        self._messages.append((number, time, charge_point, direction, text))
        self._buffered_bytes += len(text)
        return number

    def add_event(self, number: int, time: Milliseconds, kind: str, charge_point: str | None, data: str) -> None:
        """Takes an event that is to be found again after it was sent."""
        if len(self._events) < _MAX_BUFFERED and self._buffered_bytes <= _MAX_BUFFERED_BYTES:
            self._buffered_bytes += len(data)
            self._events.append((number, time, kind, charge_point, data))

    @property
    def waiting(self) -> int:
        """How many messages wait to be written."""
        return len(self._messages)

    async def _run(self) -> None:
        flushes = 0
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _FLUSH_SECONDS)
            await self.flush()
            flushes += 1
            if flushes % _TRIM_EVERY_FLUSHES == 1 or self._written_bytes > self._max_bytes * _TRIM_AFTER:
                self._written_bytes = 0
                await self.trim()
        await self.flush()

    async def flush(self) -> None:
        """Writes what is buffered; a failure is logged and the rows are given up. A damaged file is replaced."""
        async with self._flushing:
            messages, self._messages = self._messages, []
            events, self._events = self._events, []
            buffered, self._buffered_bytes = self._buffered_bytes, 0
            self._written_bytes += buffered
            if not messages and not events:
                return
            self._look_for_file()
            connection = self._connection
            assert connection is not None
            try:
                if messages:
                    packed = await asyncio.to_thread(blocks, messages)
                    async with connection.executemany(INSERT, packed):
                        pass
                if events:  # one by one: a statement for many would keep what it wrote
                    async with connection.executemany("INSERT OR REPLACE INTO event VALUES (?,?,?,?,?)", events):
                        pass
                await connection.commit()
            except (sqlite3.Error, UnicodeEncodeError) as error:
                with contextlib.suppress(sqlite3.Error):  # of a damaged file it fails as well
                    await connection.rollback()
                if isinstance(error, sqlite3.OperationalError) and is_locked(error) and not self._closing:
                    # They wait until it is unlocked; when they are too many, what comes then is dropped.
                    self._messages[:0], self._events[:0] = messages, events
                    self._buffered_bytes += buffered
                    return
                lost = len(messages)
                log.error("%d messages could not be written to the log: %s", lost, error)
                self.dropped += lost
                if isinstance(error, sqlite3.Error) and _is_damage(error):
                    await self._begin_anew(error)

    def _look_for_file(self) -> None:
        """What is deleted while it is open can be written to for ever, and nobody will find it again."""
        if self._file is not None and _file_at(self._path) != self._file:
            self._file = None
            log.error("%s was removed or replaced: what is logged is lost until csmsd is restarted", self._path)

    async def trim(self) -> None:
        """Keeps the file below its size and the rows below their age; it does so by itself every minute."""
        async with self._flushing:  # what is being written must neither stand in its way nor be rolled back with it
            try:
                await self._trim()
            except _NONSENSE as error:
                log.error("the message log could not be trimmed: %s", error)
                if _is_damage(error):
                    await self._begin_anew(error)

    async def _trim(self) -> None:
        connection = self._connection
        assert connection is not None
        try:
            now = self._to_forget_by()
            if now is not None:
                await self._forget_before(now - self._max_age, now)
            room = await self._room()
            for _ in range(50):  # a tenth at a time
                if await self._used_bytes() <= room:
                    break
                for name, key in (("block", "first"), ("event", "number")):
                    oldest_tenth = f"SELECT min({key}) + (max({key}) - min({key})) / 10 FROM {name}"
                    await connection.execute_fetchall(f"DELETE FROM {name} WHERE {key} <= ({oldest_tenth})")
                await connection.commit()
            # As a script: `execute` would stop after the first of the pages.
            async with await connection.executescript("PRAGMA incremental_vacuum(2000)"):
                pass
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                await connection.rollback()
            raise

    async def _forget_before(self, oldest: Milliseconds, now: Milliseconds) -> None:
        """Rows are old up to the first one of a time that is kept: what came after it only bears a wrong time."""
        assert self._connection is not None
        for name, key, time in (("block", "first", "last_time"), ("event", "number", "time")):
            first = f"SELECT {key} FROM {name} WHERE {time} BETWEEN ? AND ? ORDER BY {key} LIMIT 1"
            kept = await self._rows(first, (oldest, now))
            before = kept[0][0] if kept else 2**63 - 1
            await self._connection.execute_fetchall(
                f"DELETE FROM {name} WHERE {key} < ? AND {time} < ?", (before, oldest)
            )
        await self._connection.commit()

    async def _used_bytes(self) -> int:
        return await self._maximum(
            "SELECT (page_count - freelist_count) * page_size "
            "FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )

    async def _room(self) -> int:
        """Bytes that the rows may take beside the WAL, which is small unless somebody holds the file open."""
        try:
            await self._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            if not is_locked(error):  # by a listing that is being read on this connection
                raise
        wal = self._path.with_name(self._path.name + "-wal")
        return max(self._max_bytes // 2, self._max_bytes - (wal.stat().st_size if wal.exists() else 0))

    async def _rows(self, sql: str, parameters: Sequence[Any] = (), *, most_text: int = 0) -> Rows[Any]:
        assert self._connection is not None
        return await rows_of(self._connection, sql, parameters, most_text=most_text)

    async def first_event_time(self) -> Milliseconds | None:
        """From when events are kept; None: there are none."""
        await self.flush()

        async def read() -> Milliseconds | None:
            rows = await self._rows("SELECT time FROM event ORDER BY number LIMIT 1")
            return int(rows[0][0]) if rows else None

        return await self._of_a_sound_file(read)

    async def messages(
        self,
        charge_points: Sequence[str] | None,
        *,
        since: Milliseconds | None,
        before_id: int | None,
        limit: int,
        until: Milliseconds | None = None,
        after_id: int | None = None,
        oldest: bool = False,
        most_text: int = 0,
    ) -> Rows[LoggedMessage]:
        """The newest `limit` messages (0: all), or the oldest ones; oldest first. With `most_text` characters no more
        are read.
        """
        await self.flush()
        wanted = Wanted(charge_points, since, until, before_id, after_id)
        return await self._of_a_sound_file(lambda: self._wanted(wanted, limit, oldest=oldest, most_text=most_text))

    async def _wanted(self, wanted: Wanted, limit: int, *, oldest: bool, most_text: int) -> Rows[LoggedMessage]:
        found: Rows[LoggedMessage] = Rows()
        seen: int | None = None  # the block that was looked through last
        length = 0
        while not found.more and (not limit or len(found) < limit):
            where, parameters = wanted.of_blocks(seen, oldest=oldest)
            order = "ASC" if oldest else "DESC"
            rows = await self._rows(
                f"SELECT first, messages FROM block {where} ORDER BY first {order} LIMIT ?",
                (*parameters, _BLOCKS_AT_ONCE),
            )
            if not rows or (seen is not None and (rows[-1][0] <= seen if oldest else rows[-1][0] >= seen)):
                break  # in a damaged file the order may lead back
            seen = rows[-1][0]
            here = await asyncio.to_thread(wanted.among, [packed for _, packed in rows], oldest=oldest)
            for entry in here[: limit - len(found)] if limit else here:
                found.more = bool(most_text) and length >= most_text
                if found.more:
                    break
                message = LoggedMessage(*entry[:4], _text(entry[4]))
                found.append(message)
                length += len(message.text)
        if not oldest:
            found.reverse()
        return found

    async def events(
        self,
        charge_points: Sequence[str] | None,
        types: Sequence[str] | None,
        *,
        since: Milliseconds | None = None,
        until: Milliseconds | None = None,
        after: int | None = None,
        before: int | None = None,
        limit: int = 0,
        oldest: bool = False,
        most_text: int = 0,
    ) -> Rows[LoggedEvent]:
        """The newest `limit` events (0: all), or the oldest ones; oldest first. With `most_text` characters no more
        are read.
        """
        await self.flush()
        where, parameters = _conditions(
            {"time>=?": since, "time<?": until, "number>?": after, "number<?": before}, "charge_point", charge_points
        )
        if types:
            where += f"{' AND' if where else 'WHERE'} type IN ({','.join('?' * len(types))})"
            parameters = [*parameters, *types]
        sql = (
            f"SELECT number, time, type, charge_point, data FROM event {where} "
            f"ORDER BY number {'ASC' if oldest else 'DESC'} LIMIT ?"
        )
        rows = await self._of_a_sound_file(lambda: self._rows(sql, (*parameters, limit or -1), most_text=most_text))
        found = Rows(LoggedEvent(*row) for row in (rows if oldest else reversed(rows)) if _is_event(row))
        found.more = rows.more
        return found


def _is_damage(error: Exception) -> bool:
    """Whether it says that there is nonsense in the file. A power cut may leave that: nothing is synced here."""
    return not isinstance(error, sqlite3.Error) or code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_event(row: Sequence[object]) -> bool:
    """In a damaged file a column may be empty that never is."""
    return None not in (row[0], row[1], row[2], row[4])


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
        with contextlib.suppress(*_NONSENSE), contextlib.closing(sqlite3.connect(path)) as connection:
            last = connection.execute(sql).fetchone()[0]
        found.append(last if isinstance(last, int) and last < _NO_NUMBER else 0)
    return found[0], found[1]


def _text(stored: bytes) -> str:
    """Messages are kept as they came, valid UTF-8 or not."""
    return stored.decode(errors="replace")


def _conditions(
    comparisons: dict[str, int | None], column: str, among: Sequence[str] | None
) -> tuple[str, list[int | str]]:
    wanted = {comparison: value for comparison, value in comparisons.items() if value is not None}
    parts = list(wanted)
    parameters: list[int | str] = list(wanted.values())
    if among is not None:
        parts.append(f"{column} IN ({','.join('?' * len(among))})")
        parameters += among
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), parameters
