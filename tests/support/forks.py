"""csmsd and csmsctl as processes of their own that need not import everything first: forked from one that has.

Tests start them thousands of times, and most of a start is imports. What comes after them is as in any other start;
those who want one from the very beginning say so (`Site.from_scratch`, `Csmsctl.start`).

`python -m tests.support.forks PROGRAM` is the process that has imported everything. Its standard input is a socket with
a packet for each start: JSON, and with it the descriptors of the files for output and errors and of a pipe. The number
of the new process comes down the pipe, and in the end its exit code.
"""

import gc
import json
import os
import pkgutil
import resource
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[2]
_LONGEST_REQUEST = 65_536
# What Python goes by when it starts.
_FROM_THE_BEGINNING = {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
_RARE = ("csmsctl.simulator", "csmsctl.conformance", "csmsctl.shell", "csmsctl.dashboard")

Program = Literal["csmsd", "csmsctl"]


class Forked:
    """A process that was forked: what tests use of subprocess.Popen."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self.returncode: int | None = None
        self.pid = self._number()

    def __del__(self) -> None:
        os.close(self._pipe)

    def _number(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            read = os.read(self._pipe, 1)
            assert read, "the process that forks has ended"
            line += read
        return int(line)

    def poll(self) -> int | None:
        """The exit code, or None as long as it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("csmsd", timeout or 0.0)
        return code

    def _ended(self, seconds: float | None) -> int | None:
        waiting = select.poll()
        waiting.register(self._pipe, select.POLLIN)
        if self.returncode is None and waiting.poll(None if seconds is None else seconds * 1000):
            with self._lock:
                if self.returncode is None:
                    self.returncode = self._number()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forks:
    """The way to the process that has imported a program, which begins when it is needed, and ends with this one."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._requests: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        arguments: list[str],
        environment: dict[str, str],
        output: int,
        errors: int,
        descriptors: int | None = None,
        directory: Path | None = None,
    ) -> Forked | None:
        """Starts the program, here if no other directory is named. `descriptors` is how many it may have open at once.

        None: where Python itself would begin otherwise with that environment, or so much cannot be told.
        """
        packet = json.dumps([arguments, environment, descriptors, os.fspath(directory or Path.cwd())]).encode()
        if len(packet) >= _LONGEST_REQUEST or _at_start(environment) != _at_start(self._environment):
            return None
        ours, theirs = os.pipe()
        try:
            socket.send_fds(self._opened(), [packet], [output, errors, theirs])
        finally:
            os.close(theirs)
        return Forked(ours)

    @property
    def _environment(self) -> dict[str, str]:
        return dict(os.environ) | _FROM_THE_BEGINNING

    def way(self) -> int:
        """A descriptor through which other processes may ask for starts: `tests/support/forked_csmsctl.py`."""
        return self._opened().fileno()

    def close(self) -> None:
        """Ends the process that forks; what it has forked goes on."""
        with self._lock:
            if self._requests is not None and self._process is not None:
                self._requests.close()
                self._process.wait()
                self._requests = self._process = None

    def _opened(self) -> socket.socket:
        with self._lock:
            if self._requests is None:
                self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with theirs:
                    command = [sys.executable, "-m", "tests.support.forks", self._program]
                    self._process = subprocess.Popen(command, stdin=theirs.fileno(), cwd=ROOT, env=self._environment)
            return self._requests


def _at_start(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(("PYTHON", "LC_", "LANG"))}


_HERE = hasattr(os, "pidfd_open")  # else not on this system
FORKS: dict[Program, Forks] = {"csmsd": Forks("csmsd"), "csmsctl": Forks("csmsctl")} if _HERE else {}


# --- the process that has imported everything


class _Forking:
    """Waits for requests, and for the ends of what it has forked."""

    def __init__(self) -> None:
        self._requests = socket.socket(fileno=os.dup(0))
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self._watched = selectors.DefaultSelector()
        self._watched.register(self._requests, selectors.EVENT_READ)

    def serve(self) -> list[str] | None:
        """Returns in each process that was forked, with the arguments of csmsd; None at the end."""
        while True:
            for key, _ in self._watched.select():
                if key.data is not None:
                    self._tell_the_end(key.fd, *key.data)
                    continue
                packet, descriptors, *_ = socket.recv_fds(self._requests, _LONGEST_REQUEST, 3)
                if not packet:
                    return None
                if (arguments := self._fork(json.loads(packet), *descriptors)) is not None:
                    return arguments

    def _fork(self, request: list[Any], output: int, errors: int, pipe: int) -> list[str] | None:
        if (process := os.fork()) == 0:
            os.close(pipe)
            arguments, environment, allowed, directory = request
            self._become(environment, allowed, directory, output, errors)
            return list(arguments)
        os.close(output)
        os.close(errors)
        os.write(pipe, b"%d\n" % process)
        self._watched.register(os.pidfd_open(process), selectors.EVENT_READ, (process, pipe))
        return None

    def _tell_the_end(self, watched: int, process: int, pipe: int) -> None:
        self._watched.unregister(watched)
        os.close(watched)
        _, status = os.waitpid(process, 0)
        with suppress(BrokenPipeError):  # nobody wants to know any more
            os.write(pipe, b"%d\n" % os.waitstatus_to_exitcode(status))
        os.close(pipe)

    def _become(
        self, environment: dict[str, str], descriptors: int | None, directory: str, output: int, errors: int
    ) -> None:
        """A process with nothing of the one that it was forked from, but for its modules."""
        for key in list(self._watched.get_map().values()):
            if key.data is not None:
                os.close(key.fd)
                os.close(key.data[1])
        self._watched.close()
        self._requests.close()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.close(output)
        os.close(errors)
        # What was a file may be a pipe now.
        for name, number, buffering in (("stdout", 1, -1), ("stderr", 2, 1)):
            before = getattr(sys, name)
            file = os.fdopen(number, "w", buffering, before.encoding, before.errors, closefd=False)
            setattr(sys, name, file)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))


def _import_csmsd() -> None:
    import csmsd

    with suppress(ImportError):
        import uvloop  # noqa: F401
    for module in pkgutil.walk_packages(csmsd.__path__, "csmsd."):
        __import__(module.name)


def _import_csmsctl() -> None:
    import csmsctl
    import csmsd.profiles

    for module in pkgutil.walk_packages(csmsctl.__path__, "csmsctl."):
        if not module.name.startswith(_RARE):
            __import__(module.name)
    csmsd.profiles.operations()


def _begin(program: str) -> None:
    if program == "csmsd":
        _import_csmsd()
    else:
        _import_csmsctl()
        gc.collect()
        gc.freeze()  # what all of them share is looked through by none
    arguments = _Forking().serve()
    if arguments is None:
        return
    if program == "csmsd":
        from csmsd.__main__ import main as begin_csmsd

        begin_csmsd(arguments)
    else:
        from csmsctl.__main__ import main as begin_csmsctl

        sys.argv[1:] = arguments
        begin_csmsctl()


if __name__ == "__main__":
    _begin(sys.argv[1])
