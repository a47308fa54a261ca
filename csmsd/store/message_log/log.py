"""The log of OCPP messages and events, as the others have it: capped by size and age. Secrets are masked before they
get here.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from time import thread_time

from csmsd.ports.listings import Rows
from csmsd.profiles.record import Milliseconds
from csmsd.store.database import is_locked
from csmsd.store.message_log.blocks import INSERT, Direction, Entry, Row, Wanted, blocks
from csmsd.store.message_log.file import LogFile, is_damage
from csmsd.store.message_log.listings import LoggedEvent, LoggedMessage, events_in_log, messages_in_log
from csmsd.store.message_log.trimming import Trimming

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 0.5
_MAX_BUFFERED = 50_000  # beyond it messages are dropped and counted: the log must never take the memory
_MAX_BUFFERED_BYTES = 32 * 1024 * 1024
_TRIM_EVERY_FLUSHES = 120
_TRIM_AFTER = 0.05  # of its size written, however soon that is

_PAUSES = 3  # times the CPU time that it took to pack a block

_EventRow = tuple[int, Milliseconds, str, str | None, str]


class MessageLog:
    """Buffers in memory, writes twice a second, and never makes anybody wait."""

    def __init__(
        self, path: Path, *, max_bytes: int, max_age_days: int, to_forget_by: Callable[[], Milliseconds | None]
    ) -> None:
        self._file = LogFile(path)
        self._trimming = Trimming(self._file, max_bytes, max_age_days * 86_400_000, to_forget_by)
        self._trim_after = max_bytes * _TRIM_AFTER
        self._messages: list[Entry] = []
        self._events: list[_EventRow] = []
        self._buffered_bytes = 0
        self._written_bytes = 0  # since it was trimmed
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._asked = 0  # how many wait for what is buffered
        self._in_a_hurry = Event()
        self._next_id = 1
        self.dropped = 0

    async def open(self) -> None:
        """Raises StoreError when its file cannot be used; a damaged one is replaced."""
        await self._file.open()
        self._next_id = self._file.last_message + 1
        self._task = asyncio.create_task(self._run(), name="message log")

    async def close(self) -> None:
        """Writes what is buffered, then closes the file."""
        self._closing = True
        self._in_a_hurry.set()
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._file.close()

    @property
    def last_event(self) -> int:
        """The last number that stood in the file when it was opened."""
        return self._file.last_event

    @property
    def newest_at(self) -> Milliseconds | None:
        """The time of the newest event that was in the file when it was opened."""
        return self._file.newest_at

    # --- what comes in

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

    # --- what is written, and given up

    async def _run(self) -> None:
        flushes = 0
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _FLUSH_SECONDS)
            await self._write()
            flushes += 1
            if flushes % _TRIM_EVERY_FLUSHES == 1 or self._written_bytes > self._trim_after:
                self._written_bytes = 0
                await self.trim()
        await self._write()

    async def flush(self) -> None:
        """Writes what is buffered without a pause: somebody waits for it."""
        self._asked += 1
        self._in_a_hurry.set()
        try:
            await self._write()
        finally:
            self._asked -= 1
            if not (self._asked or self._closing):
                self._in_a_hurry.clear()

    async def _write(self) -> None:
        """Writes what is buffered; a failure is logged and the rows are given up. A damaged file is replaced."""
        async with self._file.lock:
            messages, self._messages = self._messages, []
            events, self._events = self._events, []
            buffered, self._buffered_bytes = self._buffered_bytes, 0
            self._written_bytes += buffered
            if not messages and not events:
                return
            self._file.look_for_it()
            connection = self._file.connection
            try:
                if messages:
                    packed = await asyncio.to_thread(self._packed, messages)
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
                if isinstance(error, sqlite3.Error) and is_damage(error):
                    await self._file.begin_anew(error)

    def _packed(self, messages: Sequence[Entry]) -> list[Row]:
        """In blocks, with pauses: what charge points send meanwhile waits for one of them, not for half a second's."""
        packed: list[Row] = []
        begun = thread_time()
        for block in blocks(messages):
            packed.append(block)
            self._in_a_hurry.wait(_PAUSES * (thread_time() - begun))
            begun = thread_time()
        return packed

    async def trim(self) -> None:
        """Gives up what is too old or too much; it does so by itself every minute."""
        await self._trimming.trim()

    # --- what is asked for

    async def first_event_time(self) -> Milliseconds | None:
        """From when events are kept; None: there are none."""
        await self.flush()

        async def read() -> Milliseconds | None:
            rows = await self._file.rows("SELECT time FROM event ORDER BY number LIMIT 1")
            return int(rows[0][0]) if rows else None

        return await self._file.of_a_sound_file(read)

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
        return await self._file.of_a_sound_file(
            lambda: messages_in_log(self._file, wanted, limit, oldest=oldest, most_text=most_text)
        )

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
        bounds = {"time>=?": since, "time<?": until, "number>?": after, "number<?": before}
        return await self._file.of_a_sound_file(
            lambda: events_in_log(self._file, charge_points, types, bounds, limit, oldest=oldest, most_text=most_text)
        )
