"""The database as it is in one moment, into standard output, which is a file: python -m csmsd.store.copying DATABASE

A process of its own. It never holds the interpreter's lock that csmsd needs, and the system lets csmsd go first. And it
may open the file past SQLite: POSIX has a process lose its locks on a file when it closes any descriptor of it, so
csmsd itself must not.
"""

import errno
import os
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic, sleep

NO_ROOM = 3  # exit status
MARGIN_BYTES = 64 * 1024 * 1024  # what the writer is left with, whatever happens

_NICENESS = 10
_AT_ONCE = 128 * 1024  # what stays in the cache of a core; a megabyte costs three times as much
_FLUSHED_AT_ONCE = 16 * 1024 * 1024  # what lies unwritten in memory, twice as much, is in the way of a commit's fsync
_PATIENCE_SECONDS = 1.0
_AGAIN_SECONDS = 0.01
_PAGES_AT_ONCE = 1024
_STANDARD_OUTPUT = 1
# https://sqlite.org/fileformat.html 1.3.3: 1 is a rollback journal. A copy is one file, without a log of commits.
_JOURNAL_VERSIONS = slice(18, 20)


class NoRoomForCopy(Exception):
    """The disk has no room for it."""


def main() -> int:
    database = Path(sys.argv[1])
    with suppress(OSError):  # some units forbid it
        os.nice(_NICENESS)
    try:
        with (
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30, isolation_level=None)) as reader,
            closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as other,
        ):
            if _hold_what_is_in_the_file(reader, other):
                _write(database, _size(reader))
            else:
                _write_by_way_of_a_file(database, reader)
            reader.execute("ROLLBACK")
            # What was committed meanwhile has had to wait for that; here it is in no commit's way.
            other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except NoRoomForCopy as error:
        print(error, file=sys.stderr)
        return NO_ROOM
    except (OSError, sqlite3.Error) as error:
        print(getattr(error, "strerror", None) or error, file=sys.stderr)
        return 1
    return 0


def _hold_what_is_in_the_file(reader: sqlite3.Connection, other: sqlite3.Connection) -> bool:
    """Begins a read transaction whose moment is what stands in the file, and which keeps it standing there.

    False when somebody who reads an older moment is in the way.

    A checkpoint brings no commit into the file that a reader has not seen (https://sqlite.org/wal.html, 2.2). So when
    it has brought all that there are, these are those of the reader, and nothing more comes before it ends.
    """
    begun = monotonic()
    while monotonic() - begun < _PATIENCE_SECONDS:
        _begin(reader)
        blocked, commits, brought = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if not blocked and commits == brought:
            return True
        reader.execute("ROLLBACK")
        sleep(_AGAIN_SECONDS)
    _begin(reader)
    return False


def _begin(reader: sqlite3.Connection) -> None:
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # the moment


def _size(reader: sqlite3.Connection) -> int:
    pages = reader.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
    return int(pages)


def _write(file: Path, size: int) -> None:
    """The first so many bytes of the file, as those of one that has no log of commits."""
    source = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with ThreadPoolExecutor(1, "flush") as disk:  # which has one part to write while the next one is copied
            _reserve(size)
            buffer = memoryview(bytearray(_AT_ONCE))
            written = unflushed = 0
            flushed = disk.submit(os.fdatasync, _STANDARD_OUTPUT)
            while written < size:
                many = os.readv(source, [buffer[: min(_AT_ONCE, size - written)]])
                if not many:
                    raise OSError(f"{file} is shorter than it should be")
                if not written:
                    buffer[_JOURNAL_VERSIONS] = b"\1\1"
                _write_piece(buffer[:many])
                written += many
                unflushed += many
                if unflushed >= _FLUSHED_AT_ONCE:
                    flushed.result()
                    _tell((written - unflushed) / size)
                    flushed = disk.submit(os.fdatasync, _STANDARD_OUTPUT)
                    unflushed = 0
            flushed.result()
            os.fdatasync(_STANDARD_OUTPUT)
            _tell(1.0)
    finally:
        os.close(source)


def _write_piece(piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(_STANDARD_OUTPUT, piece) :]


def _reserve(size: int) -> None:
    """A file that grows has commits wait for it, where the file system keeps a log of its own (ext4)."""
    try:
        os.posix_fallocate(_STANDARD_OUTPUT, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise


def _write_by_way_of_a_file(database: Path, reader: sqlite3.Connection) -> None:
    """What is in the log of commits only SQLite puts together, and it writes into files that it opens itself."""
    between = database.with_name(f"{database.name}.copying")
    size = _size(reader)
    if room_missing_at(os.statvfs(database.parent), size + MARGIN_BYTES):
        raise NoRoomForCopy(f"the copy needs {size // 1_048_576 + 1} MiB beside the database, and some to spare")
    between.unlink(missing_ok=True)
    try:
        os.close(os.open(between, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(between, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous=OFF")
            copy.execute("PRAGMA journal_mode=OFF")
            reader.backup(copy, pages=_PAGES_AT_ONCE, progress=lambda status, remaining, total: _tell(0.0))
        _write(between, between.stat().st_size)
    finally:
        between.unlink(missing_ok=True)


def room_missing_at(found: os.statvfs_result, wanted: int) -> bool:
    """Whether a file system has less room than that."""
    return found.f_bavail * found.f_frsize < wanted


def _tell(progress: float) -> None:
    """How far it is; who waits for it no more has it end here."""
    print(f"{progress:.4f}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
