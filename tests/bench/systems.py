"""The systems that are measured, each a process of its own on the first core, and the load on the last one."""

import asyncio
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import msgspec

from tests.bench.load import Report
from tests.bench.machine import on_core
from tests.bench.messages import SAMPLES, TAG, TAGS
from tests.bench.rivals.ocpp_rpc import installed
from tests.support.disk_shim import WatchedDisk
from tests.support.site import ROOT, Site, environment

CHARGE_POINTS = 200
READY_SECONDS = 20


class System(msgspec.Struct):
    """A server that is running. `stored` says how many transactions and meter values are on disk, where any are."""

    port: int
    pid: int
    stored: Callable[[], tuple[int, int]] | None = None


class Conditions(msgspec.Struct, frozen=True):
    """What a system is measured under. Only csmsd has a log of messages."""

    fsync_ms: int = 0  # that each fsync takes longer than the disk itself
    message_log: bool = True


USUAL = Conditions()
Start = Callable[[Conditions], AbstractContextManager[System]]


COMPILED = ROOT / "build" / "compiled"  # by `make compiled`


@contextmanager
def running_site(source: Path = ROOT, conditions: Conditions = USUAL) -> Iterator[Site]:
    """csmsd with its usual settings, as many idTags as the load may have charge points, and charge points let in."""
    site = Site({"ocpp": {"unknown_charge_points": "accept"}, "store": {"message_log": conditions.message_log}})
    site.source = source
    site.from_scratch = True  # on a core of its own, with memory of its own
    site.variables = _disk(conditions, site.directory, site.state)
    try:
        with on_core(0):
            site.start_and_wait()
        asyncio.run(site.call("tag.import", tags=[{"id": TAG.format(number)} for number in range(TAGS)]))
        yield site
    finally:
        asyncio.run(site.close())


def _disk(conditions: Conditions, directory: Path, state: Path) -> dict[str, str]:
    if not conditions.fsync_ms:
        return {}
    disk = WatchedDisk(directory, state)
    disk.slow_down(conditions.fsync_ms / 1000)
    return disk.variables


def system(site: Site) -> System:
    def stored() -> tuple[int, int]:
        counts = (site.stored(f"SELECT count(*) FROM {table}") for table in ("transactions", "meter_value"))
        transactions, meter_values = (rows[0][0] for rows in counts)
        return transactions, meter_values

    assert site.process is not None
    return System(int(site.listen.rpartition(":")[2]), site.process.pid, stored)


@contextmanager
def csmsd(conditions: Conditions = USUAL) -> Iterator[System]:
    with running_site(conditions=conditions) as site:
        yield system(site)


@contextmanager
def compiled_csmsd(conditions: Conditions = USUAL) -> Iterator[System]:
    with running_site(COMPILED, conditions) as site:
        yield system(site)


@contextmanager
def pypi_ocpp(conditions: Conditions = USUAL) -> Iterator[System]:
    with _rival_that_stores([sys.executable, "-m", "tests.bench.rivals.pypi_ocpp"], conditions) as rival:
        yield rival


@contextmanager
def npm_ocpp_rpc(conditions: Conditions = USUAL) -> Iterator[System]:
    """Only where `why_no_ocpp_rpc` has nothing to say."""
    with _rival_that_stores(installed(), conditions) as rival:
        yield rival


@contextmanager
def bare_websockets(conditions: Conditions = USUAL) -> Iterator[System]:
    """Under whatever conditions: it stores nothing."""
    with _rival([sys.executable, "-m", "tests.bench.rivals.bare_websockets"], ()) as rival:
        yield rival


@contextmanager
def _rival_that_stores(command: list[str], conditions: Conditions) -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="csms-bench-") as name:
        directory = Path(name)
        state = directory / "state"
        state.mkdir()
        file = state / "rival.db"

        def stored() -> tuple[int, int]:
            with closing(sqlite3.connect(file)) as db:
                transactions = db.execute("SELECT count(*) FROM transactions").fetchone()[0]
                samples = db.execute("SELECT count(*) FROM sampled_value").fetchone()[0]
            return transactions, samples // SAMPLES

        with _rival(command, (str(file),), _disk(conditions, directory, state)) as rival:
            rival.stored = stored
            yield rival


@contextmanager
def _rival(command: list[str], arguments: tuple[str, ...], variables: dict[str, str] | None = None) -> Iterator[System]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with on_core(0):
        process = subprocess.Popen(
            [*command, str(port), *arguments], stdout=subprocess.PIPE, cwd=ROOT, env=environment(**(variables or {}))
        )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield System(port, process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=READY_SECONDS)


def put_load_on(target: System, *options: str, charge_points: int = CHARGE_POINTS) -> Report:
    """Runs the load; see `load.py` for its options. Answers that are wrong or missing fail the test."""
    stored_before = target.stored() if target.stored is not None else (0, 0)
    command = [
        *(sys.executable, "-m", "tests.bench.load", str(target.port), "--server-pid", str(target.pid)),
        *("--charge-points", str(charge_points), *options),
    ]
    with on_core(-1):
        done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment(), timeout=240, check=False)
    assert done.returncode == 0, done.stderr.decode()
    report = msgspec.json.decode(done.stdout, type=Report)
    assert not report.errors, report.errors
    if target.stored is not None:
        transactions, meter_values = (now - before for now, before in zip(target.stored(), stored_before, strict=True))
        assert transactions == report.acknowledged.get("StartTransaction", 0)
        assert meter_values == report.acknowledged.get("MeterValues", 0)
    return report
