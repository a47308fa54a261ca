"""Fixtures that every test may use."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.support.site import Site

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
