"""A site as it is in operation: csmsd as a process of its own on an empty directory, and csmsctl as another."""

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import tomli_w

from tests.support.charge_point import ChargePoint
from tests.support.console import run_csmsctl
from tests.support.control import ControlConnection, ControlError
from tests.support.forks import FORKS, Forked
from tests.support.raw_charge_point import RawChargePoint

ROOT = Path(__file__).parents[2]
CSMSD = (sys.executable, "-m", "csmsd")
READY_SECONDS = 60.0
ENDED_SECONDS = 60.0
OPENING_SECONDS = 120.0  # TLS and slow hashes are waited for on a busy machine

_NOT_INHERITED = (
    "CSMS_SOCKET",
    "NOTIFY_SOCKET",
    "INVOCATION_ID",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "PAGER",
    "LESS",
)


def environment(**more: str) -> dict[str, str]:
    """What our processes are started with: nothing of the developer's settings."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return kept | {"PYTHONPATH": str(ROOT), "TZ": "UTC", "LC_ALL": "C.UTF-8"} | more


@dataclass
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class ServiceManager:
    """The socket on which csmsd tells that it is ready: sd_notify(3), the other end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(str(path))

    def next(self, seconds: float) -> list[str] | None:
        """The states of the next notification, or None when none came in time."""
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(4096).decode().split("\n")
        except (TimeoutError, BlockingIOError):
            return None

    def close(self) -> None:
        self._socket.close()


class NotReady(Exception):
    """csmsd ended, or did not become ready in time."""


