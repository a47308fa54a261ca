"""Files of keys: for their owner alone, and never half written."""

import os
import stat
from pathlib import Path

import pytest

from csmsd.pki.own_files import OwnFiles, write_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_for_its_owner_alone_whatever_was_there_before(tmp_path: Path) -> None:
    own = OwnFiles(tmp_path)
    write_file(own.ca_key, b"old")
    own.ca_key.chmod(0o644)
    (own.ca_key.parent / ".ca.key.new").write_bytes(b"left behind")
    write_file(own.ca_key, b"new")
    assert own.ca_key.read_bytes() == b"new"
    assert (mode(own.ca_key), mode(own.ca_key.parent)) == (0o600, 0o700)
    assert sorted(path.name for path in own.ca_key.parent.iterdir()) == ["ca.key"]


def test_what_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = OwnFiles(tmp_path)
    write_file(own.rsa, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_file(own.rsa, b"new")
    assert own.rsa.read_bytes() == b"old"
    assert sorted(path.name for path in own.rsa.parent.iterdir()) == ["rsa.pem"]


def test_servers_are_there_when_one_of_them_is(tmp_path: Path) -> None:
    own = OwnFiles(tmp_path)
    assert not own.servers_exist()
    write_file(own.ec, b"")
    assert own.servers_exist()
