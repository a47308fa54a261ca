"""A disk whose fsync takes long, under the load of a large site."""

import asyncio
import tempfile
from pathlib import Path

from tests.bench.messages import TAG
from tests.bench.systems import CHARGE_POINTS, put_load_on, system
from tests.support.disk_shim import WatchedDisk
from tests.torture.report import Campaign

SETTINGS = {"ocpp": {"unknown_charge_points": "accept"}}


async def slow_disk(campaign: Campaign, *, fsync_seconds: float, seconds: int) -> None:
    """200 charge points send a message a second each; all of them are kept, and how long they waited is measured."""
    with tempfile.TemporaryDirectory(prefix="csms-slow-") as place:
        async with campaign.site(SETTINGS) as site:
            disk = WatchedDisk(Path(place), site.state)
            site.variables = disk.variables
            await site.start()
            await site.call("tag.import", tags=[{"id": TAG.format(number)} for number in range(CHARGE_POINTS)])
            disk.slow_down(fsync_seconds)
            options = ("--rate", str(CHARGE_POINTS), "--seconds", str(seconds), "--warm-up", "2")
            # It compares how much was acknowledged with how much there is.
            report = await asyncio.to_thread(put_load_on, system(site), *options)
            campaign.measured.append(
                f"fsync {fsync_seconds * 1000:.0f} ms slower, {CHARGE_POINTS} charge points: {report.rate:.0f} "
                f"messages a second, answered after {report.all.p50:.0f} ms (median), {report.all.p99:.0f} ms (p99)"
            )
            campaign.acknowledged += sum(report.acknowledged.values())
            campaign.faults["slow disks"] += 1
