"""Where the daemon's socket is."""

import os
from collections.abc import Mapping
from pathlib import Path

SYSTEM_SOCKET = Path("/run/csmsd/csmsd.sock")


# The socket for everything, and those beside it that give less, the widest first (docs/security.md).
_NARROWER = ("reception", "read")


def sockets_beside(path: Path) -> list[Path]:
    """The narrower ones, where they are unless csmsd's settings say something else."""
    return [path.with_stem(f"{path.stem}-{right}") for right in _NARROWER]


def widest_socket(path: Path) -> Path:
    """The widest that may be opened; where none may be, the one for everything."""
    if os.access(path, os.W_OK):
        return path
    return next((socket for socket in sockets_beside(path) if os.access(socket, os.W_OK)), path)


def default_socket_path(environment: dict[str, str] | None = None, uid: int | None = None) -> Path:
    """The socket that is meant when nobody names one: the system's for root, else the user's own; of those beside it
    the widest that may be opened.

    A user without a daemon of their own means the system's, where there is one; so does one without a home.
    """
    environment = dict(os.environ) if environment is None else environment
    if (os.getuid() if uid is None else uid) == 0:
        return SYSTEM_SOCKET
    own = _own_socket_path(environment)
    if own is None or (not _socket_path_is_there(own) and _socket_path_is_there(SYSTEM_SOCKET)):
        return widest_socket(SYSTEM_SOCKET)
    return widest_socket(own)


def own_state(environment: Mapping[str, str]) -> Path | None:
    """Where the user's programs keep their state; None for one without a home: no HOME and no passwd entry."""
    state = environment.get("XDG_STATE_HOME")
    if state:
        return Path(state)
    try:
        return Path.home() / ".local" / "state"
    except RuntimeError:
        return None


def _socket_path_is_there(path: Path) -> bool:
    """Whether something is to be found there; a directory that may not be entered is for the connection to tell."""
    try:
        return path.exists()
    except PermissionError:
        return True


def _own_socket_path(environment: dict[str, str]) -> Path | None:
    runtime = environment.get("XDG_RUNTIME_DIR")
    if runtime:
        found = Path(runtime) / "csmsd" / "csmsd.sock"
        if os.path.isdir(runtime):  # noqa: PTH112 - unlike Path.is_dir it never raises
            return found
    state = own_state(environment)
    return None if state is None else state / "csmsd" / "csmsd.sock"
