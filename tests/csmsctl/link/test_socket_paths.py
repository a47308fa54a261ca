"""Which socket is meant when nobody names one."""

import os
from pathlib import Path

import pytest

from csmsctl.lines.shell_words import split_words
from csmsctl.link import socket_paths


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    socket = tmp_path / "run" / "csmsd" / "csmsd.sock"
    monkeypatch.setattr(socket_paths, "SYSTEM_SOCKET", socket)
    return socket


def test_root_means_the_system(system: Path, tmp_path: Path) -> None:
    assert socket_paths.default_socket_path({"XDG_RUNTIME_DIR": str(tmp_path)}, uid=0) == system


def test_a_user_means_their_own(system: Path, tmp_path: Path) -> None:
    own = tmp_path / "csmsd" / "csmsd.sock"
    assert socket_paths.default_socket_path({"XDG_RUNTIME_DIR": str(tmp_path)}, uid=1000) == own


def test_a_user_without_runtime_directory_means_the_state_directory(system: Path, tmp_path: Path) -> None:
    own = tmp_path / "csmsd" / "csmsd.sock"
    assert socket_paths.default_socket_path({"XDG_STATE_HOME": str(tmp_path)}, uid=1000) == own


def test_a_user_without_a_daemon_means_the_systems(system: Path, tmp_path: Path) -> None:
    system.parent.mkdir(parents=True)
    system.touch()
    assert socket_paths.default_socket_path({"XDG_RUNTIME_DIR": str(tmp_path)}, uid=1000) == system
    own = tmp_path / "csmsd" / "csmsd.sock"
    own.parent.mkdir()
    own.touch()
    assert socket_paths.default_socket_path({"XDG_RUNTIME_DIR": str(tmp_path)}, uid=1000) == own


def test_a_directory_that_may_not_be_entered_is_no_reason_to_fail_here(tmp_path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root may enter any directory")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    assert (
        socket_paths.default_socket_path({"XDG_STATE_HOME": str(closed)}, uid=1000) == closed / "csmsd" / "csmsd.sock"
    )


def test_without_a_home_it_is_the_systems(system: Path, nobody: None) -> None:
    assert socket_paths.default_socket_path(dict(os.environ), uid=4242) == system
    assert socket_paths.own_state(os.environ) is None
    assert split_words("tag import ~/tags.csv")[-1] == "~/tags.csv"
