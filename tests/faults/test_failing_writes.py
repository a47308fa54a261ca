"""Single writes that fail, one by one: nothing is acknowledged that is not kept, and csmsd recovers by itself."""

import random

from tests.support.shim import needs_compiler
from tests.torture.failing_writes import failing_writes
from tests.torture.report import Campaign


@needs_compiler
async def test_each_error_of_a_write_is_survived() -> None:
    campaign = Campaign(random.Random())
    failures = [("EIO", 1), ("ENOSPC", 2), ("EROFS", 3), ("EDQUOT", 5)]
    await failing_writes(campaign, failures=failures, outages=[])
    assert campaign.faults.total() == len(failures)
    assert (campaign.lost, campaign.doubled, campaign.broken) == ([], [], [])
