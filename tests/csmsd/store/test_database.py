"""The file: made, checked, migrated step by step; a step that was cut short is done anew."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from csmsd.store import database
from csmsd.store.database import APPLICATION_ID, migrations, prepare_database
from tests.support.site import environment

STEPS = migrations()
NEWEST = STEPS[-1][0]


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def schema(path: Path) -> list[tuple[object, ...]]:
    return query(path, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")


def at_version(path: Path, version: int) -> None:
    """A file as an older csmsd left it."""
    with closing(sqlite3.connect(path)) as connection:
        for number, sql in STEPS:
            if number <= version:
                connection.executescript(sql)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(f"PRAGMA user_version={version}; PRAGMA application_id={APPLICATION_ID};")
        if version:
            connection.execute("INSERT INTO id_tag (id, blocked, created_at) VALUES ('KEPT', 0, 0)")
        connection.commit()


def test_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "csms.db"
    prepare_database(path)
    assert query(path, "PRAGMA user_version") == [(NEWEST,)]
    assert query(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert query(path, "PRAGMA journal_mode") == [("wal",)]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert sorted(path.parent.iterdir()) == [path], "a new file needs no backup"


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    prepare_database(path)
    before = schema(path)
    prepare_database(path)
    assert schema(path) == before


@pytest.mark.parametrize("version", [number for number, _ in STEPS[:-1]])
def test_every_older_file_is_brought_up_and_kept_as_it_was(tmp_path: Path, version: int) -> None:
    fresh = tmp_path / "fresh.db"
    prepare_database(fresh)
    path = tmp_path / "csms.db"
    at_version(path, version)
    prepare_database(path)
    assert schema(path) == schema(fresh)
    assert query(path, "SELECT id FROM id_tag") == [("KEPT",)]
    backup = tmp_path / f"csms.db.before-schema-{NEWEST}"
    assert query(backup, "PRAGMA user_version") == [(version,)]
    assert query(backup, "SELECT id FROM id_tag") == [("KEPT",)]
    assert backup.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("number", "sql"), STEPS, ids=[str(number) for number, _ in STEPS])
def test_a_step_that_was_killed_is_done_anew(tmp_path: Path, number: int, sql: str) -> None:
    path = tmp_path / "csms.db"
    earlier = max((known for known, _ in STEPS if known < number), default=0)
    at_version(path, earlier)
    child = (
        "import os, signal, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('PRAGMA cache_size=1')\n"  # so that pages do reach the disk before the end
        "connection.executescript('BEGIN IMMEDIATE;' + sys.stdin.read())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", child, str(path)], input=sql, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    prepare_database(path)
    fresh = tmp_path / "fresh.db"
    prepare_database(fresh)
    assert schema(path) == schema(fresh)
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


def test_an_upgrade_that_goes_on_keeps_what_it_began_with(tmp_path: Path) -> None:
    first, second = (number for number, _ in STEPS[:2])
    path, copy = tmp_path / "csms.db", tmp_path / f"csms.db.before-schema-{NEWEST}"
    at_version(copy, first)  # left by the start that was cut short after the second step
    at_version(path, second)
    prepare_database(path)
    assert query(copy, "PRAGMA user_version") == [(first,)]

    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    at_version(path, first)  # a downgrade, and another upgrade: the copy is of no use any more
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE id_tag SET id = 'LATER'")
    prepare_database(path)
    assert query(copy, "SELECT id FROM id_tag") == [("LATER",)]


def test_killed_at_any_moment_of_the_first_start(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from csmsd.store.database import prepare_database as prepare;"
        "prepare(Path(sys.argv[1]))"
    )
    path = tmp_path / "csms.db"
    for step in range(10):
        child = subprocess.Popen([sys.executable, "-c", program, str(path)], env=environment())
        try:
            child.wait(0.02 + 0.02 * step)
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
    subprocess.run([sys.executable, "-c", program, str(path)], env=environment(), check=True)
    assert query(path, "PRAGMA user_version") == [(NEWEST,)]


def test_what_older_versions_judged_keeps_its_figure_and_its_doubt(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    at_version(path, 12)
    rows = [
        (1, "stopped", 500, 0, "[]"),
        (2, "stopped", 700, 1, '["stop_time:missing","energy_suspect"]'),
        (3, "stopped", 900, 0, '["abandoned_for:4"]'),
        (4, "abandoned", 300, 0, '["abandoned_for:5"]'),
        (5, "active", 0, 0, "[]"),
        (6, "closed", 100, 0, '["charge_point_removed"]'),
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO transactions (id, charge_point, connector, id_tag, id_tag_status, state, start_time, "
            "start_text, start_received_at, meter_start_wh, energy_wh, energy_suspect, flags, reply) "
            "VALUES (?, 'CP1', 1, 'A', 'Accepted', ?, 0, '', 0, 0, ?, ?, ?, '{}')",
            rows,
        )
    prepare_database(path)
    assert query(path, "SELECT id, energy_wh, revision, doubts, flags, basis, reckoned_wh FROM transactions") == [
        (1, 500, 1, "[]", "[]", None, None),
        (2, 700, 1, '["went_back"]', '["stop_time:missing"]', None, None),
        (3, 900, 2, "[]", '["abandoned_for:4"]', None, None),
        (4, 300, 1, "[]", '["abandoned_for:5"]', None, None),
        (5, 0, 0, "[]", "[]", None, None),
        (6, 100, 2, "[]", '["charge_point_removed"]', None, None),
    ]


def test_steps_are_numbered_without_gaps() -> None:
    """A step that is added below the newest would never be done on a file that has passed it."""
    assert [number for number, _ in STEPS] == list(range(1, NEWEST + 1))


def test_what_ended_before_there_were_bookings_is_numbered_as_it_became_known(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    at_version(path, 6)
    rows = [  # id, state, stop_time, stop_received_at
        (1, "stopped", 500, 900),  # delivered late
        (2, "active", None, None),
        (3, "closed", 700, None),
        (4, "abandoned", None, None),
        (5, "stopped", 600, 600),
    ]
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO transactions (id, charge_point, connector, id_tag, id_tag_status, state, start_time, "
            "start_text, start_received_at, stop_time, stop_received_at, meter_start_wh, energy_wh, energy_suspect, "
            "flags, reply) "
            "VALUES (:id, 'CP1', 1, 'A', 'Accepted', :state, :id, '', :id, :stop, :stop_received, 0, 0, 0, '[]', '{}')",
            [dict(zip(("id", "state", "stop", "stop_received"), row, strict=True)) for row in rows],
        )
        connection.commit()
    prepare_database(path)
    assert query(path, "SELECT id, booking FROM transactions ORDER BY booking") == [
        (2, None),
        (4, 1),
        (5, 2),
        (3, 3),
        (1, 4),
    ]


def test_a_reservation_that_was_being_replaced_holds_on(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    at_version(path, 8)
    before = '{"connector": 0, "id_tag": "A", "parent_id_tag": null, "expires_at": 700, "state": "reserved"}'
    rows = [(1, "requested", before), (2, "requested", "{}"), (3, "reserved", "{}")]
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO reservation (charge_point, id, connector, id_tag, parent_id_tag, state, created_at, "
            "expires_at, replaced) VALUES ('CP1', ?, 2, 'B', 'G', ?, 500, 900, ?)",
            rows,
        )
        connection.commit()
    prepare_database(path)
    kept = query(path, "SELECT id, state, connector, id_tag, parent_id_tag, expires_at FROM reservation ORDER BY id")
    assert kept == [
        (1, "reserved", 0, "A", None, 700),
        (2, "requested", 2, "B", "G", 900),
        (3, "reserved", 2, "B", "G", 900),
    ]
    asked = '[{"terms":{"connector":2,"id_tag":"B","parent_id_tag":"G","expires_at":900},"lost":true}]'
    assert query(path, "SELECT asked FROM reservation ORDER BY id") == [(asked,), (asked,), ("[]",)]


def test_a_new_file_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that was killed leaves nothing that the next one could take for a database that has lost everything."""
    path = tmp_path / "state" / "csms.db"

    def killed() -> list[tuple[int, str]]:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut_short:
        cut_short.setattr(database, "migrations", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare_database(path)
    assert not path.exists()
    for suffix in ("", "-wal", "-journal"):
        path.with_name(f"unfinished-csms.db{suffix}").write_bytes(b"half of it")
    prepare_database(path)
    assert [left.name for left in path.parent.iterdir()] == ["csms.db"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_without_a_byte_is_no_file_yet(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    path.touch()
    prepare_database(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert connection.execute("PRAGMA user_version").fetchone()[0] > 0


@pytest.mark.parametrize(("user", "kept"), [("boot", [(900, 400, "boot", 1)]), ("boot?", [(900, 400, "boot", 0)])])
def test_the_clock_of_load_management_leaves_the_milestones(
    tmp_path: Path, user: str, kept: list[tuple[int, int, str, int]]
) -> None:
    path = tmp_path / "csms.db"
    at_version(path, 40)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO milestone VALUES ('steady_clock', 900, 400, ?)", (user,))
        connection.execute("INSERT INTO milestone VALUES ('prune', 800, 7, NULL)")
    prepare_database(path)
    assert query(path, "SELECT at, steady, boot, others_known FROM load_clock") == kept
    assert query(path, "SELECT name FROM milestone") == [("prune",)]
