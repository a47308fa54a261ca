"""Daily charging profiles follow the clocks of their time zone: when these are changed, they begin anew.

So do those that were removed from the library, for as long as a charge point has them.
"""

import asyncio
import logging

import msgspec

from csmsd.live_site import LiveSite
from csmsd.ports.store import NotStored
from csmsd.profiles.record import Deleted, Event
from csmsd.profiles.smart_charging.profile_library import LibraryProfile, RemovedProfile
from csmsd.profiles.smart_charging.wall_clock import laid_by
from csmsd.runtime.time_zones import NoTimeZone, utc_offset

log = logging.getLogger(__name__)

_EVERY_SECONDS = 60.0


class ClockChanges:
    """Looks at the clocks once a minute. What charge points have is sent again by those whose business that is."""

    def __init__(self, live: LiveSite) -> None:
        self._live = live
        self._told: set[str] = set()

    async def run(self) -> None:
        """Never returns."""
        while True:
            await self.follow()
            await asyncio.sleep(_EVERY_SECONDS)

    async def follow(self) -> None:
        """Lays anew what the clocks have left; told once it is on disk."""
        if not self._live.accepting:
            return
        for record in self._live.site.smart_charging.library.following():
            try:
                await self._follow(record)
            except NotStored as error:  # memory was loaded anew: the next round finds it again
                log.error("charging profile %s could not be laid by the new clocks: %s", record.name, error)
                return

    async def _follow(self, record: LibraryProfile) -> None:
        charging = self._live.site.smart_charging
        if isinstance(record, RemovedProfile) and not charging.installed.named(record.id):
            self._live.require()
            charging.library.drop(record)
            await self._live.keep([Deleted(record)], [])
            return
        offset = self._offset(record)
        if offset is None or offset == record.utc_offset:
            return
        profile = msgspec.json.encode(laid_by(record.read(), record.utc_offset, offset)).decode()
        moved = msgspec.structs.replace(record, profile=profile, utc_offset=offset)
        data = {"id": record.id, "name": record.name, "added": False, "clocks_of": record.time_zone}
        self._live.require()
        charging.library.put(moved)
        await self._live.keep([moved], [Event("profile.changed", None, data)])
        log.info("the clocks of %s were changed: charging profile %s follows", record.time_zone, record.name)

    def _offset(self, record: LibraryProfile) -> int | None:
        if record.time_zone is None:
            return None
        try:
            return utc_offset(record.time_zone, self._live.now())
        except NoTimeZone as error:
            if record.time_zone not in self._told:
                self._told.add(record.time_zone)
                log.error("charging profile %s does not follow the clocks: %s", record.name, error)
            return None
