"""Interactive shells in which somebody types csmsctl and Tab."""

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.programs import shell_program
from tests.support.site import ROOT

PATIENCE, TRIES = 20.0, 5  # csmsctl itself waits for csmsd for a moment only, since somebody sits at the shell
_ROOT = shlex.quote(str(ROOT))
_CONTROL = re.compile(r"\x1b\[[0-9;?<>=]*[a-zA-Z]|\x1b[()][A-Z0-9]|\x1b[=>]|\a|\x1b\][^\a]*\a")


@dataclass(frozen=True)
class Kind:
    """A shell: how it is started without anybody's settings, and how it is told of our completion."""

    name: str
    arguments: tuple[str, ...]
    setup: str


BASH = Kind(
    "bash",
    ("--norc", "--noprofile", "-i"),
    f"source {_ROOT}/completions/csmsctl.bash; bind 'set enable-bracketed-paste off'",
)
ZSH = Kind(
    "zsh",
    ("-f", "-i"),
    f"unsetopt zle_bracketed_paste; fpath=({_ROOT}/completions $fpath); autoload -Uz compinit; compinit -u -D",
)
FISH = Kind("fish", ("--no-config", "-i"), f"function fish_prompt; end; source {_ROOT}/completions/csmsctl.fish")


def need(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed here")
    return found


def with_csmsctl(directory: Path, variables: dict[str, str]) -> dict[str, str]:
    """An environment for shells, with a program csmsctl in a directory that is first in PATH."""
    directory.mkdir()
    shell_program(directory / "csmsctl", sys.executable, "-m", "csmsctl")
    more = {"PATH": f"{directory}:{variables['PATH']}", "HOME": str(directory.parent), "TERM": "dumb", "PS1": "ready> "}
    return variables | more


class Shell:
    """An interactive shell on a pseudo-terminal."""

    def __init__(self, variables: dict[str, str], directory: Path, kind: Kind) -> None:
        program = need(kind.name)
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 200))
        self._process = subprocess.Popen(
            ["setsid", "--ctty", program, *kind.arguments],  # fish wants to control its terminal
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=variables,
            cwd=directory,
        )
        os.close(slave)
        self._seen = ""
        self.line(kind.setup)

    def line(self, text: str) -> None:
        os.write(self._master, text.encode() + b"\r")

    def complete(self, text: str, expected: str) -> None:
        """Types it and Tab, and expects the line to become that; whoever sees nothing come does so again."""
        for _ in range(TRIES):
            self._seen = ""
            os.write(self._master, b"echo DONE; " + text.encode() + b"\t")
            came = self._comes(expected)
            os.write(self._master, b"\x15")  # the line is taken back
            if came:
                return
        raise AssertionError(f"{expected!r} does not appear in {self._seen!r}")

    def _comes(self, expected: str) -> bool:
        end = time.monotonic() + PATIENCE
        while expected not in self._seen and time.monotonic() < end:
            if select.select([self._master], [], [], 0.5)[0]:
                seen = os.read(self._master, 65536).decode(errors="replace")
                self._seen = _CONTROL.sub("", self._seen + seen)
        return expected in self._seen

    def close(self) -> None:
        os.close(self._master)
        self._process.kill()
        self._process.wait()
