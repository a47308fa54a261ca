"""Copies while others write: whole, and of one moment, whoever else reads."""

import os
import signal
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from csmsd.store import copying
from csmsd.store.backup import DatabaseCopy
from csmsd.store.database import prepare_database
from csmsd.store.inspection import inspect_copy


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "csms.db"
    prepare_database(path)
    return path


class Busy:
    """Another thread writes to the file: each commit has one idTag and one charge point of the same number."""

    def __init__(self, database: Path) -> None:
        self.path = database
        self._number = 2000
        self._over = False
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        with closing(sqlite3.connect(self.path, isolation_level="IMMEDIATE", timeout=30)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            self._add(connection, range(self._number))
            while not self._over:
                self._add(connection, [self._number])
                with self._moved:
                    self._number += 1
                    self._moved.notify_all()
                    self._moved.wait(0.001)

    def _add(self, connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
        for number in numbers:
            connection.execute("INSERT INTO id_tag (id, blocked, created_at) VALUES (?, 0, 0)", (f"T{number}",))
            connection.execute(
                "INSERT INTO refused_connection VALUES (?, ?, 'unknown', NULL, 1, 0, 0)", (f"CP{number}", "x" * 1000)
            )
        connection.commit()

    def goes_on(self) -> None:
        """Waits for the next commit."""
        with self._moved:
            now = self._number
            assert self._moved.wait_for(lambda: self._number > now, timeout=60)

    def end(self) -> None:
        self._over = True
        self._thread.join()


@pytest.fixture
def busy(database: Path) -> Iterator[Busy]:
    busy = Busy(database)
    yield busy
    busy.end()


@pytest.fixture
def older_reader(busy: Busy) -> Iterator[None]:
    """Somebody reads what was, while others write."""
    with closing(sqlite3.connect(busy.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM id_tag").fetchall()
        busy.goes_on()
        yield


def check_copies(busy: Busy, times: int) -> None:
    """Copies under load are whole and of one moment."""
    last = 0
    for _ in range(times):
        busy.goes_on()
        copy = DatabaseCopy(busy.path)
        copy.make()
        file = busy.path.with_name("csms.db.copy")
        assert file.stat().st_mode & 0o777 == 0o600
        assert inspect_copy(file).problems == []
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
            tags = connection.execute("SELECT count(*) FROM id_tag").fetchone()[0]
            assert connection.execute("SELECT count(*) FROM refused_connection").fetchone()[0] == tags
        assert tags > last
        last = tags
        assert copy.size == file.stat().st_size
        assert b"".join(copy.read(at, 10_000) for at in range(0, copy.size, 10_000)) == file.read_bytes()
        copy.remove()
    assert sorted(path.name for path in busy.path.parent.iterdir()) == ["csms.db", "csms.db-shm", "csms.db-wal"]


def test_copies_under_load_are_whole_and_of_one_moment(busy: Busy) -> None:
    check_copies(busy, 5)


def test_copies_while_somebody_reads_what_was(busy: Busy, older_reader: None) -> None:
    """What is in the log of commits cannot be brought into the file, so SQLite puts both together."""
    check_copies(busy, 1)


def test_a_copy_that_is_cancelled_on_the_way(busy: Busy, older_reader: None) -> None:
    copy = DatabaseCopy(busy.path)
    said: list[OSError] = []

    def make() -> None:
        try:
            copy.make()
        except OSError as error:
            said.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    while copy._process is None:  # then it waits for the other reader
        busy.goes_on()
    copy.cancel()
    thread.join()
    assert [str(error) for error in said] == ["nobody waits for the copy any more"]
    assert copy._process.returncode == -signal.SIGKILL
    copy.remove()
    assert [path.name for path in busy.path.parent.glob("*.copy*")] == []


def test_what_is_put_together_needs_room_beside_the_database(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = database.stat().st_size + 64 * 1024 * 1024 - 512
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=free // 512, f_frsize=512))
    with closing(sqlite3.connect(database)) as reader, pytest.raises(copying.NoRoomForCopy, match="1 MiB beside"):
        copying._write_by_way_of_a_file(database, reader)
