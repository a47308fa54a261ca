"""sd_notify: telling systemd when the daemon is ready, reloading and stopping."""

import contextlib
import os
import socket
from time import CLOCK_MONOTONIC, clock_gettime_ns


def notify(*states: str) -> None:
    """Sends `READY=1` and the like; does nothing where no service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or address[0] not in "/@":
        return
    if address[0] == "@":  # Linux's abstract names
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto("\n".join(states).encode(), address)


def notify_reloading() -> None:
    notify("RELOADING=1", f"MONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}")
