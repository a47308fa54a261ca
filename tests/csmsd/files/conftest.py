"""A csmsd that hosts files."""

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import hosting
from tests.support.site import Site

_SIZES = {"max_upload_megabytes": 1, "quota_megabytes": 2, "max_transfers": 8}


@pytest.fixture
async def hosts(make_site: MakeSite) -> Site:
    return await make_site(hosting(**_SIZES))


@pytest.fixture
async def impatient(make_site: MakeSite) -> Site:
    """Hosts that wait for nobody for long."""
    return await make_site(hosting(**_SIZES, idle_timeout=0.5, transfer_timeout=1))
