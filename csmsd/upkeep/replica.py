"""How far the copy of the database off this box lies behind, as far as it can be seen from here.

Another program makes it, Litestream (docs/taking-over.md). csmsd looks now and then when something was written to it
last, and compares that with its own last commit: a site that rests has nothing to copy, however long ago that was.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from csmsd.profiles.record import Milliseconds

log = logging.getLogger(__name__)

_ROUND_SECONDS = 5.0
_WITHIN_MS = 2_000  # of a commit, the copy may be written: it is made once a second
_BROKEN_AFTER_MS = 60_000  # in which it should have been seen
_PROBLEM_AFTER_MS = 300_000  # that something is missing; a network that is away for a moment is none


class ReplicaWatch:
    """`path` is a directory that the copy is written to, or a file that is touched when it was seen to be whole."""

    def __init__(self, path: Path, database: Path, clock: Callable[[], Milliseconds]) -> None:
        self.path = path
        self._database = database
        self._clock = clock
        self._written_at: Milliseconds | None = None
        self._whole_at: Milliseconds | None = None  # all that was committed until then is in it
        self._missing = False  # something that was committed
        self._looked_at = self._began = clock()

    async def run(self) -> None:
        """Never returns."""
        while True:
            # A network file system that hangs holds up this thread alone, and the age goes on.
            await asyncio.to_thread(self.look)
            await asyncio.sleep(_ROUND_SECONDS)

    def look(self) -> None:
        """Compares the two; it may block."""
        now, committed_at = self._clock(), newest_commit(self._database)
        written_at = newest_write(self.path)
        self._looked_at = now
        moved, self._written_at = written_at != self._written_at, written_at
        self._missing = written_at is None or committed_at > written_at + _WITHIN_MS
        if not self._missing:
            self._whole_at = now
        elif moved and written_at is not None:
            self._whole_at = max(written_at, self._whole_at or 0)

    @property
    def age_ms(self) -> Milliseconds | None:
        """For how long commits have been missing in it, 0: none is; None: there is no copy."""
        now = self._clock()
        if self._whole_at is None:
            return None
        if not self._missing and now - self._looked_at < _BROKEN_AFTER_MS:
            return 0
        return max(0, now - self._whole_at)

    @property
    def problem(self) -> str | None:
        """In words; None while the copy is as it should be, or there has not been time for one since the start."""
        age = self.age_ms
        if age is None:
            waited = self._clock() - self._began
            return None if waited < _PROBLEM_AFTER_MS else f"there is no copy of the database in {self.path}"
        if age < _PROBLEM_AFTER_MS:
            return None
        return f"the copy of the database in {self.path} is {age // 60_000} minutes behind"


def newest_commit(database: Path) -> Milliseconds:
    """When something was committed last, ms since 1970 UTC."""
    wal = database.with_name(f"{database.name}-wal")
    return _changed_at(wal) or _changed_at(database) or 0


def newest_write(path: Path) -> Milliseconds | None:
    """When the copy was written to last; None: there is none. The newest file of a directory has the highest name."""
    if path.is_file():
        return _changed_at(path)
    times = []
    for directory, _, names in os.walk(path):
        if names:
            times.append(_changed_at(Path(directory) / max(names)))
    return max((time for time in times if time is not None), default=None)


def _changed_at(path: Path) -> Milliseconds | None:
    try:
        return path.stat().st_mtime_ns // 1_000_000
    except OSError:
        return None
