"""Ends reservations when their time is over, whether or not anybody asks."""

import asyncio
import logging

from csmsd.live_site import LiveSite
from csmsd.ports.store import NotStored

log = logging.getLogger(__name__)

# A clock that is set, and a reservation made meanwhile, are noticed within this time.
_LONGEST_SLEEP_SECONDS = 1.0


class Expiry:
    """Watches the wall clock, since that is what an expiryDate is about; a jump that is taken back ends nothing."""

    def __init__(self, live: LiveSite) -> None:
        self._live = live

    async def run(self) -> None:
        """Never returns."""
        while True:
            await self.expire()
            due = self._live.site.reservations.next_expiry()
            wait = _LONGEST_SLEEP_SECONDS if due is None else (due - self._live.to_expire_by()) / 1000
            await asyncio.sleep(min(max(wait, 0.001), _LONGEST_SLEEP_SECONDS))

    async def expire(self) -> None:
        """Ends what is over; told once it is on disk."""
        if not self._live.accepting:
            return
        try:
            await self._live.keep(*self._live.site.reservations.expire(self._live.to_expire_by()))
        except NotStored as error:  # memory was loaded anew: the next round finds them again
            log.error("the end of reservations could not be stored: %s", error)
