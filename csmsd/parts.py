"""The parts of the daemon: opened one by one, closed in time; and what goes on in the background until the end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

log = logging.getLogger(__name__)

_AFTER_A_MISTAKE_SECONDS = 1.0


class Part(Protocol):
    """What has a beginning and an end."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...


async def open_part(part: Part, opened: AsyncExitStack) -> None:
    """Has it closed with the rest. What is half open is closed as well: its threads would keep the process alive."""
    opened.push_async_callback(part.close)
    await part.open()


@asynccontextmanager
async def closing_within(seconds: float) -> AsyncIterator[AsyncExitStack]:
    """A stack of what is open. What takes longer to close is cut short, and the rest closed all the same."""
    opened = AsyncExitStack()
    try:
        yield opened
    finally:
        try:
            async with asyncio.timeout(seconds):
                await opened.aclose()
        except TimeoutError:
            log.warning("some connections did not close in time")


@asynccontextmanager
async def in_background(**running: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """What goes on beside everything else, by name, until the end."""
    tasks = [asyncio.create_task(_again_and_again(name, run), name=name) for name, run in running.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _again_and_again(name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A mistake in one round must not end all others, which nobody would see."""
    while True:
        try:
            await run()
            return
        except Exception:
            log.exception("%s broke off; it begins anew", name)
            await asyncio.sleep(_AFTER_A_MISTAKE_SECONDS)
