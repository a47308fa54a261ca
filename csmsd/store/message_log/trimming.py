"""What of the log is given up: what is too old, and the oldest of what is too much."""

import contextlib
import logging
import sqlite3
from collections.abc import Callable

from csmsd.profiles.record import Milliseconds
from csmsd.store.database import is_locked
from csmsd.store.message_log.file import NONSENSE, LogFile, is_damage

log = logging.getLogger(__name__)


class Trimming:
    """Keeps the file below its size, in bytes, and the rows below their age."""

    def __init__(
        self, file: LogFile, max_bytes: int, max_age: Milliseconds, to_forget_by: Callable[[], Milliseconds | None]
    ) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._to_forget_by = to_forget_by

    async def trim(self) -> None:
        """A failure is logged; a damaged file is replaced."""
        async with self._file.lock:  # what is being written must neither stand in its way nor be rolled back with it
            try:
                await self._trim()
            except NONSENSE as error:
                log.error("the message log could not be trimmed: %s", error)
                if is_damage(error):
                    await self._file.begin_anew(error)

    async def _trim(self) -> None:
        connection = self._file.connection
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
        connection = self._file.connection
        for name, key, time in (("block", "first", "last_time"), ("event", "number", "time")):
            first = f"SELECT {key} FROM {name} WHERE {time} BETWEEN ? AND ? ORDER BY {key} LIMIT 1"
            kept = await self._file.rows(first, (oldest, now))
            before = kept[0][0] if kept else 2**63 - 1
            await connection.execute_fetchall(f"DELETE FROM {name} WHERE {key} < ? AND {time} < ?", (before, oldest))
        await connection.commit()

    async def _used_bytes(self) -> int:
        return await self._file.number(
            "SELECT (page_count - freelist_count) * page_size "
            "FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )

    async def _room(self) -> int:
        """Bytes that the rows may take beside the WAL, which is small unless somebody holds the file open."""
        try:
            await self._file.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            if not is_locked(error):  # by a listing that is being read on this connection
                raise
        wal = self._file.path.with_name(self._file.path.name + "-wal")
        return max(self._max_bytes // 2, self._max_bytes - (wal.stat().st_size if wal.exists() else 0))
