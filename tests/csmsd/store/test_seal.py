"""The seal of a backup: over all of it, in pieces that cores share; and those of before, over the file as one."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from csmsd.store import seal
from csmsd.store.seal import is_broken, seal_copy


@pytest.fixture(params=[64, 1000, 4096, 100_000], ids=lambda size: f"pieces of {size} bytes")
def copy(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The seal is in one piece of some, or lies across several, or there is but one."""
    monkeypatch.setattr(seal, "_PIECE", request.param)
    monkeypatch.setattr(seal, "_AT_ONCE", 50)
    return made_copy(tmp_path)


def made_copy(directory: Path) -> Path:
    path = directory / "copy.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE filler (text TEXT)")
        connection.execute("CREATE TABLE books (seal TEXT)")
        connection.execute("INSERT INTO books VALUES (NULL)")
        connection.executemany("INSERT INTO filler VALUES (?)", [(f"{number:0200}",) for number in range(100)])
    return path


def seal_in(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT seal FROM books").fetchone()[0])


def broken(path: Path, found: str) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return is_broken(path, connection, found)


def flip(path: Path, place: int) -> None:
    whole = bytearray(path.read_bytes())
    whole[place] ^= 1
    path.write_bytes(whole)


def test_each_byte_but_the_seal_is_in_it(copy: Path) -> None:
    seal_copy(copy, lambda: None)
    found = seal_in(copy)
    assert not broken(copy, found)
    whole = copy.read_bytes()
    at = whole.index(found.encode())
    number = whole.index(f"{77:0200}".encode()) + 199
    for place in (number, at - 1, at + len(found), len(whole) - 1):
        flip(copy, place)
        assert broken(copy, found), place
        flip(copy, place)
    assert not broken(copy, found)


def test_pieces_that_change_places_are_noticed(copy: Path) -> None:
    seal_copy(copy, lambda: None)
    found = seal_in(copy)
    whole = copy.read_bytes()
    one, other = (slice(first, first + 4096) for first in (len(whole) - 8192, len(whole) - 4096))
    assert whole[one] != whole[other]
    copy.write_bytes(whole[: len(whole) - 8192] + whole[other] + whole[one])
    assert broken(copy, found)


def test_one_of_a_csmsd_that_knew_no_pieces(copy: Path) -> None:
    blank = "f" * 64
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE books SET seal = ?", (blank,))
    found = hashlib.sha256(copy.read_bytes().replace(blank.encode(), b"")).hexdigest()
    copy.write_bytes(copy.read_bytes().replace(blank.encode(), found.encode()))
    assert not broken(copy, found)
    flip(copy, len(copy.read_bytes()) - 1)
    assert broken(copy, found)


def test_nobody_waits_for_it_any_more(copy: Path) -> None:
    def go_on() -> None:
        raise OSError("nobody waits")

    with pytest.raises(OSError, match="nobody waits"):
        seal_copy(copy, go_on)
