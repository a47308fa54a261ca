"""`make soak`: csmsd under what goes on all day, and whether anything of it grows.

The first third of the time is to warm up. Of the rest the median of the second half is held against that of the first:
what is larger by more than the share and the amount that its line allows is not flat, and the exit code is 1. The
slope is that of the straight line through the rest.
"""

import argparse
import asyncio
import re
import secrets
import sys
import tempfile
import urllib.request
from pathlib import Path
from statistics import linear_regression, median
from time import monotonic
from typing import Any

import msgspec

from tests.soak.load import Load
from tests.support.guard import guarded
from tests.support.site import Site

LOOK_SECONDS = 2.0
LOG_MEGABYTES = 1
SETTINGS: dict[str, dict[str, Any]] = {
    "ocpp": {"unknown_charge_points": "accept", "unknown_id_tags": "Accepted"},
    "store": {"message_log_megabytes": LOG_MEGABYTES},
    "retention": {"keep_unexported": False},
    "metrics": {"listen": "127.0.0.1:0"},
}


class Measure(msgspec.Struct):
    """What is looked at; by how much it may be more later: a share of it, and so much."""

    name: str
    unit: str
    share: float
    amount: float


MEASURES = (
    Measure("memory", "MiB", 0.05, 4),
    Measure("descriptors", "", 0.05, 6),
    Measure("threads", "", 0, 2),
    Measure("csms.db-wal", "MiB", 0.1, 4),
    Measure("log.db", "MiB", 0.1, 1),
    Measure("log.db-wal", "MiB", 0.1, 4),
    Measure("late", "ms", 0.5, 10),
    Measure("answer", "ms", 0.5, 50),
)


class Watch:
    """Looks at a running csmsd."""

    def __init__(self, site: Site, metrics: str) -> None:
        assert site.process is not None
        self._process = Path(f"/proc/{site.process.pid}")
        self._site = site
        self._metrics = metrics
        self._late = (0.0, 0.0)
        self.stalls = 0.0

    async def look(self) -> list[float]:
        """A number for each of MEASURES."""
        status = (self._process / "status").read_text("utf-8")
        sizes = [self._size(name) for name in ("csms.db-wal", "log.db", "log.db-wal")]
        late = await asyncio.to_thread(self._lateness)
        begun = monotonic()
        await self._site.call("daemon.info")
        return [
            _number(status, r"VmRSS:\s+(\d+)") / 1024,
            sum(1 for _ in (self._process / "fd").iterdir()),
            _number(status, r"Threads:\s+(\d+)"),
            *sizes,
            late,
            (monotonic() - begun) * 1000,
        ]

    def _size(self, name: str) -> float:
        try:
            return (self._site.state / name).stat().st_size / 1024 / 1024
        except FileNotFoundError:
            return 0.0

    def _lateness(self) -> float:
        """How late the event loop was on average since the last look, ms."""
        with urllib.request.urlopen(self._metrics, timeout=30) as answer:
            text = answer.read().decode()
        total = _number(text, r"csms_event_loop_lag_seconds_sum (\S+)")
        count = _number(text, r"csms_event_loop_lag_seconds_count (\S+)")
        self.stalls = _number(text, r"csms_event_loop_stalls_total (\S+)")
        before, self._late = self._late, (total, count)
        return (total - before[0]) / max(1.0, count - before[1]) * 1000


def _number(text: str, pattern: str) -> float:
    found = re.search("^" + pattern, text, re.MULTILINE)
    assert found is not None, pattern
    return float(found[1])


class Verdict(msgspec.Struct):
    """What became of one measure."""

    first: float
    second: float
    most: float
    slope: float  # an hour
    is_flat: bool


def judged(measure: Measure, times: list[float], values: list[float]) -> Verdict:
    """`times` in seconds; of at least six looks."""
    warm = len(values) // 3
    times, values = times[warm:], values[warm:]
    middle = len(values) // 2
    first, second = median(values[:middle]), median(values[middle:])
    slope = linear_regression(times, values).slope * 3600
    return Verdict(first, second, max(values), slope, second - first <= first * measure.share + measure.amount)


async def _soak(minutes: float) -> int:
    site = Site(SETTINGS)
    await site.start()
    try:
        watch = Watch(site, f"{(await site.call('daemon.info'))['metrics']}/metrics")
        load = Load(site)
        begun = monotonic()
        await load.start(minutes * 60)
        times, looks = [], []
        try:
            while (now := monotonic() - begun) < minutes * 60:
                times.append(now)
                looks.append(await watch.look())
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await load.stop()
        load.wrong += [line for line in site.errors().splitlines() if line.startswith("ERROR")]
        return _told(times, looks, load, watch)
    finally:
        await site.close()


def _told(times: list[float], looks: list[list[float]], load: Load, watch: Watch) -> int:
    print(f"{'':14}{'first':>9}{'later':>9}{'most':>9}{'an hour':>10}")
    flat = True
    for measure, values in zip(MEASURES, zip(*looks, strict=True), strict=True):
        found = judged(measure, times, list(values))
        flat = flat and found.is_flat
        print(
            f"{measure.name:14}{found.first:9.1f}{found.second:9.1f}{found.most:9.1f}{found.slope:+10.1f} "
            f"{measure.unit:4}{'flat' if found.is_flat else 'NOT FLAT'}"
        )
    print(", ".join(f"{times:,} {what}" for what, times in load.done.items()))
    print(f"{len(looks)} looks in {times[-1] / 60:.1f} minutes; {watch.stalls:.0f} stalls of the event loop")
    for wrong in load.wrong[:20]:
        print(f"wrong: {wrong}")
    return 0 if flat and not load.wrong else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csms-soak-") as place, guarded(secrets.token_hex(8), Path(place)):
        tempfile.tempdir = place
        return asyncio.run(_soak(arguments.minutes))


if __name__ == "__main__":
    sys.exit(main())
