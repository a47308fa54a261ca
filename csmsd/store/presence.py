"""Whether the database still stands under its name: what is deleted or replaced while it is open can be written to for
ever, and nobody will find it again.
"""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)

_SMALLEST_DATABASE = 512  # bytes: a page


class Presence:
    """The database and its log of commits, as they were when they were noted. Cheap enough to be asked after each
    commit.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[Path, tuple[int, int]] = {}
        self._emptied = False  # whatever is written into it later: what SQLite knows of it fits no more

    def note(self) -> None:
        """To be called when both are open. Raises OSError."""
        both = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        self._files = {path: _identity(path.stat()) for path in both}

    def trouble(self) -> str | None:
        """What has happened to them; None: they are there."""
        for path, identity in self._files.items():
            try:
                found = path.stat()
            except FileNotFoundError:
                return f"{path} was removed while csmsd runs on it"
            except OSError as error:
                return f"{path} cannot be looked at: {error.strerror}"
            if _identity(found) != identity:
                return f"{path} was replaced while csmsd runs on the old one; restart csmsd"
            self._emptied = self._emptied or (path == self._path and found.st_size < _SMALLEST_DATABASE)
            if self._emptied:
                return f"{path} was emptied while csmsd runs on it; stop csmsd and put a backup back"
        return None

    def save(self, connection: sqlite3.Connection) -> None:
        """What is deleted goes for good when it is closed: what it holds is written to where it can be found."""
        if self._emptied:
            return
        rescued = self._path.with_name(f"{self._path.name}.rescued")
        try:
            connection.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
            if self._is_in_its_place():
                return  # it was the log of commits: what was in it is in the database now
            rescued.unlink(missing_ok=True)
            os.close(os.open(rescued, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            with closing(sqlite3.connect(rescued)) as copy:
                connection.backup(copy)
        except (OSError, sqlite3.Error) as error:
            log.error("what is in %s could not be saved: %s", self._path, error)
        else:
            log.error("what was in %s is in %s", self._path, rescued)

    def _is_in_its_place(self) -> bool:
        return self._path.exists() and _identity(self._path.stat()) == self._files[self._path]


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
