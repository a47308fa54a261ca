"""`make torture`: faults by the hundred against real csmsd processes, and the books compared after each.

Its last lines say what was tried and what was lost; the exit code is 1 where anything was, or another promise broken.
"""

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import monotonic

from tests.support.guard import guarded
from tests.support.shim import COMPILER
from tests.torture.clocks import clock_jumps
from tests.torture.failing_writes import ERRORS, failing_writes
from tests.torture.files import GONE, damaged_files, locked_files, missing_files
from tests.torture.hostile_texts import SHAPES, hostile_texts
from tests.torture.kills import kills
from tests.torture.peers import deaf_charge_points, floods, slow_subscribers
from tests.torture.power_cuts import power_cuts
from tests.torture.report import Campaign
from tests.torture.slow_disk import slow_disk
from tests.torture.storms import storms

Size = Callable[[int], int]  # how many of something that the full run has so many of


async def _kills(campaign: Campaign, size: Size) -> None:
    ready = await kills(campaign, number=size(500), of_one_site=25)
    campaign.measured.append(
        f"ready again after kill -9: in {median(ready):.2f} s (median), {max(ready):.2f} s (longest)"
    )


async def _power_cuts(campaign: Campaign, size: Size) -> None:
    recordings = size(10)
    await power_cuts(
        campaign, images=60 * recordings, recordings=recordings, acknowledgements=600, starts=4 * recordings
    )


async def _failing_writes(campaign: Campaign, size: Size) -> None:
    failures = [(kind, number) for number in range(1, size(100) + 1) for kind in ERRORS]
    await failing_writes(campaign, failures=failures, outages=[*ERRORS] * size(5), sites=4)


async def _files(campaign: Campaign, size: Size) -> None:
    await locked_files(campaign, times=size(30), longest=3)
    await damaged_files(campaign, times=size(40))
    await missing_files(campaign, ways=[*GONE] * size(4))


async def _clocks(campaign: Campaign, size: Size) -> None:
    await clock_jumps(campaign, times=size(40), longest=2)


async def _storms(campaign: Campaign, size: Size) -> None:
    await storms(campaign, sizes=[size(1000), size(5000)], within=1)


async def _peers(campaign: Campaign, size: Size) -> None:
    await floods(campaign, seconds=size(10))
    await deaf_charge_points(campaign, number=size(4))
    await slow_subscribers(campaign, number=size(8))


async def _hostile_texts(campaign: Campaign, size: Size) -> None:
    await hostile_texts(campaign, shapes=campaign.chance.sample([*SHAPES], size(len(SHAPES))))


async def _slow_disk(campaign: Campaign, size: Size) -> None:
    await slow_disk(campaign, fsync_seconds=0.1, seconds=size(20))


KINDS: dict[str, Callable[[Campaign, Size], Awaitable[None]]] = {
    "kills": _kills,
    "power-cuts": _power_cuts,
    "failing-writes": _failing_writes,
    "files": _files,
    "clocks": _clocks,
    "slow-disk": _slow_disk,
    "storms": _storms,
    "peers": _peers,
    "hostile-texts": _hostile_texts,
}
NEED_A_COMPILER = {"power-cuts", "failing-writes", "slow-disk", "clocks"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", choices=[[], *KINDS], help=f"of {', '.join(KINDS)} (all)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="that of a run to try again")
    parser.add_argument("--share", type=float, default=1.0, metavar="F", help="of the full run, 0.1 a tenth (1)")
    parser.add_argument("--synchronous", choices=["FULL", "NORMAL"], default="FULL", help="NORMAL is to lose records")
    parser.add_argument("--csmsd", type=Path, metavar="DIR", help="try the csmsd in that copy of the sources")
    return parser


async def _run(kinds: list[str], campaign: Campaign, seed: int, size: Size) -> None:
    for kind in kinds:
        if kind in NEED_A_COMPILER and COMPILER is None:
            print(f"{kind}: not tried, there is no C compiler", flush=True)
            continue
        # Each by itself, so that one of them can be repeated alone.
        campaign.chance.seed(f"{seed} {kind}")
        before, begun = campaign.faults.total(), monotonic()
        try:
            await KINDS[kind](campaign, size)
        except Exception:
            traceback.print_exc()
            campaign.broken.append(f"{kind} broke off")
        took, tried = monotonic() - begun, campaign.faults.total() - before
        so_far = f"acknowledged {campaign.acknowledged}, lost {len(campaign.lost)}, doubled {len(campaign.doubled)}"
        print(f"{kind}: {tried} faults in {took:.0f} s; so far {so_far}", flush=True)


def main() -> int:
    arguments = _parser().parse_args()
    campaign = Campaign(random.Random(), {"store": {"synchronous": arguments.synchronous}}, arguments.csmsd)
    begun = monotonic()
    print(f"seed: {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="csms-torture-") as place, guarded(secrets.token_hex(8), Path(place)):
        tempfile.tempdir = place

        def size(of_the_full_run: int) -> int:
            return max(1, round(of_the_full_run * arguments.share))

        asyncio.run(_run(arguments.kinds or [*KINDS], campaign, arguments.seed, size))
    print(f"took: {monotonic() - begun:.0f} s", *campaign.lines(), sep="\n")
    return campaign.exit_code


if __name__ == "__main__":
    sys.exit(main())
