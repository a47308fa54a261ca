"""What grows with the books: the time until csmsd is ready, backups, reports, exports, and what a message costs."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from tests.bench.load import Report
from tests.bench.machine import cpu_seconds, cpu_seconds_with_children, forget_peak, on_core, peak_mib
from tests.bench.messages import TAG
from tests.bench.results import show
from tests.bench.systems import CHARGE_POINTS, System, put_load_on
from tests.support.grown_books import Growth, grow, grow_log
from tests.support.site import Site, environment

pytestmark = pytest.mark.bench

ROUNDS = 5
SIZES = (
    Growth(transactions=0, active=0, tasks=0, settled_messages=0, log_rows=0),
    Growth(transactions=30_000),
    Growth(transactions=300_000),
)
MONTH = ("--since", "60d", "--until", "30d")
# What csmsctl is told, and how often the median is taken of.
COMMANDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "report of a month": (3, ("report", *MONTH)),
    "export of a month": (3, ("tx", "export", *MONTH)),
    "export of all": (1, ("tx", "export")),
    "export of all, JSON": (1, ("tx", "export", "--json")),
    "bookings for billing": (1, ("export", "transactions")),
    "prune --dry-run": (3, ("prune", "transactions", "meter_values", "tasks", "--older-than", "300", "--dry-run")),
    "tx list": (3, ("tx", "list")),
    "tx list --tag": (3, ("tx", "list", "--tag", "TAG000077")),
    "tx list --since": (3, ("tx", "list", "--since", "300d", "--until", "299d")),
    "tx list --state closed": (3, ("tx", "list", "--state", "closed")),
}
# A process of its own starts csmsctl, since the memory of whoever starts one counts as its own.
_RUN = """
import json, resource, subprocess, sys, time
begun = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


def named(growth: Growth) -> dict[str, object]:
    return {"readings": growth.transactions * growth.readings}


@contextmanager
def grown_site(growth: Growth) -> Iterator[Site]:
    """With its log; it has run, and stopped."""
    site = Site({"ocpp": {"unknown_charge_points": "accept"}})
    site.from_scratch = True
    try:
        grow(site.state, growth)
        site.start_and_wait()
        asyncio.run(site.stop())
        grow_log(site.state / "log.db", growth)
        yield site
    finally:
        asyncio.run(site.close())


def test_ready_whatever_the_size() -> None:
    """The goal: at most 1 s whatever the size. Of CPU time, since other load on the machine makes csmsd wait."""
    rows: list[dict[str, object]] = []
    clean = []
    for growth in SIZES:
        with grown_site(growth) as site:
            starts = _starts(site)
            row = named(growth) | {"GB": site.database.stat().st_size / 1e9}
        for how, several in starts.items():
            row |= {f"{how}, s": median(waited for waited, _ in several)}
            row |= {f"{how}, CPU s": median(worked for _, worked in several)}
        rows.append(row)
        clean.append(min(worked for _, worked in starts["clean"]))
    show("start-up", "Until ready, by what went before", rows)
    assert clean[-1] < 2 * clean[0]


def _starts(site: Site) -> dict[str, list[tuple[float, float]]]:
    """By what went before: seconds until READY=1, and of CPU."""
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
    return starts


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


def test_what_is_asked_of_books_of_any_size() -> None:
    """CPU of both sides is what to compare. Memory does not grow, except with what a report lists."""
    rows: list[dict[str, object]] = []
    peaks: dict[str, list[tuple[float, float]]] = {}
    for growth in SIZES:
        with grown_site(growth) as site:
            site.start_and_wait()
            for name, (rounds, words) in COMMANDS.items():
                told = [_asked(site, *words) for _ in range(rounds)]
                waited, theirs, ours, memory, server = (median(figures) for figures in zip(*told, strict=True))
                row = named(growth) | {"what": name, "s": waited, "csmsctl, CPU s": theirs, "csmsd, CPU s": ours}
                rows.append(row | {"csmsctl, MiB": memory, "csmsd, MiB": server})
                peaks.setdefault(name, []).append((memory, server))
    show("commands", "What is asked of books", rows)
    for name, ((_, _), (memory, server), (most, most_server)) in peaks.items():
        if name != "report of a month":
            assert most < 1.3 * memory, name
            assert most_server < 1.3 * server, name


