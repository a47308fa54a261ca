"""A port for plain connections and TLS. What runs on asyncio's loop and on uvloop says so: ON_BOTH_LOOPS = True."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.support.tls_door import Door


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    found: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if isinstance(item, pytest.Function) and getattr(item.module, "ON_BOTH_LOOPS", False):
        try:
            import uvloop
        except ImportError:
            pass
        else:
            found["uvloop"] = uvloop.new_event_loop
    return found


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    door = Door(tmp_path)
    await door.listen()
    yield door
    door.gate.close()
    await door.gone()
