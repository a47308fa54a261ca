"""What is found in the state directory before the database is opened: modes, and a database that should be there."""

import logging
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from csmsd.store.database import StoreError
from csmsd.store.footprint import Footprint

log = logging.getLogger(__name__)

_SMALLEST_DATABASE = 512  # bytes: a page


def restore_modes(directory: Path) -> None:
    """What a copy or an archive brought back readable to others is closed again: it holds names, cards and hashes."""
    _close(directory, 0o700)
    for pattern in ("csms.db*", "log.*", "csmsd.lock", Footprint.NAME):
        for path in directory.glob(pattern):
            _close(path, 0o600)
    for path in (directory / "files").rglob("*"):
        _close(path, 0o700 if path.is_dir() else 0o600)


def _close(path: Path, wanted: int) -> None:
    found = path.lstat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)) or not found.st_mode & 0o077:
        return
    try:
        path.chmod(wanted)
    except OSError as error:
        log.warning("%s can be read by others (mode %04o): %s", path, stat.S_IMODE(found.st_mode), error.strerror)
    else:
        log.warning("%s could be read by others (mode %04o); it is %04o", path, stat.S_IMODE(found.st_mode), wanted)


def require_database(path: Path, *, begin_anew: bool) -> None:
    """A database that is missing or empty although there was one is no first start. Raises StoreError.

    With `begin_anew` it is one all the same; what belonged to the old database alone is moved aside.
    """
    if not _is_missing(path):
        return
    found = list(_traces(path))
    if not found:
        return
    if not begin_anew:
        state = "is empty" if path.exists() else "is not there"
        raise StoreError(
            f"{path}: {state}, but csmsd has run here before: there is {', '.join(found)}. Nothing was made in its "
            "place. Put the database or a backup back (see BACKUP AND RESTORE in csmsd(8)); "
            "or begin with empty books: csmsd --begin-anew"
        )
    for suffix in ("-wal", "-shm", "-journal"):  # SQLite would take them for those of the new one
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.replace(path.with_name(f"{path.name}.before{suffix}"))
    log.warning("%s is begun anew", path)


def _is_missing(path: Path) -> bool:
    """Not there, without a page, or without a table. What cannot be read is damaged, which is another matter."""
    if not path.exists() or path.stat().st_size < _SMALLEST_DATABASE:
        return True
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_schema").fetchone()[0])
    except sqlite3.Error:
        return False


def _traces(path: Path) -> Iterator[str]:
    """Names of what only a csmsd that had a database leaves. A lock file is there before the first one has any."""
    directory = path.parent
    for name in (Footprint.NAME, "log.db", f"{path.name}-wal", "files"):
        found = directory / name
        if found.is_dir() or (found.exists() and found.stat().st_size):
            yield name
    yield from sorted(copy.name for copy in directory.glob(f"{path.name}.*"))
