"""What is found in the state directory before the database is opened: modes, and a database that should be there."""

import stat
from pathlib import Path

import pytest

from csmsd.store.database import StoreError, prepare_database
from csmsd.store.traces import require_database, restore_modes


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_others_could_read_is_closed_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stored = tmp_path / "files" / "firmware" / "a"
    stored.parent.mkdir(parents=True)
    closed = [tmp_path / name for name in ("csms.db", "csms.db-wal", "log.db", "csmsd.lock", "csmsd.seen")]
    other = tmp_path / "notes.txt"
    for path in (*closed, stored, other):
        path.write_bytes(b"")
        path.chmod(0o644)
    for directory in (tmp_path, tmp_path / "files", stored.parent):
        directory.chmod(0o755)
    restore_modes(tmp_path)
    assert {path.name: mode(path) for path in (*closed, stored)} == {path.name: 0o600 for path in (*closed, stored)}
    assert [mode(path) for path in (tmp_path, stored.parent)] == [0o700, 0o700]
    assert mode(other) == 0o644, "it is not ours"
    assert f"{closed[0]} could be read by others (mode 0644); it is 0600" in caplog.text


def test_a_first_start_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "csmsd.lock").write_bytes(b"")  # made before the first database
    require_database(tmp_path / "csms.db", begin_anew=False)


def test_a_database_that_is_there_is_all_that_is_required(tmp_path: Path) -> None:
    prepare_database(tmp_path / "csms.db")
    (tmp_path / "log.db").write_bytes(b"x")
    require_database(tmp_path / "csms.db", begin_anew=False)
    assert not list(tmp_path.glob("*.before*"))


@pytest.mark.parametrize("trace", ["csmsd.seen", "log.db", "csms.db-wal", "csms.db.copy"])
@pytest.mark.parametrize("empty", [False, True])
def test_one_that_is_missing_where_there_was_one_is_no_first_start(tmp_path: Path, trace: str, empty: bool) -> None:
    (tmp_path / trace).write_bytes(b"x")
    if empty:
        (tmp_path / "csms.db").write_bytes(b"")
    with pytest.raises(StoreError, match="is empty" if empty else "is not there") as refused:
        require_database(tmp_path / "csms.db", begin_anew=False)
    assert trace in str(refused.value)
    require_database(tmp_path / "csms.db", begin_anew=True)
    # What SQLite would take for the log of commits of the new one is moved aside; nothing is deleted.
    aside = trace == "csms.db-wal"
    assert (tmp_path / trace).exists() is not aside
    assert (tmp_path / "csms.db.before-wal").exists() is aside
