"""Looks through the database every night, and soon after a start that no clean stop went before.

Damage must be found while there are good backups; but reading a large database takes minutes, so it is done beside
everything else.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from csmsd.live_site import LiveSite
from csmsd.ports.store import NotStored
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.record import Event
from csmsd.settings.sections import Retention

log = logging.getLogger(__name__)

_ROUND_SECONDS = 60.0
_AFTER_THE_START_SECONDS = 3.0  # in which charge points come back
_WITHIN_MINUTES = 60  # of the time of the day that the settings name


class Checkup:
    """Once a day, at the time of pruning, and when it is `owed`. `damage` says what is damaged; it blocks."""

    def __init__(
        self,
        live: LiveSite,
        damage: Callable[[], str | None],
        settings: Retention,
        owed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._live = live
        self._damage = damage
        self._owed = owed
        self._settings = settings  # a reload changes it in place

    async def run(self) -> None:
        """Never returns."""
        while True:
            await asyncio.sleep(_AFTER_THE_START_SECONDS if self._owed() else _ROUND_SECONDS)
            if self._live.accepting and (self._owed() or self.is_due()):
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
