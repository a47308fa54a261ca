"""What was measured of transactions that run, where a start did not wait for it: read after that, one after the other.

Who needs it sooner has it looked up (`csmsd/recall.py`): a charge point's message by itself, before it is handled; an
operator's command, when what it is to tell is missing. Nobody is told a figure without it, and none is booked.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic

from csmsd.live_site import LiveSite
from csmsd.ports.store import NotStored
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.transactions import Wanted

log = logging.getLogger(__name__)

READINGS_AT_START = 50_000  # are read before csmsd is ready: a quarter of a second
_RETRY_SECONDS = 1.0

Recall = Callable[[str, Wanted], Awaitable[None]]  # raises NotStored


class Measuring:
    """Brings memory what it left on disk at the start."""

    def __init__(self, live: LiveSite, recall: Recall) -> None:
        self._live = live
        self._recall = recall
        self._waiting: list[asyncio.Future[None]] = []
        self._done = False

    async def run(self) -> None:
        """Returns when all is there."""
        while left := list(self._left()):
            for state, number in left:
                if number not in state.transactions.unmeasured:
                    continue
                begun = monotonic()
                try:
                    await self._recall(state.id, Wanted(ids=(number,)))
                except NotStored as error:
                    await self._try_again_later(error)
                except Exception as error:
                    log.exception("%s: what was measured of transaction %s cannot be read", state.id, number)
                    await self._try_again_later(NotStored(f"what was measured of {number} cannot be read: {error}"))
                if not self._waiting:
                    # Its thread and the loop take turns; in between the loop is alone.
                    await asyncio.sleep(monotonic() - begun)
        self._done = True
        self._tell(None)

    async def _try_again_later(self, failure: NotStored) -> None:
        self._tell(failure)
        await asyncio.sleep(_RETRY_SECONDS)

    def _tell(self, failure: NotStored | None) -> None:
        for waiting in self._waiting:
            if waiting.done():  # nobody waits any more
                continue
            if failure is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(failure)
        self._waiting.clear()

    def _left(self) -> Iterator[tuple[ChargePointState, int]]:
        for state in self._live.site.charge_points.values():
            for number in state.transactions.unmeasured:
                yield state, number

    async def done(self) -> None:
        """Waits until all is there. Raises NotStored where something cannot be read now."""
        if not self._done:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
