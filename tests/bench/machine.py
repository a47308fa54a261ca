"""The machine that is measured on: its cores, and what a process used of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import nan
from pathlib import Path
from statistics import median
from typing import TypeVar

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int | None) -> float:
    """CPU time of a process so far, all its threads, user and system; 0 where /proc does not tell."""
    return _of_process(pid, 11, 12)


def cpu_seconds_with_children(pid: int | None) -> float:
    """And of the processes that it has started and that have ended."""
    return _of_process(pid, 11, 12, 13, 14)


def _of_process(pid: int | None, *places: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(fields[place]) for place in places) / _CLOCK_TICKS


def peak_mib(pid: int | None) -> float:
    """The most memory that a process has had since it was forgotten; 0 where /proc does not tell."""
    return _of_status(pid, "VmHWM:") / 1024


def resident_kib(pid: int | None) -> int:
    """The memory that a process has now; 0 where /proc does not tell."""
    return _of_status(pid, "VmRSS:")


def _of_status(pid: int | None, name: str) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name))


def forget_peak(pid: int | None) -> None:
    """From now on it counts anew."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


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
