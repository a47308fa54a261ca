"""Litestream, which copies a database while it is in use, as a process beside csmsd."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest


def litestream_program() -> Path:
    """The program itself: npm's wrapper would leave it running when it is killed."""
    found = shutil.which("litestream")
    if found is None:
        pytest.skip("litestream is not installed; .ci/run gets it where npm is: npm install @flydotio/litestream")
    program = Path(found).resolve()
    if program.suffix == ".js":
        program = next(program.parents[1].glob("litestream-*/litestream"))
    return program


class Litestream:
    """`litestream replicate` with a file of settings."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._program = litestream_program()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def variables(self) -> dict[str, str]:
        """With which a shell finds it."""
        return {"PATH": f"{self._program.parent}:{os.environ['PATH']}"}

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "replicate", "-config", self._config],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None
