"""What is put in order at the start and now and then, without anybody asking."""

import asyncio
import gc
import logging
from collections.abc import Iterable

import msgspec

from csmsd.live_site import LiveSite
from csmsd.ports import NotStored
from csmsd.profiles.record import Change
from csmsd.profiles.task import Task

log = logging.getLogger(__name__)

_SECONDS = 30
_NOT_KNOWN = "csmsd ended before the answer came; whether it was carried out is not known"


class Housekeeping:
    """Writes what moved without being worth a commit of its own."""

    def __init__(self, live: LiveSite) -> None:
        self._live = live

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            await self.save_what_moved()

    async def save_what_moved(self) -> None:
        if not self._live.accepting:
            return
        try:
            everyone = self._live.site.charge_points.values()
            await self._live.keep([change for state in everyone for change in state.housekeeping()])
        except NotStored as error:
            log.error("counters could not be saved: %s", error)


async def settle_what_was_under_way(tasks: Iterable[Task], live: LiveSite) -> None:
    """A command that was under way when the last daemon ended is never repeated by itself: it is `unknown`.

    An update or upload that it began is waited for, and says so, until its deadline or a report.
    """
    firmware = live.site.firmware
    settled: list[Task] = []
    followed: list[Change] = []
    for task in tasks:
        settled.append(
            msgspec.structs.replace(task, state="settled", outcome="unknown", settled_at=live.now(), error=_NOT_KNOWN)
        )
        for record in (firmware.updates.get(task.id), firmware.uploads.get(task.id)):
            if record is not None and record.state == "requested":
                record.error = _NOT_KNOWN
                followed.append(record)
    if settled:
        log.warning("%d commands were under way when csmsd ended: their outcome is unknown", len(settled))
        await live.keep([*settled, *followed])


def calm_garbage_collector() -> None:
    """What was loaded lives as long as the daemon: looking through it again and again costs a third of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
