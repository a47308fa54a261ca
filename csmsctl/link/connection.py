"""The wire to the daemon: lines of JSON on its Unix socket, and what is told when it breaks."""

import contextlib
import json
import math
import select
import socket
from pathlib import Path
from time import monotonic
from typing import Any

from csmsctl.failure import DENIED, OTHER, TIMED_OUT, UNREACHABLE, USAGE, Failure
from csmsctl.link.socket_paths import sockets_beside

MAX_LINE = 8 * 1024 * 1024

Message = dict[str, Any]


class Connection:
    """One connection. One thread may send while another receives."""

    def __init__(self, path: Path, timeout: float) -> None:
        """Raises Failure when nobody takes the connection within `timeout` seconds."""
        self.path = path
        self._received = bytearray()
        self._searched = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise _unreachable_connection(path, error) from error

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def abort(self) -> None:
        """Ends what another thread is waiting for; it fails there."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def send(self, message: Message, limit: float) -> None:
        """Sends a line. Raises Failure when the daemon does not take it within `limit` seconds."""
        line = json.dumps(message).encode() + b"\n"
        if len(line) > MAX_LINE:
            raise Failure(USAGE, f"This is {len(line)} bytes long; the daemon takes at most {MAX_LINE} at once.")
        try:
            self._socket.settimeout(limit)
            self._socket.sendall(line)
        except TimeoutError as error:
            raise Failure(TIMED_OUT, "csmsd did not take the request in time.") from error
        except OSError as error:
            raise self._gone() from error

    def send_descriptor(self, descriptor: int, limit: float) -> None:
        """Hands over a file that is open, with an empty line. Raises Failure."""
        try:
            self._socket.settimeout(limit)
            socket.send_fds(self._socket, [b"\n"], [descriptor])
        except OSError as error:
            raise self._gone() from error

    def receive(self, deadline: float | None, *, as_long_as_read: bool = False) -> Message | None:
        """The next message; None when the deadline passed before it was complete, which it never does when it is None.

        Waiting `as_long_as_read`, it raises BrokenPipeError as soon as nobody reads our output any more (`| head`).
        """
        while (end := self._received.find(b"\n", self._searched)) < 0:
            self._searched = len(self._received)
            if self._searched > MAX_LINE:
                raise Failure(OTHER, "csmsd sent a line that is longer than the protocol allows.")
            if not self._arrived(deadline, as_long_as_read):
                return None
            try:
                received = self._socket.recv(262_144)
            except OSError as error:
                raise self._gone() from error
            if not received:
                raise self._gone()
            self._received += received
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        self._searched = 0
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Failure(OTHER, f"{self.path} does not speak the protocol of csmsd.") from error
        if not isinstance(message, dict):
            raise Failure(OTHER, f"{self.path} does not speak the protocol of csmsd.")
        return message

    def _arrived(self, deadline: float | None, as_long_as_read: bool) -> bool:
        """Whether something arrives before the deadline; one that has passed still takes what is there."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        output = 1
        if as_long_as_read:
            with contextlib.suppress(OSError, ValueError):
                waiting.register(output, 0)  # an error or the end of a pipe is reported without being asked for
        milliseconds = None if deadline is None else max(0, math.ceil((deadline - monotonic()) * 1000))
        ready = [descriptor for descriptor, _ in waiting.poll(milliseconds)]
        if output in ready:
            raise BrokenPipeError
        return bool(ready)

    def _gone(self) -> Failure:
        return Failure(
            UNREACHABLE,
            f"csmsd closed the connection at {self.path} before it answered.",
            "See why: systemctl status csmsd, or the log of csmsd. What was asked for may have been carried out: "
            "csmsctl task list",
        )


def _who_may(path: Path) -> str:
    """By the groups that the socket has, and those beside it; where even that cannot be seen, by its directory."""
    found = [(may, group) for may, place in _sockets_by_what_they_give(path) if (group := _group_of(place))]
    if len({group for _, group in found}) > 1:
        told = ", ".join(f"{group} {may}" for may, group in found)
        return f'The group decides: {told}. To be in one: sudo usermod -aG GROUP "$USER", then log in again.'
    places = (path, path.parent, path.parent.parent)
    group = next((group for place in places if (group := _group_of(place)) is not None), None)
    if group:
        return f'Members of group {group} may: sudo usermod -aG {group} "$USER", then log in again.'
    return "Its owner may, for example with sudo; a group that may is a matter of csmsd's unit: see csmsd(8)."


def _sockets_by_what_they_give(path: Path) -> list[tuple[str, Path]]:
    reception, read = sockets_beside(path)
    return [("may do everything", path), ("may do what a reception needs", reception), ("may look", read)]


def _group_of(place: Path) -> str | None:
    """That of a file, by name; root's own is none that anybody should be in."""
    try:
        import grp

        found = place.stat()
        return grp.getgrgid(found.st_gid).gr_name if found.st_gid else ""
    except (OSError, KeyError, ImportError):  # who may read little may not even read that module
        return None


def _unreachable_connection(path: Path, error: OSError) -> Failure:
    start = (
        "Is csmsd running? See: systemctl status csmsd, or start csmsd. Another socket: --socket PATH or CSMS_SOCKET"
    )
    match error:
        case PermissionError():
            return Failure(
                DENIED,
                f"You may not open {path}.",
                _who_may(path),
            )
        case FileNotFoundError() | NotADirectoryError():
            return Failure(UNREACHABLE, f"There is no socket at {path}.", start)
        case ConnectionRefusedError():
            return Failure(UNREACHABLE, f"Nobody listens at {path}; csmsd has ended.", start)
        case TimeoutError() | BlockingIOError():
            return Failure(TIMED_OUT, f"csmsd does not take connections at {path}.", start)
        case _:
            return Failure(UNREACHABLE, f"Cannot reach csmsd at {path}: {error.strerror or error}.", start)
