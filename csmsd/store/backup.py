"""A copy of the site's file while it is in use: one moment of it, made beside the writer, which does not wait."""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep, time_ns

from csmsd.ports import NoRoom
from csmsd.profiles.record import Milliseconds
from csmsd.store.books import mark_as_copy
from csmsd.store.seal import seal_copy

_PAGES_AT_ONCE = 256  # a megabyte
_LONGEST_PAUSE_SECONDS = 0.1
_MARGIN_BYTES = 64 * 1024 * 1024  # what the writer is left with, whatever happens
_HASHED_AT_ONCE = 1024 * 1024


class DatabaseCopy:
    """A copy on its way to an operator. `make` and `read` block; `progress` and `cancel` are for another thread."""

    def __init__(self, source: Path) -> None:
        self._source = source
        # One name, so that what a crash left behind is found.
        self._path = source.with_name(f"{source.name}.copy")
        self._cancelled = False
        self._since = 0.0
        self.progress = 0.0  # 0 to 1
        self.size = 0
        self.sha256 = ""

    def make(self) -> None:
        """Raises NoRoom, or OSError when it comes to nothing."""
        self.remove()
        try:
            with closing(sqlite3.connect(f"file:{self._source}?mode=ro", uri=True, timeout=30)) as source:
                # A read transaction: all pages are those of this moment, whatever is written meanwhile.
                source.execute("BEGIN")
                self._copy_from(source)
        except sqlite3.Error as error:
            raise OSError(f"the database cannot be copied: {error}") from error
        try:
            seal_copy(self._path, self._go_on)
        except sqlite3.Error as error:
            raise OSError(f"the copy cannot be sealed: {error}") from error
        digest = hashlib.sha256()
        with self._path.open("rb") as file:
            while piece := file.read(_HASHED_AT_ONCE):
                self._go_on()
                digest.update(piece)
                self.size += len(piece)
        self.sha256 = digest.hexdigest()

    def _copy_from(self, source: sqlite3.Connection) -> None:
        size = source.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
        if shutil.disk_usage(self._source.parent).free < size + _MARGIN_BYTES:
            raise NoRoom(f"the copy needs {size // 1_048_576 + 1} MiB beside the database, and some to spare")
        os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(self._path, isolation_level=None)) as target:
            target.execute("PRAGMA synchronous=OFF")
            self._since = monotonic()
            source.backup(target, pages=_PAGES_AT_ONCE, progress=self._pause)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal and -shm
            _settle_what_waits(target, time_ns() // 1_000_000)

    def _pause(self, status: int, remaining: int, total: int) -> None:
        """Leaves disk and interpreter to the others for as long as the last pages took."""
        self._go_on()
        self.progress = 1 - remaining / max(1, total)
        sleep(min(_LONGEST_PAUSE_SECONDS, monotonic() - self._since))
        self._since = monotonic()

    def _go_on(self) -> None:
        if self._cancelled:
            raise OSError("nobody waits for the copy any more")

    def cancel(self) -> None:
        """Has `make` end soon."""
        self._cancelled = True

    def read(self, offset: int, length: int) -> bytes:
        """Raises OSError."""
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def remove(self) -> None:
        """Nothing of it stays."""
        for suffix in ("", "-journal"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _settle_what_waits(copy: sqlite3.Connection, now: Milliseconds) -> None:
    """Queued commands are sent from the site's own file: the copy, put back, must send none again, nor one recalled."""
    copy.execute("BEGIN")
    copy.execute(
        "UPDATE task SET state='settled', outcome='not_sent', settled_at=?, error=? "
        "WHERE id IN (SELECT task FROM queued_command)",
        (now, "it waited when this backup was made; give it again if it is still wanted"),
    )
    copy.execute("DELETE FROM queued_command")
    mark_as_copy(copy, now)
    copy.execute("COMMIT")
