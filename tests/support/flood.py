"""A charge point as a process of its own that sends as fast as it is read, and reads whatever comes, or nothing.

`python -m tests.support.flood HOST PORT IDENTITY ACTION [deaf]`, the payload on stdin; it goes on until it is ended, or
cut: then it exits with 1.
"""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.plain_websocket import handshake, text_frame
from tests.support.site import ROOT, Site, environment

_BATCH = 50  # frames a write
_LONG_ID = 240
_TIME = "2026-03-01T12:00:00.000Z"
_READINGS = [
    {"timestamp": _TIME, "sampledValue": [{"value": str(number), "measurand": "Power.Active.Import"}] * 4}
    for number in range(50)
]
FLOODS: dict[str, tuple[str, dict[str, Any]]] = {
    "heartbeats": ("Heartbeat", {}),
    "long readings": ("MeterValues", {"connectorId": 1, "meterValue": _READINGS}),
    "what cannot be booked": ("StopTransaction", {"transactionId": 1, "meterStop": 1, "timestamp": _TIME}),
}


@contextmanager
def flooding(
    site: Site, identity: str, action: str, payload: dict[str, Any], *, deaf: bool = False
) -> Iterator["subprocess.Popen[bytes]"]:
    """A flood of that message from a charge point that is registered; it lasts as long as the block."""
    host, _, port = site.listen.rpartition(":")
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, host, port, identity, action, *(["deaf"] if deaf else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(payload).encode())
        process.stdin.close()
        assert process.stdout.readline() == b"flooding\n"
        yield process
        process.kill()


def main() -> None:
    host, port, identity, action, *deaf = sys.argv[1:]
    payload = sys.stdin.read()
    connection = socket.create_connection((host, int(port)))
    connection.sendall(handshake(identity))
    assert b" 101 " in connection.recv(4096)
    boot = '[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]'
    connection.sendall(text_frame(boot))
    if not deaf:
        threading.Thread(target=_read, args=(connection,), daemon=True).start()
    print("flooding", flush=True)
    number = 0
    tail = "f" * _LONG_ID if deaf else "f"  # so that the answers are long, too
    try:
        while True:
            batch = b"".join(text_frame(f'[2,"{number + i}{tail}","{action}",{payload}]') for i in range(_BATCH))
            number += _BATCH
            connection.sendall(batch)
    except OSError:
        sys.exit(1)


def _read(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


if __name__ == "__main__":
    main()
