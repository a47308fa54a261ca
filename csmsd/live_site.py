"""The live state in memory, and the one way to change it: memory, commit, answer, news.

Memory goes first, because charge points speak and other operators act while a commit is under way. So whoever changes
it asks `require` before, and hands all of it to `keep` or `submit` in the same breath, awaiting nothing in between.
When what was handed over cannot be stored, memory is loaded anew from disk, which takes the change back: nobody undoes
anything by hand, and nobody goes on with records from before.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from csmsd.ports.live_site import Clock, Publisher
from csmsd.ports.store import NotStored, RecordWriter, Removal
from csmsd.profiles.following import what_follows
from csmsd.profiles.record import Change, Event
from csmsd.profiles.site import Site

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1

Done = Callable[[NotStored | None], None]


class LiveSite:
    """Holds the site; who wants it asks anew after each `await`, since it may have been replaced. `load` may block."""

    def __init__(
        self,
        writer: RecordWriter,
        publisher: Publisher,
        clock: Clock,
        load: Callable[[], Site],
        *,
        to_expire_by: Clock | None = None,
    ) -> None:
        self.site = Site()
        self.now = clock
        self.to_expire_by = to_expire_by or clock  # for what is over by itself: no jump of the clock ends it at once
        self.stopping = False
        self._writer = writer
        self._publish = publisher.publish
        self._load = load

    async def open(self, load: Callable[[], Site] | None = None) -> None:
        """Loads it for the first time, by another `load` where that is to take less long. Raises StoreError."""
        self.site = await asyncio.to_thread(load or self._load)
        self.site.loaded_at = self.now()

    # --- changes

    @property
    def accepting(self) -> bool:
        """Whether anything can be stored now."""
        return self._writer.accepting

    def require(self) -> None:
        """To be called before memory is changed. Raises NotStored when nothing can be stored now."""
        if not self._writer.accepting:
            raise NotStored(self._writer.failure or "nothing can be stored at the moment")

    async def keep(self, changes: Sequence[Change], events: Sequence[Event] = ()) -> None:
        """Has the changes written, with what follows from the events, and then tells the events.

        Raises NotStored: then memory is as the disk is, and nothing was told. Whoever is cancelled while he waits has
        changed it all the same, and what is stored is told.
        """
        try:
            following, told = what_follows(events, self.site, self.now())
        except Exception:
            self.distrust()
            raise
        changes, events = [*changes, *following], [*events, *told]
        if not changes:
            self.tell(*events)
            return
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: NotStored | None) -> None:
            if stored.cancelled():
                if error is None:
                    self.tell(*events)
            elif error is None:
                stored.set_result(None)
            else:
                stored.set_exception(error)

        self._writer.submit(changes, done)
        try:
            await stored
        finally:
            if stored.done() and not stored.cancelled() and stored.exception() is None:
                self.tell(*events)

    def submit(self, changes: Sequence[Change], done: Done) -> None:
        """As `keep`, for what a charge point's request brought about: what follows from its events is in it already.

        Handed on to the writer. `done` is called after the commit; whoever submits tells the events then.
        """
        self._writer.submit(changes, done)

    def submit_along(self, changes: Sequence[Change], done: Done) -> None:
        """Has the changes written no later than any that come after them, and at the latest at `no_longer_along`.

        What cannot be stored is not in memory either: `done` is told.
        """
        self._writer.submit_along(changes, done)

    def no_longer_along(self) -> None:
        self._writer.no_longer_along()

    async def remove(self, removals: Sequence[Removal]) -> None:
        """Has rows deleted in one commit, in this order. Raises NotStored, as `keep` does."""
        await self._writer.remove(removals)

    async def settled(self) -> None:
        """Waits until all that was changed up to now is on disk. Raises NotStored when it is not."""
        await self._writer.commit([])

    def tell(self, *events: Event) -> None:
        """News of what is on disk, or is not kept, such as a connection."""
        for event in events:
            self._publish(event)

    # --- when memory may be wrong

    def distrust(self) -> None:
        """Memory may be half changed: it is loaded anew, and nothing that was worked out from it is taken till then."""
        self._writer.renew()

    async def recover(self) -> None:
        """Loads it anew, however often that has to be tried; what no file knows is carried over."""
        while True:
            try:
                fresh = await asyncio.to_thread(self._load)
                break
            except Exception as error:
                if self.stopping:
                    return  # nobody will look at it any more
                log.error("the state cannot be loaded: %s; trying again", error)
                await asyncio.sleep(_RETRY_SECONDS)
        fresh.loaded_at = self.now()
        fresh.carry_over(self.site)
        self.site = fresh
