"""What runs on the loop of asyncio and on uvloop, says so: ON_BOTH_LOOPS = True in its module."""

import asyncio
from collections.abc import Callable

import pytest


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
