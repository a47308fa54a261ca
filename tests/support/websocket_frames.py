"""WebSocket frames by hand, right ones and wrong ones (RFC 6455, 5.2)."""

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_KEY = b"\x11\x22\x33\x44"


def masked(opcode: int, payload: bytes, *, final: bool = True, reserved: int = 0) -> bytes:
    """A frame as a client sends it; `reserved` has the three bits that no extension was agreed on for."""
    hidden = bytes(byte ^ _KEY[place % 4] for place, byte in enumerate(payload))
    return _head(opcode, len(payload), final=final, reserved=reserved, mask=0x80) + _KEY + hidden


def bare(opcode: int, payload: bytes) -> bytes:
    """A frame as a server sends it: a client must not."""
    return _head(opcode, len(payload), final=True, reserved=0, mask=0) + payload


def _head(opcode: int, length: int, *, final: bool, reserved: int, mask: int) -> bytes:
    first = (0x80 if final else 0) | reserved << 4 | opcode
    if length < 126:
        return bytes((first, mask | length))
    if length < 0x10000:
        return bytes((first, mask | 126)) + length.to_bytes(2, "big")
    return bytes((first, mask | 127)) + length.to_bytes(8, "big")
