"""Rest between the rounds of what goes on by itself."""

import asyncio
from contextlib import suppress


class Waker:
    """Lets one loop rest until something may be worth a round, or for so long at the most.

    What is told during a round counts for the next one: it begins at once.
    """

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """The next round is due."""
        self._woken.set()

    async def rest(self, seconds: float | None) -> None:
        """Returns when it was woken since the last rest was over, or after so many seconds; None: woken only."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()
