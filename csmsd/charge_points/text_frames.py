"""Where a WebSocket frame ends, and how a text of ours is framed (RFC 6455, 5.2)."""

TEXT = 0x81  # how a text in one frame begins: final, of no extension
_MASKED = 0x80
_CONTROL = frozenset((0x88, 0x89, 0x8A))
_ORDINARY = frozenset((TEXT, 0x00, 0x01, 0x02, 0x80, 0x82)) | _CONTROL
_LONGEST_CONTROL = 125
_IN_TWO_BYTES, _IN_EIGHT_BYTES = 126, 127  # stands the length


def frame_at(came: bytes | bytearray, at: int, longest: int) -> tuple[int, int]:
    """Where the payload of a charge point's frame begins, and where the frame ends: it may be beyond what came.

    `longest` is in bytes. A frame that must not be has no payload (0), and all that came belongs to it.
    """
    size = len(came)
    if size < at + 2:
        return 0, size + 1
    first, length = came[at], came[at + 1] - _MASKED
    body = at + 6
    wrong = length < 0 or first not in _ORDINARY
    if first in _CONTROL:
        wrong = wrong or length > _LONGEST_CONTROL
    elif length == _IN_TWO_BYTES:
        body += 2
        length = int.from_bytes(came[at + 2 : at + 4], "big")
    elif length == _IN_EIGHT_BYTES:
        body += 8
        length = int.from_bytes(came[at + 2 : at + 10], "big")
    if size < body and not wrong:
        return 0, size + 1
    return (0, size) if wrong or length > longest else (body, body + length)


def framed(text: bytes) -> bytes:
    """A text as a server sends it: in one frame, without a mask."""
    length = len(text)
    if length < _IN_TWO_BYTES:
        return b"\x81%c%b" % (length, text)
    if length < 0x10000:
        return b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (length.to_bytes(8, "big"), text)
