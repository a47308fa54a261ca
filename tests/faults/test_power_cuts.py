"""Power cuts, put together from what csmsd wrote: what was acknowledged is there, in whatever order a disk writes."""

import random
from typing import Any

from tests.support.shim import needs_compiler
from tests.torture.power_cuts import power_cuts
from tests.torture.report import Campaign

pytestmark = needs_compiler


async def tried(settings: dict[str, Any], *, starts: int) -> Campaign:
    campaign = Campaign(random.Random(), {"store": settings})
    await power_cuts(campaign, images=25, recordings=1, acknowledgements=60, starts=starts)
    assert campaign.faults.total() == 25
    assert campaign.acknowledged >= 60
    return campaign


async def test_what_was_acknowledged_is_there_after_a_power_cut() -> None:
    campaign = await tried({}, starts=1)
    assert (campaign.lost, campaign.doubled, campaign.broken) == ([], [], [])


async def test_without_fsync_it_is_lost_and_that_is_noticed() -> None:
    """`synchronous = "NORMAL"` gives that up, as csmsd.toml(5) says; so does whatever breaks the promise by mistake."""
    assert (await tried({"synchronous": "NORMAL"}, starts=0)).lost
