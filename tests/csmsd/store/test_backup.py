"""Copies of the database: where they go, what they need, what is in them; and what is told of one that is no good."""

import os
import random
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from time import time_ns
from types import SimpleNamespace

import pytest

from csmsd.ports.files import NoRoom
from csmsd.store import backup
from csmsd.store.backup import DatabaseCopy
from csmsd.store.books import BooksKeeper
from csmsd.store.database import APPLICATION_ID, migrations, prepare_database
from csmsd.store.finishing import finish_copy
from csmsd.store.inspection import inspect_copy


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "csms.db"
    prepare_database(path)
    return path


def open_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def test_a_file_that_is_handed_over_is_written_and_can_be_finished(database: Path, tmp_path: Path) -> None:
    file = tmp_path / "handed.db"
    target = open_file(file)
    copy = DatabaseCopy(database)
    copy.write_into(target)
    os.close(target)
    assert (copy.progress, copy.size) == (1.0, file.stat().st_size)
    finish_copy(file, time_ns() // 1_000_000)
    assert inspect_copy(file).problems == []
    look = BooksKeeper(file, lambda: 0)
    look.look()
    assert look._made_as_copy, "it needs no log of commits beside it"


@pytest.mark.parametrize(
    ("flags", "content"),
    [
        (os.O_RDONLY, b""),
        (os.O_WRONLY | os.O_APPEND, b""),
        (os.O_WRONLY, b"somebody's"),
    ],
)
def test_what_is_no_empty_file_to_write_to_is_not_written_to(
    database: Path, tmp_path: Path, flags: int, content: bytes
) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    target = os.open(file, flags)
    with pytest.raises(OSError, match="no empty file that is open for writing"):
        DatabaseCopy(database).write_into(target)
    os.close(target)
    assert file.read_bytes() == content


def test_what_is_no_file_is_not_written_to(database: Path) -> None:
    reads, writes = os.pipe()
    for target in (writes, os.open("/dev/null", os.O_WRONLY)):
        with pytest.raises(OSError, match="no empty file that is open for writing"):
            DatabaseCopy(database).write_into(target)
        os.close(target)
    assert os.read(reads, 1) == b""
    os.close(reads)


def test_a_copy_that_nobody_waits_for_ends_early(database: Path) -> None:
    copy = DatabaseCopy(database)
    copy.cancel()
    with pytest.raises(OSError, match="nobody waits"):
        copy.make()
    copy.remove()
    assert [path.name for path in database.parent.glob("*.copy*")] == []


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_room_that_a_copy_needs(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    """As much as the database; and where that lies itself, 64 MiB for the writer."""
    free = database.stat().st_size + (0 if elsewhere else 64 * 1024 * 1024)
    monkeypatch.setattr(os, "fstatvfs", lambda target: SimpleNamespace(f_bavail=free // 512, f_frsize=512))
    memory = Path("/dev/shm")
    if elsewhere and (not memory.exists() or memory.stat().st_dev == database.stat().st_dev):
        pytest.skip("there is one file system only")
    path = (memory if elsewhere else tmp_path) / f"csms-{os.getpid()}-handed.db"
    target = open_file(path)
    try:
        DatabaseCopy(database).write_into(target)
        os.ftruncate(target, 0)
        os.lseek(target, 0, os.SEEK_SET)
        free -= 512
        with pytest.raises(NoRoom, match="1 MiB"):
            DatabaseCopy(database).write_into(target)
        assert path.stat().st_size == 0
    finally:
        os.close(target)
        path.unlink()


def test_what_a_crash_left_behind_is_in_nobodys_way(database: Path) -> None:
    for suffix in ("copy", "copy-journal", "copying"):
        database.with_name(f"csms.db.{suffix}").write_bytes(b"half a copy")
    copy = DatabaseCopy(database)
    copy.make()
    assert inspect_copy(database.with_name("csms.db.copy")).problems == []
    assert copy.sha256 == sha256(database.with_name("csms.db.copy").read_bytes()).hexdigest()
    assert (copy.progress, copy.size) == (1.0, database.with_name("csms.db.copy").stat().st_size)
    copy.remove()
    assert [path.name for path in database.parent.glob("*.cop*")] == []


def test_what_a_crash_left_behind_takes_no_room_from_a_file_that_is_handed_over(database: Path, tmp_path: Path) -> None:
    left = [database.with_name(f"csms.db.{suffix}") for suffix in ("copy", "copy-journal", "copying")]
    for path in left:
        path.write_bytes(b"half a copy")
    file = tmp_path / "handed.db"
    target = open_file(file)
    DatabaseCopy(database).write_into(target)
    os.close(target)
    assert [path for path in left if path.exists()] == []


def test_a_lock_on_a_copy_is_not_in_the_way_of_its_seal(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode=DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        finish_copy(database, time_ns() // 1_000_000)
    assert inspect_copy(database).problems == []


def test_a_database_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "csms.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(OSError, match="cannot be copied: file is not a database"):
        DatabaseCopy(tmp_path / "csms.db").make()


def test_a_copy_that_cannot_be_sealed(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy without its seal could not be told from one that is damaged."""

    def seal(path: Path, now: int, go_on: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(backup, "finish_copy", seal)
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
