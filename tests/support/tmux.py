"""A terminal that is one: tmux, where it is there."""

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest


class Tmux:
    """A terminal of a given size with a shell in it."""

    def __init__(self, directory: Path, environment: dict[str, str], columns: int, lines: int) -> None:
        self._socket = directory / "tmux"
        self._environment = environment
        self._tmux("new-session", "-d", "-x", str(columns), "-y", str(lines), "sh")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(self._socket), *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=self._environment | {"TERM": "xterm-256color"},
        )
        return done.stdout

    def run(self, *arguments: str) -> None:
        """Types a csmsctl command."""
        command = shlex.join([sys.executable, "-m", "csmsctl", *arguments])
        self.type(f"clear; {command}; echo ended with $?\n")

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Keys as tmux names them: Tab, C-c, Up."""
        self._tmux("send-keys", *keys)

    def paste(self, text: str) -> None:
        """As a terminal pastes: with marks around it where the program asked for them."""
        subprocess.run(["tmux", "-S", str(self._socket), "load-buffer", "-"], input=text, text=True, check=True)
        self._tmux("paste-buffer", "-p")

    def resize(self, columns: int, lines: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    @property
    def screen(self) -> list[str]:
        return self._tmux("capture-pane", "-p").splitlines()

    @property
    def alternate(self) -> bool:
        return self._tmux("display", "-p", "#{alternate_on}").strip() == "1"

    def child(self) -> int:
        """The process that the shell runs."""
        shell = self._tmux("display", "-p", "#{pane_pid}").strip()
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", shell], capture_output=True, text=True, check=True)
        return int(found.stdout.split()[-1])

    def until(self, true: Callable[[list[str]], Any], *, seconds: float = 60) -> list[str]:
        """The screen, once it is as wanted."""
        deadline = monotonic() + seconds
        while not true(screen := self.screen):
            assert monotonic() < deadline, "\n".join(screen)
            sleep(0.05)
        return screen

    def close(self) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], check=False, capture_output=True)


@contextmanager
def terminal(environment: dict[str, str], columns: int, lines: int) -> Iterator[Tmux]:
    """Skips the test where there is no tmux."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not there")
    with tempfile.TemporaryDirectory(prefix="csms-") as directory:
        tmux = Tmux(Path(directory), environment, columns, lines)
        try:
            yield tmux
        finally:
            tmux.close()


def has(word: str) -> Callable[[list[str]], bool]:
    return lambda screen: any(word in line for line in screen)
