"""The client's end of a WebSocket in as few steps as there can be: for thousands, and for those that never pause."""

import base64
import os
import struct


def handshake(identity: str, password: str | None = None) -> bytes:
    """What a charge point connects with."""
    own = "" if password is None else f"Authorization: Basic {_base64(f'{identity}:{password}'.encode())}\r\n"
    key = _base64(os.urandom(16))
    return (
        f"GET /ocpp/{identity} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n{own}\r\n"
    ).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def text_frame(text: str) -> bytes:
    """A text frame whose mask changes nothing (RFC 6455 5.3)."""
    data = text.encode()
    if len(data) < 126:
        return b"\x81" + bytes([0x80 | len(data)]) + bytes(4) + data
    if len(data) < 65_536:
        return b"\x81\xfe" + struct.pack(">H", len(data)) + bytes(4) + data
    return b"\x81\xff" + struct.pack(">Q", len(data)) + bytes(4) + data


def texts(buffer: bytearray) -> list[bytes]:
    """Takes the whole text frames of a server off the buffer; pings and the like are passed over."""
    found = []
    while len(buffer) >= 2:
        length, begin = buffer[1], 2
        if length == 126 and len(buffer) >= 4:
            length, begin = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127 and len(buffer) >= 10:
            length, begin = int.from_bytes(buffer[2:10], "big"), 10
        if (length >= 126 and begin == 2) or len(buffer) < begin + length:
            break
        if buffer[0] == 0x81:
            found.append(bytes(buffer[begin : begin + length]))
        del buffer[: begin + length]
    return found
