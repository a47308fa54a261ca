"""How much of our machine a transfer may use."""

import msgspec

CHUNK = 256 * 1024
HANDSHAKE_SECONDS = 10.0  # until a connection says what it wants


class Limits(msgspec.Struct, frozen=True):
    """Sizes in bytes, times in seconds."""

    upload: int
    transfer: float
    idle: float
    connections: int
