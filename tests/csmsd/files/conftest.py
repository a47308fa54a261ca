"""A csmsd that hosts files."""

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import SIZES, hosting
from tests.support.site import Site


@pytest.fixture
async def hosts(make_site: MakeSite) -> Site:
    return await make_site(hosting(**SIZES))


@pytest.fixture
async def impatient(make_site: MakeSite) -> Site:
    """Hosts that wait for nobody for long."""
    return await make_site(hosting(**SIZES, idle_timeout=0.5, transfer_timeout=1))
