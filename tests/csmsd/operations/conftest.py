"""What tests of the engine share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.csmsd.operations.engine import Engine, engine_at
from tests.csmsd.operations.garage import Garage


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with engine_at(tmp_path / "csms.db") as engine:
        yield engine


@pytest.fixture
async def garage(engine: Engine) -> AsyncIterator[Garage]:
    garage = Garage(engine)
    await garage.open()
    yield garage
    await garage.close()
