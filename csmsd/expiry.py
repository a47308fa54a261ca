"""Ends reservations when their time is over, whether or not anybody asks."""

import asyncio
import logging
from collections.abc import Callable

from csmsd.ports import Clock, Keeper, Publisher
from csmsd.profiles.site import Site

log = logging.getLogger(__name__)

# A clock that is set, and a reservation made meanwhile, are noticed within this time.
_LONGEST_SLEEP_SECONDS = 1.0


class Expiry:
    """Watches the wall clock, since that is what an expiryDate is about."""

    def __init__(self, site: Callable[[], Site], keeper: Keeper, publisher: Publisher, clock: Clock) -> None:
        self._site = site
        self._keeper = keeper
        self._publisher = publisher
        self._clock = clock

    async def run(self) -> None:
        """Never returns."""
        while True:
            await self.expire()
            due = self._site().reservations.next_expiry()
            wait = _LONGEST_SLEEP_SECONDS if due is None else (due - self._clock()) / 1000
            await asyncio.sleep(min(max(wait, 0.001), _LONGEST_SLEEP_SECONDS))

    async def expire(self) -> None:
        """Ends what is over; told once it is on disk."""
        if not self._keeper.accepting:
            return
        ended, events = self._site().reservations.expire(self._clock())
        if not ended:
            return
        try:
            await self._keeper.commit(ended)
        except Exception as error:  # memory was loaded anew: the next round finds them again
            log.error("the end of reservations could not be stored: %s", error)
            return
        for event in events:
            self._publisher.publish(event)
