"""How long csmsd takes to be ready, over the size of its books: after a clean stop, a kill -9, with a cold disk."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from tests.bench.machine import cpu_seconds
from tests.support.grown_books import Growth, grow, grow_log
from tests.support.site import Site

pytestmark = pytest.mark.bench

ROUNDS = 5
SIZES = (
    Growth(transactions=0, active=0, tasks=0, settled_messages=0, log_rows=0),
    Growth(transactions=30_000),
    Growth(transactions=300_000),
)


def test_ready_whatever_the_size() -> None:
    """The goal: at most 1 s whatever the size. Of CPU time, since other load on the machine makes csmsd wait."""
    rows = [_measured(growth) for growth in SIZES]
    print(f"\n\n{'readings':>12}{'GB':>8}{'clean':>12}{'kill -9':>12}{'cold':>12}   until ready: s, and s of CPU")
    for growth, size, starts in rows:
        figures = "".join(
            f"{median(waited for waited, _ in several):7.2f}{median(worked for _, worked in several):5.2f}"
            for several in starts.values()
        )
        print(f"{growth.transactions * growth.readings:12,}{size / 1e9:8.2f}{figures}")
    smallest, largest = (min(worked for _, worked in starts["clean"]) for _, _, starts in (rows[0], rows[-1]))
    assert largest < 2 * smallest


def _measured(growth: Growth) -> tuple[Growth, int, dict[str, list[tuple[float, float]]]]:
    """(what, its bytes, by what went before: seconds until READY=1, and of CPU)."""
    site = Site()
    site.from_scratch = True
    try:
        grow(site.state, growth)
        site.start_and_wait()
        asyncio.run(site.stop())
        grow_log(site.state / "log.db", growth)
        starts: dict[str, list[tuple[float, float]]] = {"clean": [], "kill -9": [], "cold": []}
        ends: dict[str, Callable[[], None]] = {
            "clean": lambda: None,
            "kill -9": lambda: _kill(site),
            "cold": lambda: _forget(site.state),
        }
        for _ in range(ROUNDS):
            for how, prepare in ends.items():
                prepare()
                begun = perf_counter()
                site.start_and_wait()
                assert site.process is not None
                starts[how].append((perf_counter() - begun, cpu_seconds(site.process.pid)))
                asyncio.run(site.stop())
        return growth, site.database.stat().st_size, starts
    finally:
        asyncio.run(site.close())


def _kill(site: Site) -> None:
    site.start_and_wait()
    asyncio.run(site.kill())


def _forget(state: Path) -> None:
    """Has the system read the files from the disk again."""
    for path in state.iterdir():
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
