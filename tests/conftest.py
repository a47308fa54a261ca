"""Fixtures that every test may use."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.support.site import Site

# A job in the background starts with SIGINT ignored, and so would every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

MakeSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def make_site() -> AsyncIterator[MakeSite]:
    """Makes sites with settings of their own: `await make_site({"ocpp": {"call_timeout": 1}})`."""
    sites: list[Site] = []

    async def make(settings: dict[str, dict[str, Any]] | None = None, *, start: bool = True, **options: Any) -> Site:
        site = Site(settings, **options)
        sites.append(site)
        if start:
            await site.start()
        return site

    yield make
    for site in sites:
        await site.close()


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    """A running csmsd with the usual settings."""
    return await make_site()
