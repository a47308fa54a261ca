"""A wall clock that can be set for one csmsd alone, by a library between it and the kernel."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

_SOURCE = Path(__file__).with_name("clock_shim.c")


class MovableClock:
    """`variables` go into the environment of the processes whose wall clock this is."""

    def __init__(self, directory: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("the clock can be moved for one process only where there is a C compiler")
        library = directory / "clock_shim.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, _SOURCE], check=True)
        self._offset = directory / "clock_offset"
        self._offset.write_bytes(bytes(8))
        self.variables = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self._offset)}

    def set(self, seconds: int) -> None:
        """Moves it by so many seconds against the right time, at once."""
        descriptor = os.open(self._offset, os.O_WRONLY)
        os.pwrite(descriptor, struct.pack("=q", seconds), 0)
        os.close(descriptor)