class Site:
    """A directory, a csmsd that may come and go on it, and the charge points that connect to it."""

    def __init__(self, settings: dict[str, dict[str, Any]] | None = None, *, state: Path | None = None) -> None:
        # Not pytest's tmp_path: the path of a Unix socket has at most 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="csms-"))
        self.state = state or self.directory / "state"
        self.socket = self.directory / "s.sock"
        self.config = self.directory / "csmsd.toml"
        self.stderr = self.directory / "stderr"
        self.database = self.state / "csms.db"
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.listen = ""
        self.tracebacks_expected = False
        self.tell: Callable[[str], None] = print  # what csmsd said; pytest shows it when the test failed
        self.source = ROOT  # where csmsd comes from
        self.from_scratch = False  # csmsd is started as users do it, not forked from a process that has imported it
        self.variables: dict[str, str] = {}  # of csmsd's environment
        self.flags: list[str] = []  # of csmsd's command line
        self.descriptors: int | None = None  # that csmsd may have open at once
        self.manager = ServiceManager(self.directory / "n.sock")
        self._charge_points: list[ChargePoint | RawChargePoint] = []
        self._controls: list[ControlConnection] = []
        self.write_settings(settings or {})

    def write_settings(self, settings: dict[str, dict[str, Any]]) -> None:
        """A refusal comes sooner than usual, and who opens a connection has longer, unless it is said how long."""
        ours = {"security": {"failure_delay": 0.05}, "server": {"handshake_timeout": OPENING_SECONDS}}
        both = {name: section | settings.get(name, {}) for name, section in ours.items()}
        self.config.write_text(tomli_w.dumps(settings | both))

    # --- the daemon

    def command(self, *more: str) -> list[str]:
        return [
            *(*CSMSD, "--config", str(self.config), "--listen", "127.0.0.1:0"),
            *("--state-dir", str(self.state), "--socket", str(self.socket), *more),
        ]

    def spawn(self) -> "subprocess.Popen[bytes] | Forked":
        """Starts csmsd and does not wait for it."""
        command = self.command(*self.flags)
        usual = {"PYTHONPATH": str(self.source), "NOTIFY_SOCKET": str(self.manager.path)}
        variables = environment(**(usual | self.variables))
        with self.stderr.open("ab") as stderr:
            if "csmsd" in FORKS and not (self.from_scratch or self.variables or self.source != ROOT):
                file = stderr.fileno()
                self.process = FORKS["csmsd"].start(
                    command[len(CSMSD) :], variables, file, file, descriptors=self.descriptors
                )
            else:
                self.process = None
            if self.process is None:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=stderr,
                    stderr=stderr,
                    preexec_fn=self._limit_descriptors,
                    cwd=self.source,
                    env=variables,
                )
        return self.process

    def _limit_descriptors(self) -> None:
        if self.descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    def start_and_wait(self) -> None:
        """Starts csmsd and waits until it says READY=1. Raises NotReady."""
        process = self.spawn()
        deadline = monotonic() + READY_SECONDS
        while True:
            states = self.manager.next(0.1)
            if states is not None and "READY=1" in states:
                break
            if process.poll() is not None or monotonic() > deadline:
                raise NotReady(f"exit code {process.poll()}:\n{self.errors()}")
        self.listen = self._ask_once("daemon.info")["listen"][0]

    def _ask_once(self, method: str) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(READY_SECONDS)
            connection.connect(str(self.socket))
            connection.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode() + b"\n")
            with connection.makefile() as lines:
                result = json.loads(lines.readline())["result"]
        assert isinstance(result, dict)
        return result

    async def start(self) -> None:
        await asyncio.to_thread(self.start_and_wait)

    def run_to_end(self, *more: str) -> Ended:
        """Runs csmsd until it ends by itself."""
        done = subprocess.run(
            self.command(*more), capture_output=True, text=True, timeout=READY_SECONDS, check=False, env=environment()
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        """The exit code, once it is there. Raises TimeoutExpired."""
        assert self.process is not None
        code = await asyncio.to_thread(self.process.wait, ENDED_SECONDS)
        self.process = None
        return code

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """`kill -9`: nothing is flushed, nobody is told."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def restart(self) -> None:
        """Killed and started again, on what is on disk."""
        await self.kill()
        await self.start()

    def errors(self) -> str:
        """What csmsd said so far."""
        return self.stderr.read_text(errors="replace") if self.stderr.exists() else ""

    def limit_file_size(self, size: int | None) -> None:
        """No file of the running csmsd may grow beyond `size` bytes, as on a disk that is full; None lifts that."""
        assert self.process is not None
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

    # --- operators

    async def csmsctl(self, *arguments: str, stdin: str | None = None) -> Ended:
        """Runs csmsctl until it ends."""
        words = ["--socket", str(self.socket), *arguments]
        return Ended(*await asyncio.to_thread(run_csmsctl, words, environment(), stdin))

    async def json(self, *arguments: str) -> Any:
        """The JSON that a csmsctl command prints, which must succeed."""
        ended = await self.csmsctl("--json", *arguments)
        assert ended.code == 0, ended
        return ended.json

    async def control(self) -> ControlConnection:
        """A connection to the control socket, closed with the site."""
        connection = await ControlConnection.open(self.socket)
        self._controls.append(connection)
        return connection

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One method of the control socket."""
        async with await ControlConnection.open(self.socket) as connection:
            return await connection.call(method, **params)

    async def refused(self, method: str, **params: Any) -> tuple[int, str]:
        """The code and the text with which a method of the control socket is refused."""
        try:
            answer = await self.call(method, **params)
        except ControlError as error:
            return error.code, str(error)
        raise AssertionError(f"{method} was carried out: {answer}")

    async def watch(self, *types: str) -> ControlConnection:
        """A connection that gets the events of these types from now on."""
        connection = await self.control()
        await connection.call("event.subscribe", types=list(types) or None)
        return connection

    # --- charge points

    def url(self, identity: str, path: str = "/ocpp/") -> str:
        return f"ws://{self.listen}{path}{identity}"

    async def register(self, identity: str, **fields: Any) -> None:
        await self.call("charge_point.add", id=identity, **fields)

    async def charge_point(self, identity: str, *, boot: bool = True, password: str | None = None) -> ChargePoint:
        """A charge point on PyPI `ocpp`, registered, connected and booted."""
        await self.register(identity)
        connected = await ChargePoint.connect(self.url(identity), password=password)
        self._charge_points.append(connected)
        if boot:
            await connected.boot()
        return connected

    async def raw(self, identity: str, *, boot: bool = True, register: bool = True, **options: Any) -> RawChargePoint:
        """A charge point that writes its frames by hand."""
        if register:
            await self.register(identity)
        connected = await RawChargePoint.connect(self.url(identity, options.pop("path", "/ocpp/")), **options)
        self._charge_points.append(connected)
        if boot:
            answer = await connected.boot()
            assert answer[2]["status"] == "Accepted"
        return connected

    async def asked_nothing(self, point: RawChargePoint, identity: str = "CP1") -> None:
        """Nothing that the test has not taken was sent to a charge point: what it is asked now comes first."""
        running = asyncio.create_task(self.call("operation.call", targets=[identity], action="ClearCache", force=True))
        await point.answer(await point.asked("ClearCache"), {"status": "Accepted"})
        assert (await running)["results"][0]["outcome"] == "accepted"

    # --- what is on disk

    def stored(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of the database file, read past csmsd."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql, parameters).fetchall()

    # --- the end

    async def close(self) -> None:
        """Ends everything. csmsd must end with 0 and must not have met an error that it did not expect."""
        try:
            for charge_point in self._charge_points:
                await charge_point.disconnect()
            for control in self._controls:
                await control.close()
            if self.process is not None and self.process.poll() is None:
                assert await self.stop() == 0
            assert self.tracebacks_expected or "Traceback" not in self.errors()
        finally:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
            self.tell(self.errors())
            self.manager.close()
            shutil.rmtree(self.directory)
