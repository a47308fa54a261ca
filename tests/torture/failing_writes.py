"""Writes that fail: the n-th one once, or all of them for a while. csmsd refuses, and goes on by itself."""

import asyncio
import errno
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from tests.support.books import Fleet
from tests.support.disk_shim import FOR_EVER, WatchedDisk
from tests.support.site import Site
from tests.support.wire import WAIT
from tests.torture.report import Campaign

ERRORS = {name: getattr(errno, name) for name in ("EIO", "ENOSPC", "EROFS", "EDQUOT")}
CHARGE_POINTS = 2
WITNESS = "WITNESS"  # a charge point that is no part of the load

Failure = tuple[str, int]  # which write from now, and with what


async def failing_writes(
    campaign: Campaign, *, failures: Sequence[Failure], outages: Sequence[str], sites: int = 1
) -> None:
    """Single writes, then outages in which every write fails, on so many csmsd at once."""
    async with asyncio.TaskGroup() as group:  # each waits most of the time for its csmsd to try again
        for number in range(sites):
            group.create_task(_failing(campaign, failures[number::sites], outages[number::sites]))


async def _failing(campaign: Campaign, failures: Sequence[Failure], outages: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="csms-failing-") as place:
        async with campaign.site() as site:
            disk = WatchedDisk(Path(place), site.state)
            site.variables = disk.variables
            await site.start()
            await site.register(WITNESS)
            async with campaign.fleet(site, CHARGE_POINTS, pause=0.01) as fleet:
                for kind, number in failures:
                    before = disk.failed
                    disk.fail(number, ERRORS[kind])
                    await _failed(disk, before)
                    await _recovered(campaign, site, fleet, f"{kind} of write {number}")
                    campaign.faults["failing writes"] += 1
                for kind in outages:
                    disk.fail(campaign.chance.randint(1, 20), ERRORS[kind], times=FOR_EVER)
                    for charge_point in fleet.charge_points:
                        await charge_point.refusal()
                    await _goes_on_without_its_disk(campaign, site, f"outage ({kind})")
                    disk.heal()
                    await _recovered(campaign, site, fleet, f"outage ({kind})")
                    campaign.faults["outages of the disk"] += 1
                await campaign.compare_with_csmsctl("failing writes", fleet.acknowledged, site)
                await site.restart()
                campaign.compare_with_disk("failing writes and a kill", fleet, site)


async def _failed(disk: WatchedDisk, before: int) -> None:
    deadline = monotonic() + WAIT
    while disk.failed == before:
        assert monotonic() < deadline, "nothing was written"
        await asyncio.sleep(0.002)


async def _recovered(campaign: Campaign, site: Site, fleet: Fleet, fault: str) -> None:
    """By itself, with all that was acknowledged before and during it."""
    campaign.compare_with_disk(fault, fleet, site)
    for charge_point in fleet.charge_points:
        await charge_point.acknowledgements(2)
    campaign.compare_with_disk(f"{fault}, recovered", fleet, site)


async def _goes_on_without_its_disk(campaign: Campaign, site: Site, fault: str) -> None:
    """What is kept nowhere is answered, and the trouble is told."""
    status = await site.json("status")
    campaign.must(status["daemon"]["store"] == "failing", f"{fault}: csmsctl status says {status['daemon']['store']}")
    charge_point = await site.raw(WITNESS, register=False, boot=False)
    answer = await charge_point.ask("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"})
    campaign.must(answer[:1] + answer[2:3] == [4, "InternalError"], f"{fault}: a boot is answered {answer}")
    await charge_point.disconnect()
