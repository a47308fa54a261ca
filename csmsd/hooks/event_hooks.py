"""Executables that are told what happens: at most once, and nobody ever waits for them."""

import asyncio
import contextlib
import logging
from collections import Counter, deque
from collections.abc import Callable
from typing import get_args

from csmsd.events import EventBus, NumberedEvent
from csmsd.ocpp.json_text import encode_json
from csmsd.ports.live_site import Teller
from csmsd.profiles.record import Event, EventType
from csmsd.runtime.executables import Failed, run_executable
from csmsd.settings.sections import Events

log = logging.getLogger(__name__)


class EventHooks:
    """Gives events to the executables that the settings name for them. What they say on stdout goes nowhere."""

    def __init__(self, settings: Events, bus: EventBus, news: Teller) -> None:
        self._settings = settings  # a reload changes it in place
        self._bus = bus
        self._news = news
        self._commands: dict[EventType, list[str]] = {}
        self._end: Callable[[], None] = lambda: None
        self._waiting: deque[tuple[str, NumberedEvent]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._dropping = False
        self.outcomes: Counter[str] = Counter()  # done, failed, dropped
        self.configure()

    def configure(self) -> None:
        """To be called when the settings have changed."""
        self._commands = {
            kind: commands
            for kind in get_args(EventType)
            if (commands := [hook.command for hook in self._settings.hooks if hook.wants(kind)])
        }
        self._end()
        self._end = self._bus.subscribe(self._told, self._commands)

    def _told(self, event: NumberedEvent) -> None:
        for command in self._commands[event.event.type]:
            if len(self._waiting) >= self._settings.max_waiting:
                self._drop()
                continue
            self._waiting.append((command, event))
            self._start()

    def _start(self) -> None:
        if self._waiting and len(self._running) < self._settings.max_running:
            task = asyncio.create_task(self._work(), name="event hooks")
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            self._start()  # for what came after it had looked for the last time

    def _drop(self) -> None:
        self.outcomes["dropped"] += 1
        if not self._dropping:  # one line each time it begins
            log.warning("%d events wait for their hooks; more are dropped", len(self._waiting))
            self._dropping = True

    async def _work(self) -> None:
        """Runs one after the other until none waits."""
        while self._waiting:
            command, event = self._waiting.popleft()
            try:
                told = encode_json({"schema_version": 1, **event.described()}) + b"\n"
                await run_executable(command, told, self._settings.timeout, None)
            except Failed as failure:
                self._failed(command, event, str(failure))
            except Exception as error:
                log.exception("hook %s, event %d %s", command, event.number, event.type)
                self._failed(command, event, str(error))
            else:
                self.outcomes["done"] += 1
        self._dropping = False

    def _failed(self, command: str, event: NumberedEvent, reason: str) -> None:
        self.outcomes["failed"] += 1
        log.warning("hook %s, event %d %s: %s", command, event.number, event.type, reason)
        if event.type != "hook.failed":  # or one that fails would be told of it for ever
            told = {"command": command, "reason": reason, "event": event.number}
            self._news.tell(Event("hook.failed", event.charge_point, told))

    async def close(self, seconds: float) -> None:
        """Lets what waits be told for a moment; then all is ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._running:
                    await asyncio.wait(self._running)
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
