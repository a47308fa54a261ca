"""A wall clock that jumps, forward and back, while transactions are to be pruned when they are old."""

import asyncio
import tempfile
from pathlib import Path
from time import time
from typing import Any

from tests.support.clock_shim import MovableClock
from tests.torture.report import Campaign

CHARGE_POINTS = 3
DAY = 86_400
JUMPS = (90, 3600, DAY, 30 * DAY, 2 * 365 * DAY, 10 * 365 * DAY)
SETTINGS: dict[str, dict[str, Any]] = {
    "retention": {"transactions_days": 400, "meter_values_days": 400, "keep_unexported": False, "at": "03:30"},
}


async def clock_jumps(campaign: Campaign, *, times: int, longest: float) -> None:
    """Each lasts for some seconds at most; csmsd is started anew during every fifth."""
    with tempfile.TemporaryDirectory(prefix="csms-clock-") as place:
        clock = MovableClock(Path(place))
        async with campaign.site(SETTINGS, variables=clock.variables) as site:
            noon = DAY - (int(time()) - DAY // 2) % DAY
            clock.set(noon)
            await site.start()
            async with campaign.fleet(site, CHARGE_POINTS, pause=0.01) as fleet:
                for number in range(times):
                    jump = campaign.chance.choice([-1, 1]) * campaign.chance.choice(JUMPS)
                    jump += campaign.chance.randint(-DAY // 2, DAY // 2) if abs(jump) > DAY else 0
                    clock.set(noon + jump)
                    if number % 5 == 4:
                        await site.restart()
                    for charge_point in fleet.charge_points:
                        await charge_point.acknowledgements(2)
                    await asyncio.sleep(campaign.chance.uniform(0, longest))
                    campaign.compare_with_disk(f"a jump of {jump} s", fleet, site)
                    clock.set(noon)
                    for charge_point in fleet.charge_points:
                        await charge_point.acknowledgements(2)
                    campaign.compare_with_disk(f"a jump of {jump} s and back", fleet, site)
                    campaign.faults["clock jumps"] += 2
                watcher = await site.watch("daemon.clock_jumped")
                clock.set(noon + 2 * 365 * DAY)
                await watcher.event("daemon.clock_jumped")  # others were taken back before anybody looked
                kinds = [one["kind"] for one in (await site.json("status", "--problems"))["problems"]]
                campaign.must("clock_jumped" in kinds, "no problem tells that the clock jumped")
                await campaign.compare_with_csmsctl("clock jumps", fleet.acknowledged, site)
