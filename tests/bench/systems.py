"""The systems that are measured, each a process of its own on the first core, and the load on the last one."""

import asyncio
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec

from tests.bench.load import Report
from tests.bench.machine import on_core
from tests.bench.messages import SAMPLES, TAG
from tests.support.site import ROOT, Site, environment

CHARGE_POINTS = 200
READY_SECONDS = 20


class System(msgspec.Struct):
    """A server that is running. `stored` says how many transactions and meter values are on disk, where any are."""

    port: int
    pid: int
    stored: Callable[[], tuple[int, int]] | None = None


Start = Callable[[], AbstractContextManager[System]]


COMPILED = ROOT / "build" / "compiled"  # by `make compiled`


@contextmanager
def running_site(source: Path = ROOT) -> Iterator[Site]:
    """csmsd with its usual settings, as many idTags as the load has charge points, and charge points let in."""
    site = Site({"ocpp": {"unknown_charge_points": "accept"}})
    site.source = source
    site.from_scratch = True  # on a core of its own, with memory of its own
    try:
        with on_core(0):
            site.start_and_wait()
        tags = [{"id": TAG.format(number)} for number in range(CHARGE_POINTS)]
        asyncio.run(site.call("tag.import", tags=tags))
        yield site
    finally:
        asyncio.run(site.close())


def system(site: Site) -> System:
    def stored() -> tuple[int, int]:
        counts = (site.stored(f"SELECT count(*) FROM {table}") for table in ("transactions", "meter_value"))
        transactions, meter_values = (rows[0][0] for rows in counts)
        return transactions, meter_values

    assert site.process is not None
    return System(int(site.listen.rpartition(":")[2]), site.process.pid, stored)


@contextmanager
def csmsd() -> Iterator[System]:
    with running_site() as site:
        yield system(site)


@contextmanager
def compiled_csmsd() -> Iterator[System]:
    with running_site(COMPILED) as site:
        yield system(site)


@contextmanager
def pypi_ocpp() -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="csms-bench-") as directory:
        file = Path(directory) / "rival.db"

        def stored() -> tuple[int, int]:
            import sqlite3
            from contextlib import closing

            with closing(sqlite3.connect(file)) as db:
                transactions = db.execute("SELECT count(*) FROM transactions").fetchone()[0]
                samples = db.execute("SELECT count(*) FROM sampled_value").fetchone()[0]
            return transactions, samples // SAMPLES

        with _rival("pypi_ocpp", str(file)) as rival:
            rival.stored = stored
            yield rival


@contextmanager
def bare_websockets() -> Iterator[System]:
    with _rival("bare_websockets") as rival:
        yield rival


@contextmanager
def _rival(name: str, *arguments: str) -> Iterator[System]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", f"tests.bench.rivals.{name}", str(port), *arguments]
    with on_core(0):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment())
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield System(port, process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=READY_SECONDS)


def put_load_on(target: System, *options: str, charge_points: int = CHARGE_POINTS) -> Report:
    """Runs the load; see `load.py` for its options. Answers that are wrong or missing fail the test."""
    command = [
        *(sys.executable, "-m", "tests.bench.load", str(target.port), "--server-pid", str(target.pid)),
        *("--charge-points", str(charge_points), *options),
    ]
    with on_core(-1):
        done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment(), timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    report = msgspec.json.decode(done.stdout, type=Report)
    assert not report.errors, report.errors
    if target.stored is not None:
        acknowledged = report.acknowledged
        assert target.stored() == (acknowledged["StartTransaction"], acknowledged["MeterValues"])
    return report
