"""A seal on a copy of the database: the SHA-256 of all of it, kept in it.

SQLite's own check looks at the structure of a file; a bit that flips in a register or a time is found by this.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

_AT_ONCE = 128 * 1024
_LENGTH = 64  # of a SHA-256 in hexadecimal


def seal_copy(path: Path, go_on: Callable[[], None]) -> None:
    """Nothing may be written to the file afterwards. `go_on` is called now and then. Raises OSError, sqlite3.Error."""
    blank = secrets.token_hex(_LENGTH // 2)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")
        if not connection.execute("UPDATE books SET seal = ?", (blank,)).rowcount:
            return  # no csmsd has taken them over yet
        page = _page(connection)
    with path.open("r+b", buffering=0) as file:
        place = _place_of(file, page, blank)
        seal = _digest(file, place, go_on).encode()
        file.seek(place)
        file.write(seal)


def is_broken(path: Path, connection: sqlite3.Connection, seal_found: str) -> bool:
    """Whether the file, which the connection reads, is not as it was when it was sealed. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        try:
            place = _place_of(file, _page(connection), seal_found)
        except OSError:
            return True
        return _digest(file, place, lambda: None) != seal_found


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


def _digest(file: BinaryIO, place: int, go_on: Callable[[], None]) -> str:
    """Of everything but the seal."""
    digest = hashlib.sha256()
    file.seek(0)
    before = place
    while before and (piece := file.read(min(_AT_ONCE, before))):
        go_on()
        digest.update(piece)
        before -= len(piece)
    file.seek(place + _LENGTH)
    while piece := file.read(_AT_ONCE):
        go_on()
        digest.update(piece)
    return digest.hexdigest()
