"""Fixtures that every test may use."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.site import Site

# A job in the background starts with SIGINT ignored, and so would every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

MakeSite = Callable[..., Awaitable[Site]]

# csmsd and csmsctl are started hundreds of times: without bytecode on disk each start takes four times as long.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# `make test` tries some examples of each property, `make test-slow` many.
settings.register_profile("quick", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=500)
settings.load_profile("quick")


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


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    """One running csmsd for those tests of a module that leave nothing behind."""
    site = Site()
    site.start_and_wait()
    yield site
    asyncio.run(site.close())
