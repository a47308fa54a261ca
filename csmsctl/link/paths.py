"""Where the daemon's socket is."""

import os
from pathlib import Path

SYSTEM_SOCKET = Path("/run/csmsd/csmsd.sock")


def default_socket(environment: dict[str, str] | None = None, uid: int | None = None) -> Path:
    """The socket that is meant when nobody names one: the system's for root, else the user's own.

    A user without a daemon of their own means the system's, where there is one.
    """
    environment = dict(os.environ) if environment is None else environment
    if (os.getuid() if uid is None else uid) == 0:
        return SYSTEM_SOCKET
    own = _own_socket(environment)
    return SYSTEM_SOCKET if not _is_there(own) and _is_there(SYSTEM_SOCKET) else own


def _is_there(path: Path) -> bool:
    """Whether something is to be found there; a directory that may not be entered is for the connection to tell."""
    try:
        return path.exists()
    except PermissionError:
        return True


def _own_socket(environment: dict[str, str]) -> Path:
    runtime = environment.get("XDG_RUNTIME_DIR")
    if runtime:
        found = Path(runtime) / "csmsd" / "csmsd.sock"
        if os.path.isdir(runtime):  # noqa: PTH112 - unlike Path.is_dir it never raises
            return found
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "csmsd" / "csmsd.sock"
