"""The one writer: gathers the rows of all charge points while the last commit runs, and writes them in the next.

A batch is whatever came in during the last commit; nothing waits to fill it. `done` is called after the commit that
holds the rows, or with the error when they are not on disk; so an answer that waits for it is never a lie. Those of a
batch are told in turns, so that what the first ones send next is handled before the last ones are told: otherwise all
would wait for the disk together, and csmsd for them.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from csmsd.ports.store import NotStored, Removal
from csmsd.profiles.record import Change
from csmsd.runtime.durations import Durations
from csmsd.runtime.pace import LONGEST_SECONDS
from csmsd.store.batch import Done, Member, statements
from csmsd.store.database import BUSY_TIMEOUT_SECONDS, is_locked
from csmsd.store.presence import Presence
from csmsd.store.tables import table
from csmsd.store.writing_thread import WritingThread

log = logging.getLogger(__name__)

# After a failed commit the disk is given a moment before the next one is tried.
_PAUSE_SECONDS = 1.0
_SLOW_SECONDS = 1.0
_HURRY_SECONDS = 1.0  # for a lock, once csmsd is to end
_LOOK_SECONDS = 2.0
_TELLING_SECONDS = 0.0005  # in a turn
# A disk that takes longer has the next batch at once. A faster one gets it when all of the last one are told: larger
# batches cost less.
_SLOW_DISK_SECONDS = 0.0015


class Writer:
    """Owns the only writing connection. `recover` loads the live state anew; it is awaited when that may be wrong."""

    def __init__(
        self,
        path: Path,
        *,
        synchronous: str = "FULL",
        replicated: bool = False,
        recover: Callable[[], Awaitable[None]],
    ) -> None:
        """`replicated`: another program follows the log of commits, and writes it back."""
        self._recover = recover
        self._pending: list[Member] = []
        self._along: list[Member] = []  # to be written with the next that there is
        self._stored: deque[Member] = deque()  # not told yet
        self._all_told = asyncio.Event()
        self._all_told.set()
        self._shrinking: tuple[int, Done] | None = None
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._presence = Presence(path)
        self._watching: asyncio.Task[None] | None = None
        self._suspect = False  # the file may not be there
        self._gone: str | None = None  # what happened to it
        self._hurry_since: float | None = None
        self._closing = False
        self._closed = False
        self._rescuing = False
        self._renewing = False
        self._task: asyncio.Task[None] | None = None
        self._thread = WritingThread(path, synchronous=synchronous, replicated=replicated)
        self._loop = asyncio.get_running_loop()
        self._disk_seconds = 0.0  # that the last commit took there
        self.failure: str | None = None
        self.accepting = False
        self.on_state: Callable[[str | None], None] = lambda failure: None
        self.commits = Durations()
        self._begun: float | None = None  # monotonic, while a commit is under way
        self.last_commit_seconds: float | None = None
        self.failed_commits = 0

    async def open(self) -> None:
        """Opens the connection and starts writing. Raises sqlite3.Error."""
        await self._thread.open()
        self._presence.note()
        self._task = asyncio.create_task(self._run(), name="writer")
        self._watching = asyncio.create_task(self._watch(), name="presence of the database")
        self._reckon()

    def _reckon(self) -> None:
        ready = self._task is not None and self._gone is None
        self.accepting = ready and not (self._closed or self._rescuing or self._renewing)

    def hurry(self) -> None:
        """From now on a lock of another process is waited for shortly: csmsd is to end."""
        if self._hurry_since is None:
            self._hurry_since = monotonic()

    async def close(self) -> None:
        """Writes what is pending, then closes the file."""
        self.hurry()
        if self._watching is not None:
            self._watching.cancel()
        self.no_longer_along()
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._thread.close()

    def submit(self, changes: Sequence[Change], done: Done) -> None:
        """Has the changes written; calls `done` in the event loop when that is certain, one way or the other.

        What is refused outright was changed in memory all the same, which is loaded anew.
        """
        if not self.accepting:
            if changes:
                self.renew()
            done(NotStored(self.failure or "the store is closed"))
            return
        try:
            member = Member(changes, done)
        except (ValueError, TypeError) as error:  # it fails like one that SQLite refuses: memory is ahead of the disk
            member = Member((), done)
            member.fault = error
        self._add(member)

    def _add(self, member: Member) -> None:
        self._pending.append(member)
        self._idle.clear()
        self._wake.set()

    def submit_along(self, changes: Sequence[Change], done: Done) -> None:
        """As `submit`, with the next changes that are: no commit is made for these alone before `no_longer_along`."""
        if not self.accepting:
            done(NotStored(self.failure or "the store is closed"))
            return
        self._along.append(Member(changes, done))

    def no_longer_along(self) -> None:
        """What still waits for others to come is written now."""
        if self._along:
            along, self._along = self._along, []
            for member in along:
                self._add(member)

    async def commit(self, changes: Sequence[Change]) -> None:
        """As `submit`, for callers that can wait. Raises NotStored."""
        future, done = _promise()
        self.submit(changes, done)
        await future

    async def remove(self, removals: Sequence[Removal]) -> None:
        """Deletes rows in one commit, in this order. Raises NotStored."""
        future, done = _promise()
        if not self.accepting:
            self.renew()
            raise NotStored(self.failure or "the store is closed")
        member = Member((), done)
        for kind, column, values in removals:
            where = table(kind)
            member.steps.append((where, tuple(values), None, where.delete_among(column, len(values))))
        self._add(member)
        await future

    async def shrink(self, pages: int) -> None:
        """Gives so many free pages at the end of the file back to the disk, between two commits. Raises NotStored."""
        if self._closing:
            raise NotStored("the store is closed")
        future, done = _promise()
        self._shrinking = (pages, done)
        self._wake.set()
        await future

    @property
    def waiting(self) -> int:
        """How many requests wait for the next commit."""
        return len(self._pending)

    @property
    def slow_ms(self) -> int | None:
        """How long the commit under way has taken, when that is longer than any disk should need."""
        taken = 0.0 if self._begun is None else monotonic() - self._begun
        return round(taken * 1000) if taken > _SLOW_SECONDS else None

    async def flush(self) -> None:
        """Waits until nothing is pending."""
        await self._idle.wait()

    def _tell_state(self, failure: str | None) -> None:
        try:
            self.on_state(failure)
        except Exception:  # the requests of the commit wait to be told
            log.exception("the state of the store could not be told")

    def renew(self) -> None:
        """Refuses new changes from now on, writes what is pending, has the live state loaded anew, and goes on."""
        if not self._closed:
            self._renewing = True
            self._reckon()
            self._idle.clear()
            self._wake.set()

    async def _watch(self) -> None:
        """Also while nobody writes."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._gone is None and self._presence.trouble() is not None:
                self._suspect = True
                self._wake.set()

    async def _run(self) -> None:
        while True:
            if not self._pending or self._renewing or self._suspect or self._disk_seconds < _SLOW_DISK_SECONDS:
                await self._all_told.wait()
            if self._suspect:
                self._suspect = False
                if (gone := self._presence.trouble()) is not None and not self._closing:
                    await self._lose(gone)
            if self._shrinking is not None:
                (pages, done), self._shrinking = self._shrinking, None
                await self._shrink(pages, done)
            if not self._pending and self._renewing:
                if not await self._restore() and not self._closing:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                self._renewing = False
                self._reckon()
            if not self._pending and not self._renewing:
                self._idle.set()
                if self._closing and self._shrinking is None:
                    self._closed = True
                    self._reckon()
                    return
                await self._wake.wait()
            self._wake.clear()
            batch, self._pending = self._pending, []
            if self._along and any(member.steps for member in batch):
                batch, self._along = [*self._along, *batch], []
            if batch:
                await self._write_batch(batch)

    async def _restore(self) -> bool:
        """Has the live state loaded anew. Where that breaks off nothing is taken before it was tried once more."""
        try:
            await self._recover()
        except Exception:
            log.exception("the live state could not be loaded anew; trying again")
            self._renewing = True
            return False
        return True

    async def _shrink(self, pages: int, done: Done) -> None:
        script = f"PRAGMA incremental_vacuum({pages})"  # `execute` would stop after the first of the pages
        try:
            await self._thread.do(lambda connection: connection.executescript(script).close())
        except Exception as error:
            done(NotStored(str(error)))
        else:
            done(None)

    async def _write_batch(self, batch: list[Member]) -> None:
        begun = self._begun = monotonic()
        try:
            await self._write(batch)
        except Exception as error:  # of SQLite, or of the way of a value to it: whatever it is, others wait
            await self._rescue(batch, error)
            return
        else:
            if (gone := self._presence.trouble()) is not None:
                self._fail(batch, gone)
                return
        finally:
            self._begun = None
        self.last_commit_seconds = monotonic() - begun
        self.commits.add(self.last_commit_seconds)
        if self.failure is not None:
            self.failure = None
            self._tell_state(None)
        self._stored += batch
        if self._all_told.is_set():
            self._all_told.clear()
            self._tell()

    def _tell(self) -> None:
        """Some of those that are stored."""
        stored = self._stored
        until = monotonic() + (LONGEST_SECONDS if self._disk_seconds < _SLOW_DISK_SECONDS else _TELLING_SECONDS)
        while stored:
            _call(stored.popleft().done, None)
            if monotonic() > until:
                break
        if stored:
            self._loop.call_soon(self._tell)
        else:
            self._all_told.set()

    async def _write(self, members: Sequence[Member]) -> None:
        """Waits for the lock of another process."""
        begun = monotonic()
        while True:
            try:
                await self._write_once(members)
                return
            except sqlite3.OperationalError as error:
                if not is_locked(error) or self._has_waited_since(begun):
                    raise

    def _has_waited_since(self, begun: float) -> bool:
        """Long enough for a lock."""
        now = monotonic()
        hurried = self._hurry_since is not None and now - self._hurry_since > _HURRY_SECONDS
        return hurried or now - begun > BUSY_TIMEOUT_SECONDS

    async def _write_once(self, members: Iterable[Member]) -> None:
        self._disk_seconds = await self._thread.commit(list(statements(members)))

    def _fail(self, members: Iterable[Member], reason: str) -> None:
        """These, and what came in meanwhile, are not acknowledged; the file is looked for before anything else."""
        self._suspect = True
        failed = [*members, *self._pending]
        self._pending = []
        for member in failed:
            _call(member.done, NotStored(reason))

    async def _lose(self, gone: str) -> None:
        """Nothing is taken until the file stands in its place again; what is in it is saved as far as it can be."""
        self._gone = self.failure = gone
        self._reckon()
        self.failed_commits += 1
        self._fail((), gone)
        self._tell_state(gone)
        await self._thread.do(self._presence.save)
        while self._presence.trouble() is not None and not self._closing:
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _PAUSE_SECONDS)
        if self._closing:
            return
        await self._restore()  # what was written last was not acknowledged
        self._gone = self.failure = None
        self._reckon()
        self._tell_state(None)

    async def _rescue(self, batch: list[Member], error: Exception) -> None:
        """One bad member must not take the others with it: each is tried alone, unless the disk itself is at fault."""
        if (gone := self._presence.trouble()) is not None:
            self._fail(batch, gone)
            return
        await self._all_told.wait()
        log.error("a commit of %d requests failed: %s", len(batch), error)
        self.failed_commits += 1
        self._rescuing = True
        self._reckon()
        failed: list[tuple[Member, Exception]] = []
        if len(batch) > 1 and not isinstance(error, sqlite3.OperationalError):
            for member in batch:
                try:
                    await self._write([member])
                except Exception as own:
                    failed.append((member, own))
                else:
                    _call(member.done, None)
        else:
            failed = [(member, error) for member in batch]
        disk = isinstance(error, sqlite3.OperationalError)
        # What came in meanwhile was worked out from memory that is wrong now.
        failed += [(member, error) for member in self._pending]
        self._pending = []
        # Before anybody is told: whoever asks next, a remote stop perhaps, is to see what is on disk.
        if not self._closing:
            await self._restore()
        if disk and self.failure is None:
            self._tell_state(str(error))
        if disk:
            self.failure = str(error)
        for member, reason in failed:
            _call(member.done, NotStored(str(reason)))
        if disk and not self._closing:
            await asyncio.sleep(_PAUSE_SECONDS)
        self._rescuing = False
        self._reckon()


def _promise() -> tuple["asyncio.Future[None]", Done]:
    """What waits for an end, and how it is told."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def done(error: NotStored | None) -> None:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    return future, done


def _call(done: Done, error: NotStored | None) -> None:
    try:
        done(error)
    except Exception:  # one caller's mistake must not stop the writer
        log.exception("a request's end after its commit failed")
