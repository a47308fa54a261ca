"""What is put in order at the start and now and then, without anybody asking."""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterable

import msgspec

from csmsd.ports import Clock, Keeper
from csmsd.profiles.firmware_management.firmware import Firmware
from csmsd.profiles.record import Change
from csmsd.profiles.site import Site
from csmsd.profiles.task import Task

log = logging.getLogger(__name__)

_SECONDS = 30
_NOT_KNOWN = "csmsd ended before the answer came; whether it was carried out is not known"


class Housekeeping:
    """Writes what moved without being worth a commit of its own."""

    def __init__(self, site: Callable[[], Site], keeper: Keeper) -> None:
        self._site = site
        self._keeper = keeper

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            await self.save_what_moved()

    async def save_what_moved(self) -> None:
        changes = [change for state in self._site().charge_points.values() for change in state.housekeeping()]
        if changes:
            try:
                await self._keeper.commit(changes)
            except Exception as error:
                log.error("counters could not be saved: %s", error)


async def settle_what_was_under_way(tasks: Iterable[Task], firmware: Firmware, keeper: Keeper, clock: Clock) -> None:
    """A command that was under way when the last daemon ended is never repeated by itself: it is `unknown`.

    An update or upload that it began is waited for, and says so, until its deadline or a report.
    """
    settled: list[Task] = []
    followed: list[Change] = []
    for task in tasks:
        settled.append(
            msgspec.structs.replace(task, state="settled", outcome="unknown", settled_at=clock(), error=_NOT_KNOWN)
        )
        for record in (firmware.updates.get(task.id), firmware.uploads.get(task.id)):
            if record is not None and record.state == "requested":
                record.error = _NOT_KNOWN
                followed.append(record)
    if settled:
        log.warning("%d commands were under way when csmsd ended: their outcome is unknown", len(settled))
        await keeper.commit([*settled, *followed])


def calm_garbage_collector() -> None:
    """What was loaded lives as long as the daemon: looking through it again and again costs a third of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
