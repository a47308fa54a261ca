"""The live state in memory: loaded at the start, and anew when memory may be ahead of a disk that did not follow."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from csmsd.profiles.site import Policies, Site

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1


class LiveSite:
    """Holds the site; who wants it asks anew each time, since it may have been replaced. `load` may block."""

    def __init__(self, policies: Policies, load: Callable[[Policies], Site]) -> None:
        self.site = Site(policies)
        self.stopping = False
        self._load = load
        self._distrusted = asyncio.Event()

    def __call__(self) -> Site:
        return self.site

    async def open(self) -> None:
        """Loads it for the first time. Raises StoreError."""
        self.site = await asyncio.to_thread(self._load, self.site.policies)

    async def recover(self) -> None:
        """Loads it anew, however often that has to be tried; what no file knows is carried over."""
        while True:
            try:
                fresh = await asyncio.to_thread(self._load, self.site.policies)
                break
            except Exception as error:
                if self.stopping:
                    return  # nobody will look at it any more
                log.error("the state cannot be loaded: %s; trying again", error)
                await asyncio.sleep(_RETRY_SECONDS)
        for key, state in self.site.charge_points.items():
            known = fresh.charge_points.get(key)
            if known is not None:
                known.connected_at, known.address = state.connected_at, state.address
                known.reached_at = state.reached_at
                known.samples, known.triggered = state.samples, state.triggered
                known.heard = state.heard
                known.unanswered_since = state.unanswered_since
        fresh.firmware.hosting = self.site.firmware.hosting
        self.site = fresh

    def distrust(self) -> None:
        """A handler broke off half way: memory may be wrong."""
        self._distrusted.set()

    async def recover_when_distrusted(self, pause: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]) -> None:
        """Runs until it is cancelled; `pause` does the work while nothing is written."""
        while True:
            await self._distrusted.wait()
            self._distrusted.clear()
            await pause(self.recover)
