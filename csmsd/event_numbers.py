"""No event number is given twice: who follows events goes on by number, whatever became of csmsd meanwhile.

The log of events may lose the newest in a power cut, and be begun anew. So the books, which lose nothing, hold a mark
that is ahead of all numbers that were given; after a stop that was not clean they go on from there. Books that were put
back from a copy do not know how far the lost ones came, and go on far beyond their mark.
"""

import asyncio
import logging

from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.ports.store import NotStored
from csmsd.profiles.milestone import Milestone

log = logging.getLogger(__name__)

_AHEAD = 1_000_000
_BEYOND_A_COPY = 100_000_000_000  # at a thousand a second, three years; a double holds 90,000 times as many
_ROUND_SECONDS = 10.0


class EventNumbers:
    """Keeps the mark, as the milestone `event_numbers`."""

    def __init__(self, bus: EventBus, live: LiveSite) -> None:
        self._bus = bus
        self._live = live
        self._mark = 0

    async def begin(self, last_logged: int, *, put_back: bool) -> None:
        """To be called before the first event is told; `last_logged` is the newest in the log of events."""
        milestone = self._live.site.milestones.get("event_numbers")
        known = max(last_logged, milestone.number if milestone is not None else 0)
        if put_back:
            known += _BEYOND_A_COPY
        elif milestone is None and last_logged:  # of before there was a mark
            known += _AHEAD
        self._bus.go_on_after(known)
        await self._reserve()

    async def run(self) -> None:
        """Never returns."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Moves the mark, where it is not far ahead any more."""
        if self._bus.last + _AHEAD // 2 > self._mark:
            await self._reserve()

    async def end(self) -> None:
        """After the last event: there is none ahead of it."""
        await self._keep(self._bus.last)

    async def _reserve(self) -> None:
        await self._keep(self._bus.last + _AHEAD)

    async def _keep(self, mark: int) -> None:
        try:
            self._live.require()
            milestone = Milestone(name="event_numbers", at=self._live.now(), number=mark)
            self._live.site.milestones["event_numbers"] = milestone
            await self._live.keep([milestone])
        except NotStored as error:
            log.debug("the mark of event numbers could not be stored: %s", error)  # the store's trouble is told anyway
        else:
            self._mark = mark
