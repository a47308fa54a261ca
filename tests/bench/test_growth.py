"""How long csmsd takes to be ready, over the size of its books: after a clean stop, a kill -9, with a cold disk."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

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
    """The goal: at most 1 s whatever the size; what grows with the books is asserted, as a ratio."""
    rows = [_measured(growth) for growth in SIZES]
    print(f"\n\n{'readings':>12}{'GB':>8}{'clean':>10}{'kill -9':>10}{'cold':>10}   seconds until ready")
    for growth, size, seconds in rows:
        figures = "".join(f"{median(several):10.2f}" for several in seconds.values())
        print(f"{growth.transactions * growth.readings:12,}{size / 1e9:8.2f}{figures}")
    smallest, largest = (min(seconds["clean"]) for _, _, seconds in (rows[0], rows[-1]))
    assert largest < 3 * smallest


def _measured(growth: Growth) -> tuple[Growth, int, dict[str, list[float]]]:
    """(what, its bytes, seconds until READY=1 by what went before)."""
    site = Site()
    site.from_scratch = True
    try:
        grow(site.state, growth)
        site.start_and_wait()
        asyncio.run(site.stop())
        grow_log(site.state / "log.db", growth)
        seconds: dict[str, list[float]] = {"clean": [], "kill -9": [], "cold": []}
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
                seconds[how].append(perf_counter() - begun)
                asyncio.run(site.stop())
        return growth, site.database.stat().st_size, seconds
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
