"""Where csmsd's files are unless a setting says otherwise."""

from pathlib import Path

import pytest

from csmsd.settings.places import default_config, default_socket, default_state_directory
from csmsd.settings.reading import load_settings
from csmsd.settings.setting import SettingsError


def test_places_of_root_and_of_a_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert default_config() == tmp_path / "config/csmsd/csmsd.toml"
    assert default_state_directory() == tmp_path / "state/csmsd"
    assert default_socket(tmp_path) == tmp_path / "run/csmsd/csmsd.sock"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_socket(tmp_path) == tmp_path / "csmsd.sock"
    monkeypatch.setenv("INVOCATION_ID", "a service")
    assert default_config() == Path("/etc/csmsd/csmsd.toml")
    assert default_state_directory() == Path("/var/lib/csmsd")
    assert default_socket(tmp_path) == Path("/run/csmsd/csmsd.sock")


def test_without_a_home_a_place_has_to_be_named(nobody: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    assert default_config() == Path("/etc/csmsd/csmsd.toml")
    with pytest.raises(SettingsError, match=r"no home directory .* --state-dir"):
        load_settings(None, {})
    settings = load_settings(None, {"store.directory": str(tmp_path)})
    assert settings.socket_path == tmp_path / "csmsd.sock"
