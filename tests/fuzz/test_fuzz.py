"""Ten thousand frames out of the official schemas, as `make fuzz` sends a million."""

import random

from tests.fuzz.campaign import GROWTH_MIB, Campaign
from tests.support.site import Site

FRAMES = 10_000


def test_every_call_is_answered_once_and_rightly(shared_site: Site) -> None:
    outcome = Campaign(shared_site, FRAMES, random.randrange(2**32)).run()
    print(outcome)
    assert outcome.frames > FRAMES * 0.9
    assert outcome.transactions > 50
    assert outcome.late_mib - outcome.early_mib < GROWTH_MIB
    assert "failed: " not in shared_site.errors(), "no commit has"
