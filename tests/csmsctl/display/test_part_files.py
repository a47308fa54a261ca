"""Files that are not whole yet: gone in the end, however their command ended; and nobody else's ever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from csmsctl.display.part_files import part_file

LEFT = ".csmsctl-k1ll3d__.part"


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_it_is_hidden_readable_by_its_owner_and_gone_in_the_end(tmp_path: Path) -> None:
    with part_file(tmp_path) as (stream, path):
        stream.write(b"half")
        assert names(tmp_path) == {path.name}
        assert (path.name[0], path.stat().st_mode & 0o777) == (".", 0o600)
    assert names(tmp_path) == set()
    with pytest.raises(KeyError), part_file(tmp_path):
        raise KeyError
    assert names(tmp_path) == set()


def test_what_another_command_writes_stays_until_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from csmsctl.display.part_files import part_file\n"
        "with part_file(pathlib.Path(sys.argv[1])): print('there', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "there\n"
        (theirs,) = names(tmp_path)
        with part_file(tmp_path) as (_, path):
            assert names(tmp_path) == {theirs, path.name}
        other.kill()
    assert names(tmp_path) == {theirs}
    with part_file(tmp_path) as (_, path):
        assert names(tmp_path) == {path.name}


@pytest.mark.parametrize(
    "name", [".csms.db.k1ll3d__", ".csmsctl-k1ll3d.part", ".csmsctl-k1ll3d__.part~", "csmsctl-k1ll3d__.part", ".part"]
)
def test_a_file_of_another_name_is_somebody_elses(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / LEFT).write_bytes(b"")
    with part_file(tmp_path):
        pass
    assert names(tmp_path) == {name}


def test_what_is_no_plain_file_stays(tmp_path: Path) -> None:
    directory = tmp_path / "there"
    directory.mkdir()
    kept = tmp_path / "kept"
    kept.write_bytes(b"somebody's")
    (directory / LEFT).symlink_to(kept)
    os.link(kept, directory / ".csmsctl-l1nked__.part")
    (directory / ".csmsctl-f0ld3r__.part").mkdir()
    os.mkfifo(directory / ".csmsctl-p1pe____.part")
    before = names(directory)
    with part_file(directory):
        pass
    assert (names(directory), kept.read_bytes()) == (before, b"somebody's")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_another_user_left_stays(tmp_path: Path) -> None:
    (tmp_path / LEFT).write_bytes(b"")
    os.chown(tmp_path / LEFT, 65534, 65534)
    with part_file(tmp_path):
        pass
    assert names(tmp_path) == {LEFT}
