"""Everybody connects within a second, as after a power cut, and again after a kill: all are let in at once."""

import random

from tests.torture.report import Campaign
from tests.torture.storms import storms


async def test_two_hundred_are_let_in_at_once_and_what_they_say_is_kept() -> None:
    campaign = Campaign(random.Random())
    await storms(campaign, sizes=[200], within=1)
    print(*campaign.measured, sep="\n")
    assert campaign.acknowledged == 400
    assert (campaign.lost, campaign.doubled, campaign.broken) == ([], [], [])
