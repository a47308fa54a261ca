"""The machine that is measured on: its cores, and what a process used of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import nan
from pathlib import Path
from statistics import median
from typing import TypeVar

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int | None) -> float:
    """CPU time of a process so far, all its threads, user and system; 0 where /proc does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


@contextmanager
def on_core(place: int) -> Iterator[None]:
    """Processes started in here stay on one core: 0 the first we may use, -1 the last. Elsewhere it does nothing."""
    try:
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {sorted(allowed)[place]})
    except (AttributeError, OSError):
        yield
        return
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


T = TypeVar("T")


def ratio(ours: list[T], theirs: list[T], of: Callable[[T], float]) -> float:
    """Of the medians of something."""
    theirs_median = median(of(one) for one in theirs)
    return median(of(one) for one in ours) / theirs_median if theirs_median else nan
