"""A charge point for one step of `cp test`, which answers as the test lays out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site
from tests.support.wire import WAIT

Conf = dict[str, Any]


def at(hours: float = 0) -> str:
    moment = datetime.now(UTC) + timedelta(hours=hours)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Played:
    """A charge point that answers by `answers`, and does what `after` says when an answer is out."""

    def __init__(self, point: RawChargePoint, profiles: str, **keys: str) -> None:
        self.point = point
        known = {"SupportedFeatureProfiles": profiles, "ConnectionTimeOut": "30"} | keys
        self.answers: dict[str, Callable[[Any], Conf]] = {
            "GetConfiguration": lambda _: {
                "configurationKey": [{"key": key, "readonly": False, "value": value} for key, value in known.items()]
            },
        }
        self.after: dict[str, Callable[[Any], Awaitable[object]]] = {}

    async def run(self) -> None:
        while True:
            frame = await self.point.calls.get()
            action, payload = frame[2], frame[3]
            answer = self.answers.get(action, lambda _: {"status": "Accepted"})
            await self.point.answer(frame, answer(payload))
            if action in self.after:
                await self.after[action](payload)
            self.point.calls.task_done()

    async def at_rest(self) -> None:
        """Waits until all that it was asked is answered, and what it does then is done."""
        await asyncio.wait_for(self.point.calls.join(), WAIT)


@asynccontextmanager
async def playing(site: Site, profiles: str, **keys: str) -> AsyncIterator[Played]:
    played = Played(await site.raw("CP1"), profiles, **keys)
    task = asyncio.create_task(played.run())
    try:
        yield played
    finally:
        task.cancel()


async def outcome(site: Site, *words: str) -> dict[str, Any]:
    """The one step, as the report has it."""
    test = ("cp", "test", "CP1", "--charge", "0", "--suite", "full", *words)
    ended = await site.csmsctl("--json", "--yes", "--timeout", "10", *test)
    (step,) = ended.json["steps"]
    assert ended.json["left_behind"] == [], ended
    assert isinstance(step, dict)
    return step
