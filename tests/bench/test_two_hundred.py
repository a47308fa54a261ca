"""A large site as it is every day: 200 charge points that each send one MeterValues a second."""

import asyncio
from statistics import median
from time import monotonic

import pytest

from tests.bench.load import Report
from tests.bench.systems import CHARGE_POINTS, put_load_on, running_site, system
from tests.support.site import Site

pytestmark = pytest.mark.bench

SECONDS = 10


def test_two_hundred_meter_values_a_second() -> None:
    """The goal: less than half of one core, and `csmsctl status --json` in well under a second meanwhile."""
    with running_site() as site:
        report, status_seconds = asyncio.run(_load_and_status(site))
    print("\n\n200 charge points, a MeterValues a second each")
    print(f"csmsd's share of a core        {report.cpu_share:8.1%}   (goal: below 50 %)")
    print(f"answers after, p50 · p99       {report.all.p50:8.1f} · {report.all.p99:.1f} ms")
    print(f"csmsctl status --json, median  {median(status_seconds):8.2f} s (of {len(status_seconds)})")
    assert report.messages >= CHARGE_POINTS * (SECONDS - 1)


async def _load_and_status(site: Site) -> tuple[Report, list[float]]:
    options = ("--only", "MeterValues", "--rate", str(CHARGE_POINTS), "--seconds", str(SECONDS), "--warm-up", "2")
    return await asyncio.gather(asyncio.to_thread(put_load_on, system(site), *options), _ask_status(site))


async def _ask_status(site: Site) -> list[float]:
    seconds = []
    await asyncio.sleep(4)
    for _ in range(5):
        begun = monotonic()
        status = await site.json("status")
        seconds.append(monotonic() - begun)
        assert len(status["charge_points"]) == CHARGE_POINTS
        await asyncio.sleep(0.5)
    return seconds
