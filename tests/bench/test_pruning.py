"""What messages feel of two million rows that go, and of a file that becomes smaller."""

import asyncio
import contextlib
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.bench.load import Latency
from tests.bench.messages import TAG
from tests.bench.results import show
from tests.bench.systems import CHARGE_POINTS, System, put_load_on
from tests.support.grown_books import Growth, grow
from tests.support.site import Site, environment

pytestmark = pytest.mark.bench

RATE = 200
SECONDS = "10"
# Of ten million readings of a year, those of the oldest 85 days are over two million.
OLD = ("prune", "meter_values", "--older-than", "280", "--yes")


def test_pruning_is_in_nobodys_way() -> None:
    """The goal: it delays no message by more than 50 ms at p99. Alone and beside it in turns."""
    site = Site({"ocpp": {"unknown_charge_points": "accept"}, "retention": {"keep_unexported": False}})
    site.from_scratch = True
    rows: list[dict[str, object]] = []
    try:
        grow(site.state, Growth())
        site.start_and_wait()
        asyncio.run(site.call("tag.import", tags=[{"id": TAG.format(number)} for number in range(CHARGE_POINTS)]))
        old = asyncio.run(site.call("prune.plan", kinds=["meter_values"], days=280))["prune"][0]["rows"]
        assert old > 2_000_000
        for _ in range(2):
            rows.append({"beside": "nothing", **_latency(site)})
            with _pruning(site):
                rows.append({"beside": "rows that go", **_latency(site)})
        _leave_pages(site)
        before = site.database.stat().st_size
        rows.append({"beside": "nothing", **_latency(site)})
        with _shrinking(site):
            rows.append({"beside": "pages given back", **_latency(site)})
        given = before - site.database.stat().st_size
    finally:
        asyncio.run(site.close())
    show("pruning", f"{RATE} messages a second, open loop, beside pruning; {given / 1e6:.0f} MB given back", rows)
    assert given > 0


def _latency(site: Site) -> dict[str, object]:
    assert site.process is not None
    target = System(int(site.listen.rpartition(":")[2]), site.process.pid)
    latency: Latency = put_load_on(target, "--rate", str(RATE), "--seconds", SECONDS).all
    return {"messages": latency.count, "p50 ms": latency.p50, "p99 ms": latency.p99, "p99.9 ms": latency.p999}


@contextlib.contextmanager
def _pruning(site: Site) -> Iterator[None]:
    """An operator has begun, and interrupts it in the end."""
    command = [sys.executable, "-m", "csmsctl", *OLD]
    with subprocess.Popen(
        command, env=environment(CSMS_SOCKET=str(site.socket)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as operator:
        yield
        assert operator.poll() is None, "there was not enough to do"
        operator.send_signal(signal.SIGINT)


def _leave_pages(site: Site) -> None:
    """What was pruned in between, as if it had taken the night."""
    asyncio.run(site.stop())
    with contextlib.closing(sqlite3.connect(site.database)) as books:
        books.execute("DELETE FROM meter_value WHERE id < 2500000")
        books.commit()
    site.start_and_wait()


@contextlib.contextmanager
def _shrinking(site: Site) -> Iterator[None]:
    command = [sys.executable, "-m", "csmsctl", "prune", "reservations", "--older-than", "36000", "--yes"]
    with subprocess.Popen(
        command, env=environment(CSMS_SOCKET=str(site.socket)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as operator:
        yield
        operator.send_signal(signal.SIGINT)
