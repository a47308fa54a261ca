"""Work that comes all at once is done in parts, between which everybody else has a turn."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import monotonic

log = logging.getLogger(__name__)

LONGEST_SECONDS = 0.01  # of such work at a time


class Pace:
    """Does what it is given in order, some of it in each round of the event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._scheduled = False

    def take(self, work: Callable[[], None]) -> None:
        """Has it done soon."""
        self._waiting.append(work)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._scheduled = False
        until = monotonic() + LONGEST_SECONDS
        while self._waiting:
            try:
                self._waiting.popleft()()
            except Exception:
                log.exception("one of many could not be done")
            if monotonic() > until:
                break
        if self._waiting:
            self._schedule()
