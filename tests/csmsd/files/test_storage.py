"""The storage: what a start finds on disk and in the database need not agree."""

import logging
import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from csmsd.files import storage
from csmsd.files.storage import Storage
from csmsd.ports.files import NoRoom

MEBIBYTE = 1024 * 1024


def put(directory: Path, kind: str, letter: str, size: int = 3) -> str:
    name = letter * 32
    (directory / kind).mkdir(parents=True, exist_ok=True)
    (directory / kind / name).write_bytes(letter.encode() * size)
    return name


def names(directory: Path, kind: str) -> set[str]:
    return {file.name for file in (directory / kind).iterdir()}


def test_what_an_older_backup_does_not_know_is_laid_aside_and_found_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old, new, diagnosis = (
        put(tmp_path, "firmware", "a"),
        put(tmp_path, "firmware", "b"),
        put(tmp_path, "diagnostics", "c"),
    )
    put(tmp_path, "partial", "d")
    with caplog.at_level(logging.INFO):
        Storage(tmp_path, MEBIBYTE).open({"firmware": [old], "diagnostics": []})
    assert names(tmp_path, "firmware") == {old}
    assert names(tmp_path, "diagnostics") == names(tmp_path, "partial") == set()
    assert names(tmp_path, "lost") == {f"firmware-{new}", f"diagnostics-{diagnosis}"}
    assert f"1 files of firmware that the database does not know were moved to {tmp_path}/lost" in caplog.text

    again = Storage(tmp_path, MEBIBYTE)
    again.open({"firmware": [old, new, "e" * 32], "diagnostics": [diagnosis]})
    assert again.read("firmware", new, 0, 100) == b"bbb"
    assert again.read("diagnostics", diagnosis, 0, 100) == b"ccc"
    assert names(tmp_path, "lost") == set()


def test_what_is_laid_aside_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_MOST_LOST", 2)
    for age, letter in enumerate("abc"):
        name = put(tmp_path, "firmware", letter)
        os.utime(tmp_path / "firmware" / name, (1000 - age, 1000 - age))
    Storage(tmp_path, MEBIBYTE).open({"firmware": [], "diagnostics": []})
    assert names(tmp_path, "lost") == {"firmware-" + "a" * 32, "firmware-" + "b" * 32}


@pytest.fixture
def stored(tmp_path: Path) -> Storage:
    """An empty one with room for ten bytes of diagnostics."""
    made = Storage(tmp_path, 10)
    made.open({"firmware": [], "diagnostics": []})
    return made


def test_a_file_is_there_when_it_is_whole(stored: Storage, tmp_path: Path) -> None:
    intake = stored.begin("firmware", 100)
    intake.write(b"abc")
    intake.write(b"de")
    assert names(tmp_path, "firmware") == set()
    done = intake.finish()
    assert (done.size, done.sha256) == (5, sha256(b"abcde").hexdigest())
    assert (names(tmp_path, "firmware"), names(tmp_path, "partial")) == ({done.stored}, set())
    assert stat.S_IMODE((tmp_path / "firmware" / done.stored).stat().st_mode) == 0o600
    assert stored.read("firmware", done.stored, 1, 3) == b"bcd"
    intake.abort()  # too late
    assert names(tmp_path, "firmware") == {done.stored}
    with pytest.raises(NoRoom, match="the transfer is over"):
        intake.write(b"f")


def test_one_that_is_given_up_leaves_nothing_behind(stored: Storage, tmp_path: Path) -> None:
    intake = stored.begin("diagnostics", 100)
    intake.write(b"x" * 10)
    intake.abort()
    intake.abort()
    assert (names(tmp_path, "diagnostics"), names(tmp_path, "partial")) == (set(), set())
    with pytest.raises(NoRoom, match="the transfer is over"):
        intake.write(b"x")
    stored.begin("diagnostics", 100).write(b"x" * 10)  # there is room again
    with pytest.raises(NoRoom, match="diagnostics kept here"):
        stored.begin("diagnostics", 100).write(b"x")


def test_a_file_has_a_limit(stored: Storage) -> None:
    intake = stored.begin("firmware", 4)
    intake.write(b"abcd")
    with pytest.raises(NoRoom) as refused:
        intake.write(b"e")
    assert refused.value.too_large
    assert intake.finish().size == 4


def test_what_charge_points_bring_has_a_quota_and_what_operators_bring_has_none(
    stored: Storage, tmp_path: Path
) -> None:
    stored.begin("firmware", 100).write(b"x" * 100)
    intake = stored.begin("diagnostics", 100)
    intake.write(b"x" * 10)
    done = intake.finish()
    with pytest.raises(NoRoom) as refused:
        stored.begin("diagnostics", 100).write(b"x")
    assert not refused.value.too_large
    stored.remove("diagnostics", done.stored)
    assert names(tmp_path, "diagnostics") == set()
    stored.begin("diagnostics", 100).write(b"x" * 10)


def test_what_is_there_at_the_start_counts(tmp_path: Path) -> None:
    kept = put(tmp_path, "diagnostics", "a", 8)
    stored = Storage(tmp_path, 10)
    stored.open({"firmware": [], "diagnostics": [kept]})
    stored.begin("diagnostics", 100).write(b"xx")
    with pytest.raises(NoRoom):
        stored.begin("diagnostics", 100).write(b"x")


def test_what_is_not_of_ours_is_neither_read_nor_removed(stored: Storage, tmp_path: Path) -> None:
    (tmp_path / "firmware" / "keep").write_bytes(b"x")
    (tmp_path / "firmware" / ("a" * 32)).symlink_to(tmp_path / "firmware" / "keep")
    for name in ("keep", "../firmware/keep", "", "A" * 32):
        with pytest.raises(FileNotFoundError):
            stored.read("firmware", name, 0, 1)
        stored.remove("firmware", name)
    with pytest.raises(OSError, match="symbolic links"):
        stored.read("firmware", "a" * 32, 0, 1)
    assert (tmp_path / "firmware" / "keep").read_bytes() == b"x"
    stored.remove("firmware", "b" * 32)  # gone already
