"""A charge point as a process of its own that sends as fast as it is read, and reads whatever comes.

`python -m tests.support.flood HOST PORT IDENTITY ACTION`, the payload on stdin; it goes on until it is ended.
"""

import base64
import os
import socket
import struct
import sys
import threading

_BATCH = 50  # frames a write


def main() -> None:
    host, port, identity, action = sys.argv[1:]
    payload = sys.stdin.read()
    connection = socket.create_connection((host, int(port)))
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET /ocpp/{identity} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
    )
    assert b" 101 " in connection.recv(4096)
    boot = '[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]'
    connection.sendall(_frame(boot))
    threading.Thread(target=_read, args=(connection,), daemon=True).start()
    print("flooding", flush=True)
    number = 0
    while True:
        batch = b"".join(_frame(f'[2,"f{number + i}","{action}",{payload}]') for i in range(_BATCH))
        number += _BATCH
        connection.sendall(batch)


def _frame(text: str) -> bytes:
    """A text frame whose mask changes nothing (RFC 6455 5.3)."""
    data = text.encode()
    if len(data) < 126:
        return b"\x81" + bytes([0x80 | len(data)]) + bytes(4) + data
    if len(data) < 65_536:
        return b"\x81\xfe" + struct.pack(">H", len(data)) + bytes(4) + data
    return b"\x81\xff" + struct.pack(">Q", len(data)) + bytes(4) + data


def _read(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


if __name__ == "__main__":
    main()
