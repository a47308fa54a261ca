"""What tests of the engine share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.csmsd.operations.engine import Engine, engine_at


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with engine_at(tmp_path / "csms.db") as engine:
        yield engine
