"""Answers about everybody are put together in turns: who sends something meanwhile does not wait for all of it."""

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TypeVar

from csmsd.control.rpc import Json
from csmsd.ports.listings import Rows

AT_ONCE_SECONDS = 0.003

A = TypeVar("A")
B = TypeVar("B")


MOST_TEXT = 4 * 1024 * 1024  # characters of rows in one answer; it may be one row more


def rest_of(found: Rows[A]) -> Json:
    """What an answer says of what was left out of it, since it had become long."""
    return {"more": True} if found.more else {}


async def in_turns(items: Iterable[A], view: Callable[[A], B]) -> list[B]:
    """The views of the items, which must not change while it goes on; what they show is as of different turns."""
    found: list[B] = []
    begun = monotonic()
    for item in items:
        found.append(view(item))
        if monotonic() - begun > AT_ONCE_SECONDS:
            await asyncio.sleep(0)
            begun = monotonic()
    return found
