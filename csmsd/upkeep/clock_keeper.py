"""The last jump of the clock is kept with the site, and told."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from csmsd.live_site import LiveSite
from csmsd.ports.store import NotStored
from csmsd.profiles.record import Event
from csmsd.runtime.clock import ClockWatch

log = logging.getLogger(__name__)

_ROUND_SECONDS = 1.0


class ClockKeeper:
    """Looks every second, keeps the last jump with the site and tells of it.

    `seen` takes down what the clock shows. Without it the next csmsd, where this one is killed soon after a jump, would
    take the time of before for the last that was seen, and a clock that jumps there once more for right.
    """

    def __init__(self, watch: ClockWatch, live: LiveSite, seen: Callable[[], Awaitable[None]]) -> None:
        self._watch = watch
        self._live = live
        self._seen = seen

    async def run(self) -> None:
        """Never returns."""
        while True:
            await self.keep_jump()
            await asyncio.sleep(_ROUND_SECONDS)

    async def keep_jump(self) -> None:
        """What cannot be stored now is in the next round."""
        self._watch.look()
        jump = self._watch.jump
        if jump is None or not self._live.accepting or self._live.site.milestones.get("clock_jump") == jump:
            return
        log.warning("the clock jumped by %+.0f s; nothing is pruned for a day", jump.number / 1000)
        self._live.site.milestones["clock_jump"] = jump
        try:
            await self._live.keep([jump], [Event("daemon.clock_jumped", None, {"by_s": round(jump.number / 1000)})])
        except NotStored as error:
            log.error("that the clock jumped could not be stored: %s", error)
            return
        await self._seen()
