"""Ports that nobody else takes: not even the kernel, for a connection that begins in the meantime."""

import os
import socket
from itertools import count
from pathlib import Path

_GIVEN_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")  # by the kernel, to whoever wants just any
_LOWEST, _BESIDE_IT = 10_000, 500  # for each of the processes that run tests
_at = count()


def free_port() -> int:
    """One that may be listened on, never the same twice."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    end = int(_GIVEN_OUT.read_text().split()[0]) if _GIVEN_OUT.exists() else 32_768
    own = range(_LOWEST + worker * _BESIDE_IT, end)
    for _ in range(_BESIDE_IT):
        port = own[next(_at) % _BESIDE_IT]
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise OSError("every port is taken")
