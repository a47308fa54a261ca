"""The storage: what a start finds on disk and in the database need not agree."""

import logging
import os
from pathlib import Path

import pytest

from csmsd.files import storage
from csmsd.files.storage import Storage

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
