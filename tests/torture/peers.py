"""Peers that take all they can get: floods, charge points that read no answers, operators that read no news."""

import asyncio
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

from tests.support.control import ControlConnection
from tests.support.flood import FLOODS, flooding
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site
from tests.torture.report import Campaign

CHARGE_POINTS = 3
AUTHORIZE = ("Authorize", {"idTag": "TAG"})
MORE_THAN_WAIT = 12_000  # events: more than are kept for a subscriber, and what the kernel takes
REMEMBERED = 5_000  # of the last 10,000 that memory holds; these are in no log
CUT_SECONDS = 60


def megabytes(site: Site) -> float:
    """What csmsd takes of the memory now."""
    assert site.process is not None
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


class Meanwhile:
    """A charge point that asks for the time again and again: how long others wait."""

    def __init__(self, charge_point: RawChargePoint) -> None:
        self._charge_point = charge_point
        self._waits: list[float] = []
        self._task = asyncio.create_task(self._ask())
        # Once it is cancelled nobody asks what became of it.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _ask(self) -> None:
        while True:
            begun = monotonic()
            await self._charge_point.heartbeat()
            self._waits.append(monotonic() - begun)
            await asyncio.sleep(0.01)

    def end(self) -> str:
        """The result in words."""
        if self._task.done():
            self._task.result()  # it has broken off
        self._task.cancel()
        waits = sorted(self._waits)
        p99 = waits[len(waits) * 99 // 100]
        return f"others waited {p99 * 1000:.0f} ms (p99 of {len(waits)}), {waits[-1]:.2f} s at most"


async def floods(campaign: Campaign, *, seconds: float) -> None:
    """One charge point sends as fast as it can; the others are served, and their books are right."""
    async with campaign.site() as site:
        await site.start()
        await site.register("FLOOD")
        quiet = await site.raw("QUIET")
        async with campaign.fleet(site, CHARGE_POINTS, pause=0.01) as fleet:
            for kind, message in FLOODS.items():
                meanwhile = Meanwhile(quiet)
                with flooding(site, "FLOOD", *message):
                    await asyncio.sleep(seconds)
                    for charge_point in fleet.charge_points:
                        await charge_point.acknowledgements(2)
                campaign.measured.append(f"flood of {kind}: {meanwhile.end()}; csmsd took {megabytes(site):.0f} MiB")
                campaign.compare_with_disk(f"flood of {kind}", fleet, site)
                await campaign.compare_with_csmsctl(f"flood of {kind}", fleet.acknowledged, site)
                campaign.faults["floods"] += 1


async def deaf_charge_points(campaign: Campaign, *, number: int) -> None:
    """They send and never read: each is cut, and nobody waits for it."""
    async with campaign.site() as site:
        await site.start()
        identities = [f"DEAF{one}" for one in range(number)]
        for identity in identities:
            await site.register(identity)
        quiet = await site.raw("QUIET")
        async with campaign.fleet(site, CHARGE_POINTS, pause=0.01) as fleet:
            meanwhile = Meanwhile(quiet)
            with ExitStack() as floods:
                running = [
                    floods.enter_context(flooding(site, identity, "Heartbeat", {}, deaf=True))
                    for identity in identities
                ]
                codes = [await asyncio.to_thread(flood.wait, CUT_SECONDS) for flood in running]
            campaign.must(codes == [1] * number, f"of {number} that never read, these were not cut: {codes}")
            campaign.measured.append(
                f"{number} that read nothing: {meanwhile.end()}; csmsd took {megabytes(site):.0f} MiB"
            )
            for charge_point in fleet.charge_points:
                await charge_point.acknowledgements(2)
            campaign.compare_with_disk("charge points that read nothing", fleet, site)
            campaign.faults["charge points that read nothing"] += number


async def slow_subscribers(campaign: Campaign, *, number: int) -> None:
    """They subscribe and do not read: each is cut with a notice, and can go on where it was."""
    async with campaign.site() as site:
        await site.start()
        await site.register("FLOOD")
        quiet = await site.raw("QUIET")
        async with campaign.fleet(site, CHARGE_POINTS, pause=0.01) as fleet:
            prompt = await site.watch("tag.authorized")
            slow = [await _subscribed_and_silent(site) for _ in range(number)]
            meanwhile = Meanwhile(quiet)
            with flooding(site, "FLOOD", *AUTHORIZE):
                told = [await _number_of(prompt) for _ in range(MORE_THAN_WAIT)]
            campaign.measured.append(
                f"{number} subscribers that read nothing: {meanwhile.end()}; csmsd took {megabytes(site):.0f} MiB"
            )
            campaign.compare_with_disk("subscribers that read nothing", fleet, site)
        # Not while the others go on: what they do would soon be all that memory holds.
        for laggard in slow:
            await _was_cut_and_goes_on(campaign, site, laggard, told)
            campaign.faults["subscribers that read nothing"] += 1


async def _subscribed_and_silent(site: Site) -> ControlConnection:
    laggard = await site.control()
    laggard.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await laggard.line('{"jsonrpc":"2.0","id":1,"method":"event.subscribe","params":{"types":["tag.authorized"]}}')
    return laggard


async def _number_of(watcher: ControlConnection) -> int:
    return int((await watcher.event("tag.authorized"))["number"])


async def _was_cut_and_goes_on(campaign: Campaign, site: Site, laggard: ControlConnection, told: list[int]) -> None:
    laggard.writer.transport.resume_reading()  # type: ignore[attr-defined]
    received: list[Any] = []
    while (line := await laggard.receive()) is not None:
        received.append(line)
    campaign.must(received[-1].get("method") == "lagged", "a subscriber that lagged was not told so")
    last = max(received[-1]["params"]["last"], told[-REMEMBERED])
    again = await site.control()
    await again.call("event.subscribe", types=["tag.authorized"], after=last)
    following = [number for number in told if number > last][:100]
    resumed = [await _number_of(again) for _ in following]
    campaign.must(resumed == following, f"after {last} came {resumed[:3]} …, not {following[:3]} …")
    numbers = [line["params"]["number"] for line in received if line.get("method") == "event"]
    campaign.must(all(one < other for one, other in pairwise(numbers)), "events came out of their order")
