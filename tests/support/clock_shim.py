"""A wall clock that can be set for one csmsd alone, by a library between it and the kernel."""

import os
import struct
from pathlib import Path

from tests.support.shim import built


class MovableClock:
    """`variables` go into the environment of the processes whose wall clock this is."""

    def __init__(self, directory: Path) -> None:
        self._offset = directory / "clock_offset"
        self._offset.write_bytes(bytes(8))
        self.variables = {"LD_PRELOAD": str(built("clock_shim", directory)), "CLOCK_OFFSET": str(self._offset)}

    def set(self, seconds: int) -> None:
        """Moves it by so many seconds against the right time, at once."""
        descriptor = os.open(self._offset, os.O_WRONLY)
        os.pwrite(descriptor, struct.pack("=q", seconds), 0)
        os.close(descriptor)
