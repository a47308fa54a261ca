"""A seal on a copy of the database: a SHA-256 over all of it, kept in it.

SQLite's own check looks at the structure of a file; a bit that flips in a register or a time is found by this.
"""

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

_AT_ONCE = 128 * 1024
_LENGTH = 64  # of a SHA-256 in hexadecimal
# The SHA-256 of those of pieces, which several cores reckon at the same time; without it, of the file as one.
_OF_PIECES = "pieces:"
_PIECE = 16 * 1024 * 1024
_MOST_CORES = 4
_NICENESS = 10


def seal_copy(path: Path, go_on: Callable[[], None]) -> None:
    """Nothing may be written to the file afterwards. `go_on` is called now and then. Raises OSError, sqlite3.Error."""
    blank = _OF_PIECES + secrets.token_hex(_LENGTH // 2)
    with closing(connect_to_copy(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")
        if not connection.execute("UPDATE books SET seal = ?", (blank,)).rowcount:
            return  # no csmsd has taken them over yet
        page = _page(connection)
    with path.open("r+b", buffering=0) as file:
        place = _place_of(file, page, blank)
        seal = _seal(path, range(place, place + len(blank)), go_on)
        file.seek(place)
        file.write(seal.encode())


def connect_to_copy(path: Path) -> sqlite3.Connection:
    """Locks count for nothing: nobody else has it yet, and over NFS that of its own writer would be in the way."""
    return sqlite3.connect(f"file:{quote(str(path))}?nolock=1", uri=True, isolation_level=None)


def is_broken(path: Path, connection: sqlite3.Connection, seal_found: str) -> bool:
    """Whether the file, which the connection reads, is not as it was when it was sealed. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        try:
            place = _place_of(file, _page(connection), seal_found)
        except OSError:
            return True
    left_out = range(place, place + len(seal_found))
    if seal_found.startswith(_OF_PIECES):
        return _seal(path, left_out, lambda: None) != seal_found
    return _digest(path, range(path.stat().st_size), left_out, lambda: None).hex() != seal_found


def _page(connection: sqlite3.Connection) -> slice:
    """Where the page of the one row of `books` is in the file."""
    number = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'books'").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    return slice((number - 1) * size, number * size)


def _place_of(file: BinaryIO, page: slice, text: str) -> int:
    """Where the only one is. Raises OSError."""
    file.seek(page.start)
    found, wanted = file.read(page.stop - page.start), text.encode()
    if found.count(wanted) != 1:
        raise OSError("the seal is not where it should be")
    return int(page.start) + found.index(wanted)


def _seal(path: Path, left_out: range, go_on: Callable[[], None]) -> str:
    """Of everything but itself."""
    size = path.stat().st_size
    pieces = [range(first, min(first + _PIECE, size)) for first in range(0, size, _PIECE)]
    whole = hashlib.sha256()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_CORES), "seal", _step_back) as threads:
        for digest in threads.map(lambda piece: _digest(path, piece, left_out, go_on), pieces):
            whole.update(digest)
    return _OF_PIECES + whole.hexdigest()


def _step_back() -> None:
    """Others go first: on Linux this is of the thread alone."""
    with suppress(OSError):  # some units forbid it
        os.nice(_NICENESS)


def _digest(path: Path, piece: range, left_out: range, go_on: Callable[[], None]) -> bytes:
    """Of a piece of the file, but for what is left out of it."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        before = range(piece.start, min(piece.stop, left_out.start))
        behind = range(max(piece.start, left_out.stop), piece.stop)
        for part in (before, behind):
            file.seek(part.start)
            for at in range(part.start, part.stop, _AT_ONCE):
                go_on()
                digest.update(file.read(min(_AT_ONCE, part.stop - at)))
    return digest.digest()
