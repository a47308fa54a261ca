"""Libraries between one csmsd and the kernel, built from C when they are needed."""

import shutil
import subprocess
from pathlib import Path

import pytest

COMPILER = shutil.which("cc") or shutil.which("gcc")
needs_compiler = pytest.mark.skipif(
    COMPILER is None, reason="clock and disk can be changed for one process only where there is a C compiler"
)


def built(name: str, directory: Path) -> Path:
    """The library made of that C file of this folder. Raises CalledProcessError."""
    assert COMPILER is not None
    library = directory / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
    return library
