"""What is put in order at the start and now and then, without anybody asking."""

import asyncio
import gc
import logging

from csmsd.live_site import LiveSite
from csmsd.ports.store import NotStored
from csmsd.profiles.smart_charging.compliance import LIMIT_EXCEEDED, excess_over_compliance

log = logging.getLogger(__name__)

_SECONDS = 30


class Housekeeping:
    """Writes what moved without being worth a commit of its own."""

    def __init__(self, live: LiveSite) -> None:
        self._live = live

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            await self.save_what_moved()
            await self.mark_excesses()

    async def save_what_moved(self) -> None:
        if not self._live.accepting:
            return
        try:
            site = self._live.site
            moved = [change for state in site.charge_points.values() for change in state.housekeeping()]
            await self._live.keep([*moved, *site.refused.housekeeping(), *site.security.events.housekeeping()])
        except NotStored as error:
            log.error("counters could not be saved: %s", error)

    async def mark_excesses(self) -> None:
        """Marks the transactions in which more is drawn than a limit allows: reports tell of it afterwards."""
        if not self._live.accepting:
            return
        site, now = self._live.site, self._live.now()
        found = []
        for state in site.charge_points.values():
            for transaction in state.transactions.active() if state.connected else ():
                if LIMIT_EXCEEDED not in transaction.flags and excess_over_compliance(
                    state, transaction.connector, site, now
                ):
                    transaction.flag(LIMIT_EXCEEDED)
                    state.exceeds_since[transaction.connector] = (transaction.id, now)
                    found.append(transaction)
        try:
            await self._live.keep(found)
        except NotStored as error:
            log.error("what exceeds its limit could not be marked: %s", error)


def calm_garbage_collector() -> None:
    """What was loaded lives as long as the daemon: looking through it again and again costs a third of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
