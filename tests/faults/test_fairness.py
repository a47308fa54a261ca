"""One charge point that sends as fast as it can: the others are answered as if it were not there."""

import asyncio
from time import monotonic

import pytest

from tests.support.flood import FLOODS, flooding
from tests.support.site import Site

SECONDS = 0.05
ROUNDS = 40


@pytest.mark.parametrize("kind", FLOODS)
async def test_others_do_not_wait_for_one_that_floods(site: Site, kind: str) -> None:
    quiet = await site.raw("QUIET")
    await site.register("FLOOD")

    async def p99() -> float:
        found = []
        for _ in range(100):
            begun = monotonic()
            assert (await quiet.heartbeat())[0] == 3
            found.append(monotonic() - begun)
            await asyncio.sleep(0.01)
        return sorted(found)[-2]

    # What else runs on this machine is no fault of csmsd's, which would do it wrong each time.
    most = max(SECONDS, 4 * await p99())
    with flooding(site, "FLOOD", *FLOODS[kind]):
        rounds: list[float] = []
        while len(rounds) < ROUNDS and min(rounds, default=most) >= most:
            rounds.append(await p99())
    assert min(rounds) < most, rounds
