"""`kill -9` at random moments, under load."""

import asyncio
from time import monotonic

from tests.torture.report import Campaign

CHARGE_POINTS = 5


async def kills(campaign: Campaign, *, number: int, of_one_site: int) -> list[float]:
    """So many, the books begun anew now and then. Returns after how many seconds csmsd was ready again."""
    ready: list[float] = []
    while len(ready) < number:
        async with campaign.site() as site:
            await site.start()
            async with campaign.fleet(site, CHARGE_POINTS) as fleet:
                for _ in range(min(of_one_site, number - len(ready))):
                    await campaign.chance.choice(fleet.charge_points).acknowledgements(campaign.chance.randint(1, 30))
                    await asyncio.sleep(campaign.chance.uniform(0, 0.01))
                    await site.kill()
                    fleet.up.clear()
                    begun = monotonic()
                    await site.start()
                    ready.append(monotonic() - begun)
                    fleet.up.set()
                    campaign.compare_with_disk("kill -9", fleet, site)
                    await campaign.compare_with_csmsctl("kill -9", fleet.acknowledged, site)
                    campaign.faults["kill -9"] += 1
                await fleet.finish()
                campaign.compare_with_disk("kill -9, all transactions at their end", fleet, site)
                unknown = len({(one.charge_point, one.started) for one in fleet.acknowledged})
                kept = site.stored("SELECT count(*) FROM transactions")[0][0]
                campaign.must(kept == unknown, f"after kill -9: {kept} transactions of {unknown}")
    return ready
