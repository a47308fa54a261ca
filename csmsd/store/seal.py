"""A seal on a copy of the database: the SHA-256 of all of it, kept in it.

SQLite's own check looks at the structure of a file; a bit that flips in a register or a time is found by this.
"""

import hashlib
import mmap
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

_AT_ONCE = 1024 * 1024
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
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        place = _place_of(content, page, blank)
        content[place : place + _LENGTH] = _digest(content, place, go_on).encode()


def is_broken(path: Path, connection: sqlite3.Connection, seal_found: str) -> bool:
    """Whether the file, which the connection reads, is not as it was when it was sealed. Raises OSError."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            place = _place_of(content, _page(connection), seal_found)
        except OSError:
            return True
        return _digest(content, place, lambda: None) != seal_found


def _page(connection: sqlite3.Connection) -> slice:
    """Where the page of the one row of `books` is in the file."""
    number = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'books'").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    return slice((number - 1) * size, number * size)


def _place_of(content: mmap.mmap, page: slice, text: str) -> int:
    """Where the only one is. Raises OSError."""
    found, wanted = content[page], text.encode()
    if found.count(wanted) != 1:
        raise OSError("the seal is not where it should be")
    return int(page.start) + found.index(wanted)


def _digest(content: mmap.mmap, place: int, go_on: Callable[[], None]) -> str:
    """Of everything but the seal."""
    digest = hashlib.sha256()
    with memoryview(content) as view:
        for begin, end in ((0, place), (place + _LENGTH, len(content))):
            for first in range(begin, end, _AT_ONCE):
                go_on()
                digest.update(view[first : min(first + _AT_ONCE, end)])
    return digest.hexdigest()
