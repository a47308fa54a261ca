"""A private csmsd: a process of its own on an empty directory, with a socket and a port that nobody else has."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

import tomli_w

import csmsd
from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.failure import OTHER, USAGE, Failure
from csmsctl.link.client import Client, Result
from csmsd.toml_text import read_toml

SECONDS_TO_START = 30.0
SECONDS_TO_STOP = 10.0
SECONDS_FOR_A_COMMAND = 120.0

# What a service manager or a user has set for the csmsd and the csmsctl of every day.
_NOT_INHERITED = ("CSMS_SOCKET", "NOTIFY_SOCKET", "INVOCATION_ID", "WATCHDOG_USEC", "FORCE_COLOR", "PAGER")

Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Ended:
    """A csmsctl that has ended."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def command_line(self) -> str:
        return " ".join(("csmsctl", *self.arguments))

    @property
    def json(self) -> Result:
        """The document that it printed."""
        found = json.loads(self.out)
        return found if isinstance(found, dict) else {}


class Site:
    """Starts csmsd when it is entered, and ends it when it is left."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or {}
        self.directory = Path(tempfile.mkdtemp(prefix="csms-conformance-"))
        self.socket = self.directory / "s.sock"
        self.config = self.directory / "csmsd.toml"
        self.info: Result = {}
        self._stderr = self.directory / "stderr"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the daemon

    def _start(self) -> None:
        self.config.write_text(tomli_w.dumps(self.settings), "utf-8")
        with self._stderr.open("ab") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - our own daemon
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd=self.directory,
                env=_private_environment(),
                start_new_session=True,  # Ctrl-C is for us; we end it
            )
        deadline = monotonic() + SECONDS_TO_START
        while True:
            with suppress(Failure):  # nobody is at the socket yet
                self.info = self.call("daemon.info")
                if self.info["listen"]:  # it answers operators before it listens for charge points
                    return
            code = self._process.poll()
            if code is not None:
                raise Failure(OTHER, f"The private csmsd ended with {code}: {self.errors().strip()}")
            if monotonic() > deadline:
                raise Failure(OTHER, f"The private csmsd is not ready after {SECONDS_TO_START:g} s.")
            sleep(0.02)

    @property
    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "csmsd", "--config", str(self.config), "--listen", "127.0.0.1:0"),
            *("--state-dir", str(self.directory / "state"), "--socket", str(self.socket)),
        ]

    def settings_in_effect(self) -> Settings:
        """Every setting with its value, but for the places that only the private csmsd has."""
        done = subprocess.run(  # noqa: S603 - our own daemon
            [*self._command, "--print-config"],
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_START,
            check=True,
            cwd=self.directory,
            env=_private_environment(),
        )
        return _private_without_places(tomllib.loads(done.stdout))

    def stop(self) -> int:
        """Ends csmsd and returns its exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def close(self) -> None:
        """Ends csmsd and removes everything."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def errors(self) -> str:
        """What csmsd said so far."""
        return self._stderr.read_text(errors="replace") if self._stderr.exists() else ""

    @property
    def url(self) -> str:
        """Where charge points connect; their identity is appended."""
        return f"ws://{self.info['listen'][0]}/ocpp"

    # --- preparations and operators

    def call(self, method: str, **params: Any) -> Result:
        """A method of the control socket, for preparations."""
        with Client(self.socket, GlobalOptions.timeout) as client:
            return client.call(method, params)

    async def csmsctl(self, *arguments: str) -> Ended:
        """Runs csmsctl, a process of its own, until it ends."""
        # Not asyncio's own subprocesses: one that is interrupted while it starts ends in noise.
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - csmsctl itself; it is there in a millisecond
            [sys.executable, "-m", "csmsctl", "--socket", str(self.socket), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env=_private_environment(),
            start_new_session=True,
        )
        try:
            out, err = await asyncio.to_thread(process.communicate, timeout=SECONDS_FOR_A_COMMAND)
        finally:
            if process.poll() is None:  # nobody waits for it any more
                process.kill()
                process.wait()
        return Ended(arguments, process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def read_private_settings(file: str | None) -> Settings:
    """The settings of a csmsd.toml for the private csmsd, without the places that belong to the one of every day."""
    if file is None:
        return {}
    try:
        settings = read_toml(Path(file).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Failure(USAGE, f"{file} cannot be read: {reason}.") from error
    except tomllib.TOMLDecodeError as error:
        raise Failure(USAGE, f"{file} is not valid TOML: {error}.") from error
    return _private_without_places(settings)


def _private_without_places(settings: dict[str, Any]) -> Settings:
    places = {
        "server": ("listen",),
        "store": ("directory",),
        "control": ("socket", "group"),
        "files": ("http_listen", "ftp_listen", "ftp_passive_ports"),
    }
    return {
        section: {key: value for key, value in values.items() if key not in places.get(section, ())}
        if isinstance(values, dict)
        else values
        for section, values in settings.items()
    }


def _private_environment() -> dict[str, str]:
    """Ours, with the csms that is running now first on the way to modules."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    places = [str(Path(csmsd.__file__).parents[1]), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(places), "LC_ALL": "C.UTF-8"}
