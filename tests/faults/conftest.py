"""A site that faults befall while it is down."""

import pytest

from tests.conftest import MakeSite
from tests.support.site import Site

START = {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 0, "timestamp": "2026-03-01T12:00:00.000Z"}


@pytest.fixture
async def stopped(make_site: MakeSite) -> Site:
    """A site with a transaction on disk whose csmsd has ended."""
    site = await make_site()
    charge_point = await site.raw("CP1")
    await charge_point.ask("StartTransaction", START)
    assert await site.stop() == 0
    return site
