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
        if not connection.execute("UPDATE books SET seal = ?", (blank,)).rowcount:
            return  # no csmsd has taken them over yet
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        place = _place_of(content, blank)
        content[place : place + _LENGTH] = _digest(content, place, go_on).encode()
        content.flush()


def is_broken(path: Path, seal_found: str) -> bool:
    """Whether the file is not as it was when it was sealed. Raises OSError."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            place = _place_of(content, seal_found)
        except OSError:
            return True
        return _digest(content, place, lambda: None) != seal_found


def _place_of(content: mmap.mmap, text: str) -> int:
    """Where the only one is. Raises OSError."""
    wanted = text.encode()
    place = content.find(wanted)
    if place < 0 or content.find(wanted, place + 1) >= 0:
        raise OSError("the seal is not where it should be")
    return place


def _digest(content: mmap.mmap, place: int, go_on: Callable[[], None]) -> str:
    """Of everything but the seal."""
    digest = hashlib.sha256()
    for begin, end in ((0, place), (place + _LENGTH, len(content))):
        for first in range(begin, end, _AT_ONCE):
            go_on()
            digest.update(content[first : min(first + _AT_ONCE, end)])
    return digest.hexdigest()
