"""How much of our machine a transfer may use."""

import msgspec

CHUNK = 256 * 1024
TOKEN_SECONDS = 10.0  # for which a connection may be open without naming a token that is good


class Limits(msgspec.Struct, frozen=True):
    """Sizes in bytes, times in seconds."""

    upload: int
    transfer: float
    idle: float
    connections: int
    connections_per_address: int