def _asked(site: Site, *words: str) -> tuple[float, float, float, float, float]:
    """(seconds, CPU of csmsctl, CPU of csmsd and what it starts, MiB of csmsctl, MiB of csmsd)."""
    assert site.process is not None
    pid = site.process.pid
    forget_peak(pid)
    before = cpu_seconds_with_children(pid)
    command = [sys.executable, "-c", _RUN, sys.executable, "-m", "csmsctl", *words]
    done = subprocess.run(command, env=environment(CSMS_SOCKET=str(site.socket)), capture_output=True, check=True)
    code, waited, worked, memory = map(float, done.stdout.strip(b"[]\n").split(b","))
    assert code == 0, done.stderr.decode()
    return waited, worked, cpu_seconds_with_children(pid) - before, memory, peak_mib(pid)


def test_backup_against_cp() -> None:
    """The goal: at most twice as long as cp, whose file is brought to the disk likewise."""
    rows: list[dict[str, object]] = []
    for growth in SIZES:
        with grown_site(growth) as site:
            site.start_and_wait()
            copy, backup = site.directory / "copy.db", site.directory / "backup.db"
            copies: list[tuple[float, float]] = []
            backups: list[tuple[float, float]] = []
            for _ in range(3):
                copies.append(_copied(site.database, copy))
                copy.unlink()  # each into memory that has just been in use: a virtual machine pays for other memory
                waited, theirs, ours, *_ = _asked(site, "backup", str(backup))
                backup.unlink()
                backups.append((waited, theirs + ours))
            row = named(growth) | {"GB": site.database.stat().st_size / 1e9}
        for what, several in (("cp", copies), ("backup", backups)):
            row |= {f"{what}, s": median(waited for waited, _ in several)}
            row |= {f"{what}, CPU s": median(worked for _, worked in several)}
        row["times"] = min(waited for waited, _ in backups) / min(waited for waited, _ in copies)
        rows.append(row)
    show("backup", "Backup against cp and sync, in turns", rows)


def _copied(source: Path, target: Path) -> tuple[float, float]:
    """(seconds, of CPU)."""
    before, begun = os.times(), perf_counter()
    subprocess.run(["sh", "-c", 'cp --reflink=never "$0" "$1" && sync "$1"', source, target], check=True)
    seconds, after = perf_counter() - begun, os.times()
    return seconds, sum(after[2:4]) - sum(before[2:4])


def test_a_message_costs_the_same_whatever_the_size() -> None:
    """All sites are up, and have the load in turns. The goal: at most 10 % less than with empty books."""
    reports: list[list[Report]] = [[] for _ in SIZES]
    with ExitStack() as stack:
        systems = [_system(stack.enter_context(grown_site(growth))) for growth in SIZES]
        for turn in range(4):
            order = list(zip(systems, reports, strict=True))
            for target, into in order if turn % 2 else reversed(order):
                into.append(put_load_on(target, "--seconds", "2", "--warm-up", "0.5"))
    costs = [median(report.cpu_us_per_message for report in several) for several in reports]
    rows = [
        named(growth) | {"CPU µs a message": cost, "times": cost / costs[0]}
        for growth, cost in zip(SIZES, costs, strict=True)
    ]
    show("throughput-over-size", f"{CHARGE_POINTS} charge points, closed loop, in turns", rows)


def _system(site: Site) -> System:
    """What was stored counts from here on."""
    with on_core(0):
        site.start_and_wait()
    asyncio.run(site.call("tag.import", tags=[{"id": TAG.format(number)} for number in range(CHARGE_POINTS)]))
    assert site.process is not None
    return System(int(site.listen.rpartition(":")[2]), site.process.pid)
