"""A scripted daemon on a real socket, and csmsctl as a real process."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.support.console import run_csmsctl
from tests.support.site import environment


@dataclass
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The JSON error on standard error."""
        document = json.loads(self.err)
        assert document["schema_version"] == 1
        return document["error"]


def failed(ended: Ended, code: int) -> Ended:
    """One that ended with that exit code."""
    assert ended.code == code, ended.err
    return ended


class Csmsctl:
    """Runs csmsctl against a socket, in the repository, without the user's settings."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.environment = environment(CSMS_SOCKET=str(socket))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "csmsctl", *arguments]

    def __call__(self, *arguments: str, stdin: str | None = None, **environment: str) -> Ended:
        return Ended(*run_csmsctl(list(arguments), self.environment | environment, stdin))

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
        """A process that goes on; the test ends it."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            **options,
        )


@pytest.fixture
def daemon() -> Iterator[ScriptedDaemon]:
    # Not tmp_path: the address of a socket may not be longer than about 100 bytes.
    with tempfile.TemporaryDirectory(prefix="csms-") as directory:
        scripted = ScriptedDaemon(Path(directory) / "csmsd.sock")
        yield scripted
        scripted.close()


@pytest.fixture
def csmsctl(daemon: ScriptedDaemon) -> Csmsctl:
    return Csmsctl(daemon.path)
