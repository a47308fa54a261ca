"""Where csmsd's files are unless a setting says otherwise."""

import os
from pathlib import Path

from csmsd.settings.setting import SettingsError


def _for_the_system() -> bool:
    """Root, and a service manager's service, use the system's directories."""
    return os.geteuid() == 0 or "INVOCATION_ID" in os.environ


def _at_home(variable: str, below: str) -> Path | None:
    """The directory that the variable names, or the usual one; None without a home: no HOME and no passwd entry."""
    named = os.environ.get(variable)
    try:
        return Path(named) if named else Path.home() / below
    except RuntimeError:
        return None


def default_config() -> Path:
    place = None if _for_the_system() else _at_home("XDG_CONFIG_HOME", ".config")
    return (Path("/etc") if place is None else place) / "csmsd" / "csmsd.toml"


def default_state_directory() -> Path:
    """Raises SettingsError for a user who has no place for it."""
    if _for_the_system():
        return Path("/var/lib/csmsd")
    place = _at_home("XDG_STATE_HOME", ".local/state")
    if place is None:
        raise SettingsError("there is no home directory to keep the database in; name a place with --state-dir")
    return place / "csmsd"


def default_socket(state_directory: Path) -> Path:
    if _for_the_system():
        return Path("/run/csmsd/csmsd.sock")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "csmsd" / "csmsd.sock" if runtime else state_directory / "csmsd.sock"
