"""Opens the ways to the site's executables."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from csmsd.events import EventBus
from csmsd.hooks.data_transfer_hooks import Hooks
from csmsd.hooks.event_hooks import EventHooks
from csmsd.ports.live_site import Teller
from csmsd.settings.sections import Settings

_LAST_EVENTS_SECONDS = 0.5


@asynccontextmanager
async def open_hooks(settings: Settings, bus: EventBus, news: Teller) -> AsyncIterator[tuple[Hooks, EventHooks]]:
    """At the end those that answer are ended, and those that are told events have a moment for the last ones."""
    event_hooks = EventHooks(settings.events, bus, news)
    hooks = Hooks(settings.data_transfer)
    try:
        yield hooks, event_hooks
    finally:
        await hooks.close()
        await event_hooks.close(_LAST_EVENTS_SECONDS)
