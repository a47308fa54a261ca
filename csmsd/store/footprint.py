"""What csmsd leaves beside its database: which one it was and how far it had come, for the next start to compare with.

A database is a file like any other: it can be deleted, replaced by an older copy, or lie on a new disk. It cannot tell
by itself; what stands beside it can.
"""

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import msgspec

from csmsd.profiles.record import Milliseconds

_FS_IOC_GETVERSION = 0x80087601  # ioctl_iflags(2); not every file system has it


class Footprint(msgspec.Struct, kw_only=True):
    """As of `seen_at`: the database's own id, its file, and the highest ids that were given from it, by table."""

    NAME: ClassVar[str] = "csmsd.seen"

    books: str
    file: tuple[int, int]
    seen_at: Milliseconds
    given: dict[str, int] = {}
    stopped: bool = False  # cleanly, and nothing was left to be looked through

    @classmethod
    def read(cls, directory: Path) -> "Footprint | None":
        """None where there is none that can be read: the database is then taken for one that came from elsewhere."""
        try:
            return msgspec.json.decode((directory / cls.NAME).read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError):
            return None

    def write(self, directory: Path) -> None:
        """Raises OSError; the old one is then still there."""
        part = directory / f"{self.NAME}.part"
        with os.fdopen(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(self))
            file.flush()
            os.fsync(file.fileno())
        part.replace(directory / self.NAME)


def footprint_of_file(path: Path) -> tuple[int, int]:
    """Tells a file from a later one of the same name: its inode, and how often that was used. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        buffer = bytearray(8)
        with suppress(OSError):
            fcntl.ioctl(descriptor, _FS_IOC_GETVERSION, buffer)
        return os.fstat(descriptor).st_ino, struct.unpack("=q", buffer)[0]
    finally:
        os.close(descriptor)
