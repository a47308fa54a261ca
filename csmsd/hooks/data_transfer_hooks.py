"""Executables that answer DataTransfer for us, never many at once."""

import asyncio
import logging
from collections.abc import Callable

from csmsd.profiles.policies import DataTransfer
from csmsd.runtime.executables import Failed, run_executable

log = logging.getLogger(__name__)

# Beyond that many that wait their turn, more are turned down at once.
MAX_WAITING = 200

Then = Callable[[bytes | str], None]


class Hooks:
    """Asks executables. What one says on stderr goes where csmsd's own goes."""

    def __init__(self, settings: DataTransfer) -> None:
        self._settings = settings  # a reload changes it in place
        self._free = asyncio.Semaphore(settings.max_running)
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, executable: str, question: bytes, then: Then) -> None:
        """Calls `then` later, in the event loop, with the output, or with a text that says why there is none."""
        loop = asyncio.get_running_loop()
        if len(self._tasks) >= MAX_WAITING:
            loop.call_soon(then, "too many hooks are waiting")
            return
        task = loop.create_task(self._ask(executable, question, then), name=f"hook {executable}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Ends what is running; nobody waits for it any more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(self, executable: str, question: bytes, then: Then) -> None:
        limits = self._settings
        async with self._free:
            try:
                result: bytes | str = await run_executable(
                    executable, question, limits.timeout, limits.max_output_bytes
                )
            except Failed as failure:
                result = str(failure)
            except Exception:  # whatever it was, the charge point waits for an answer
                log.exception("%s could not be asked", executable)
                result = "could not be asked"
        then(result)
