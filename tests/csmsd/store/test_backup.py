"""Copies of the database under load, and what is told of a file that is no good."""

import random
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from time import time_ns
from types import SimpleNamespace

import pytest

from csmsd.ports import NoRoom
from csmsd.store import backup
from csmsd.store.backup import DatabaseCopy
from csmsd.store.books import BooksKeeper
from csmsd.store.database import APPLICATION_ID, migrations, prepare_database
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


def test_copies_under_load_are_whole_and_of_one_moment(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_PAGES_AT_ONCE", 20)  # so that much is written while it is made
    last = 0
    for _ in range(3):
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


def test_a_copy_that_nobody_waits_for_ends_early(database: Path) -> None:
    copy = DatabaseCopy(database)
    copy.cancel()
    with pytest.raises(OSError, match="nobody waits"):
        copy.make()
    copy.remove()
    assert [path.name for path in database.parent.glob("*.copy*")] == []


def test_a_copy_leaves_the_writer_room(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_MARGIN_BYTES", 2**62)
    with pytest.raises(NoRoom, match="MiB"):
        DatabaseCopy(database).make()


def test_the_room_that_a_copy_needs(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as the database, and 64 MiB for the writer."""
    with closing(sqlite3.connect(database)) as connection:
        size = connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[
            0
        ]
    free = size + 64 * 1024 * 1024
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    copy = DatabaseCopy(database)
    copy.make()
    copy.remove()
    free -= 1
    with pytest.raises(NoRoom, match="1 MiB"):
        copy.make()
    assert [path.name for path in database.parent.glob("*.copy*")] == []


def test_what_a_crash_left_behind_is_in_nobodys_way(database: Path) -> None:
    for suffix in ("", "-journal"):
        database.with_name(f"csms.db.copy{suffix}").write_bytes(b"half a copy")
    copy = DatabaseCopy(database)
    copy.make()
    assert inspect_copy(database.with_name("csms.db.copy")).problems == []
    assert copy.sha256 == sha256(database.with_name("csms.db.copy").read_bytes()).hexdigest()
    assert (copy.progress, copy.size) == (1.0, database.with_name("csms.db.copy").stat().st_size)
    copy.remove()
    assert [path.name for path in database.parent.glob("*.copy*")] == []


def test_a_copy_that_is_cancelled_on_the_way(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(database, *[f"INSERT INTO id_tag (id, blocked, created_at) VALUES ('TAG{n}', 0, 0)" for n in range(2000)])
    monkeypatch.setattr(backup, "_PAGES_AT_ONCE", 1)
    copy = DatabaseCopy(database)
    monkeypatch.setattr(backup, "sleep", lambda seconds: copy.cancel())
    with pytest.raises(OSError, match="nobody waits"):
        copy.make()
    assert 0 < copy.progress < 1


def test_a_database_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "csms.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(OSError, match="cannot be copied"):
        DatabaseCopy(tmp_path / "csms.db").make()


def test_a_copy_that_cannot_be_sealed(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy without its seal could not be told from one that is damaged."""

    def seal(path: Path, go_on: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(backup, "seal_copy", seal)
    with pytest.raises(OSError, match="the copy cannot be sealed: disk I/O error"):
        DatabaseCopy(database).make()


def test_what_waits_in_a_queue_is_settled_in_the_copy_alone(database: Path) -> None:
    """Put back, it would be sent a second time, or although it was recalled."""
    task = "INSERT INTO task (id, created_at, charge_point, action, request, state) VALUES "
    change(
        database,
        task + "(1, 0, 'CP1', 'Reset', '{}', 'queued'), (2, 0, 'CP1', 'Reset', '{}', 'sent')",
        "INSERT INTO queued_command (task, charge_point, command, parameters, force, timeout, expires_at) "
        "VALUES (1, 'CP1', 'reset', '{}', 0, 30, 0)",
    )
    before = time_ns() // 1_000_000
    DatabaseCopy(database).make()

    def look(file: Path, sql: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(file)) as connection:
            return connection.execute(sql).fetchall()

    copied = database.with_name("csms.db.copy")
    states = "SELECT id, state, outcome FROM task ORDER BY id"
    assert look(copied, states) == [(1, "settled", "not_sent"), (2, "sent", None)]
    [(settled_at,)] = look(copied, "SELECT settled_at FROM task WHERE id = 1")
    assert isinstance(settled_at, int)
    assert before <= settled_at <= time_ns() // 1_000_000
    assert look(copied, "SELECT * FROM queued_command") == []
    assert look(database, states) == [(1, "queued", None), (2, "sent", None)]
    assert len(look(database, "SELECT * FROM queued_command")) == 1


# --- inspection

_HEADER = b"SQLite format 3\0"


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA journal_mode=DELETE")


def test_a_good_file(database: Path) -> None:
    change(
        database,
        "INSERT INTO transactions (id, charge_point, connector, id_tag, id_tag_status, state, start_time, start_text, "
        "start_received_at, meter_start_wh, energy_wh, flags, reply) "
        "VALUES (7, 'CP1', 1, 'A', 'Accepted', 'active', 1000, '', 0, 0, 0, '[]', '{}')",
    )
    found = inspect_copy(database)
    assert (found.problems, found.notes, found.schema) == ([], [], migrations()[-1][0])
    assert (found.counts["transactions"], found.newest_transaction, found.newest_start_time) == (1, 7, 1000)


def test_an_older_one_is_good_and_says_so(database: Path) -> None:
    change(database, "PRAGMA user_version=3")
    found = inspect_copy(database)
    assert found.problems == []
    assert "from schema 3" in found.notes[0]


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (["PRAGMA user_version=999"], "a newer csmsd wrote it"),
        (["PRAGMA application_id=1"], "another program's"),
        (
            [
                "INSERT INTO connector (charge_point, connector, status, error_code, status_at, received_at) "
                "VALUES ('GONE', 1, 'Available', 'NoError', 0, 0)"
            ],
            "of connector belongs to a charge_point that is not there",
        ),
    ],
)
def test_what_csmsd_could_not_work_with(database: Path, statements: list[str], problem: str) -> None:
    change(database, *statements)
    assert any(problem in text for text in inspect_copy(database).problems)


def test_damage_is_found(database: Path) -> None:
    change(database, *[f"INSERT INTO id_tag (id, blocked, created_at) VALUES ('TAG{n}', 0, 0)" for n in range(2000)])
    assert inspect_copy(database).problems == []
    data = bytearray(database.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 200] = bytes(200)
    database.write_bytes(data)
    assert any("damaged" in text for text in inspect_copy(database).problems)


@pytest.mark.parametrize(
    "content", [b"", b"SQLite format 3\0", b"SQLite format 3\0" + bytes(5000), b"id,charge_point\n"]
)
def test_what_is_no_database(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd ?#%.db"
    file.write_bytes(content)
    assert inspect_copy(file).problems != []
    assert list(tmp_path.iterdir()) == [file]


def test_a_name_with_special_characters(database: Path) -> None:
    change(database, f"PRAGMA application_id={APPLICATION_ID}")
    odd = database.rename(database.with_name("odd ?#%41&.db"))
    assert inspect_copy(odd).problems == []


def test_any_bit_that_flips_in_a_backup_is_found(database: Path, tmp_path: Path) -> None:
    """Also in a number of the books, and in the seal: SQLite alone would take it for another number."""
    change(database, *[f"INSERT INTO id_tag (id, blocked, created_at) VALUES ('TAG{n}', 0, 0)" for n in range(500)])
    prepare_database(database)
    BooksKeeper(database, lambda: 0).take_over(begin_anew=False)
    copy = DatabaseCopy(database)
    copy.make()
    whole = database.with_name("csms.db.copy").read_bytes()
    file = tmp_path / "backup.db"
    file.write_bytes(whole)
    assert inspect_copy(file).problems == []
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
        (kept,) = connection.execute("SELECT seal FROM books").fetchone()
    moments = random.Random()  # never the same twice
    places = {whole.index(kept.encode()), whole.index(b"TAG77"), len(whole) - 1, 70}
    places |= set(range(whole.index(kept.encode()) - 12, whole.index(kept.encode())))  # what kind of value the seal is
    places |= set(range(whole.index(b"CREATE TABLE"), whole.index(b"CREATE TABLE") + 40))  # names, told of by SQLite
    for place in places | {moments.randrange(100, len(whole)) for _ in range(40)}:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << moments.randrange(8)
        file.write_bytes(flipped)
        assert inspect_copy(file).problems != [], place
