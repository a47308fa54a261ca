"""Looks through the database every night, beside everything else: damage must be found while there are good backups."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from csmsd.live_site import LiveSite
from csmsd.ports import NotStored
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.record import Event
from csmsd.settings import Retention

log = logging.getLogger(__name__)

_ROUND_SECONDS = 60.0
_WITHIN_MINUTES = 60  # of the time of the day that the settings name


class Checkup:
    """Once a day, at the time of pruning. `damage` says what is damaged; it blocks."""

    def __init__(self, live: LiveSite, damage: Callable[[], str | None], settings: Retention) -> None:
        self._live = live
        self._damage = damage
        self._settings = settings  # a reload changes it in place

    async def run(self) -> None:
        """Never returns."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            if self._live.accepting and self.is_due():
                await self.look()

    def is_due(self) -> bool:
        now = datetime.fromtimestamp(self._live.now() / 1000)
        last = self._live.site.milestones.get("check")
        if last is not None and datetime.fromtimestamp(last.at / 1000).date() == now.date():
            return False
        hour, minute = map(int, self._settings.at.split(":"))
        return (now.hour * 60 + now.minute - hour * 60 - minute) % 1440 < _WITHIN_MINUTES

    async def look(self) -> None:
        """Looks now; what was found stays a problem until a night finds nothing."""
        damage = await asyncio.to_thread(self._damage)
        if damage is not None:
            log.error("the database is damaged: %s", damage)
        events = [] if damage is None else [Event("store.damaged", None, {"error": damage})]
        try:
            self._live.require()
            milestone = Milestone(name="check", at=self._live.now(), number=len(events))
            self._live.site.milestones["check"] = milestone
            await self._live.keep([milestone], events)
        except NotStored as error:
            log.error("what the check of the database found could not be stored: %s", error)
