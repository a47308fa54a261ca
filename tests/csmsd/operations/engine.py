"""The engine on a real database, with charge points that answer what a test tells them to."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Literal

from csmsd.events import EventBus, NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import fold
from csmsd.ocpp.payloads import read_payload
from csmsd.ocpp.types import Message
from csmsd.operations.command import Command
from csmsd.operations.options import Options
from csmsd.operations.queue import CommandQueue
from csmsd.operations.result import Result
from csmsd.operations.runner import OperationRunner
from csmsd.ports.charge_points import CallEnd, CallTicket
from csmsd.profiles.action import Outgoing
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.record import Milliseconds, Record
from csmsd.profiles.site import Site
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.writer import Writer
from tests.csmsd.profiles.scene import HOUR, Scene

WITHIN_SECONDS = 30
_ANN: dict[str, Any] = {"timeout": 30.0, "uid": 1000, "user": "ann"}


class Asked:
    """A CALL that a charge point has got."""

    def __init__(self, identity: str, action: str, payload: bytes, rules: Outgoing[Message, Message] | None) -> None:
        self.identity = identity
        self.action = action
        self.payload: dict[str, Any] = json.loads(payload)
        self._rules = rules
        self.end: asyncio.Future[CallEnd] = asyncio.get_running_loop().create_future()

    def confirm(self, **fields: object) -> None:
        payload = json.dumps(fields).encode()
        confirmation = read_payload(self._rules.confirmation, payload)[0] if self._rules is not None else None
        self.end.set_result(CallEnd("confirmed", confirmation=confirmation, payload=payload, duration_ms=7))

    def comes_to(self, outcome: Literal["call_error", "timeout", "not_connected", "unknown"], **more: Any) -> None:
        self.end.set_result(CallEnd(outcome, **more))


class ChargePoints:
    """The connections of charge points, all there and ready until a test says otherwise."""

    def __init__(self) -> None:
        self.away: set[str] = set()  # folded identities
        self.busy = False  # another CALL is before ours, so that it is not sent yet
        self.asked = asyncio.Queue[Asked]()

    def is_connected(self, identity: str) -> bool:
        return fold(identity) not in self.away

    def is_ready(self, identity: str) -> bool:
        return self.is_connected(identity)

    def disconnect(self, identity: str, reason: str) -> bool:
        return False

    async def call(
        self,
        identity: str,
        action: str,
        payload: bytes,
        outgoing: Outgoing[Message, Message] | None,
        *,
        timeout: float,
        ticket: CallTicket,
    ) -> CallEnd:
        if not self.is_connected(identity):
            return CallEnd("not_connected", error="it is not connected")
        asked = Asked(identity, action, payload, outgoing)

        def withdraw() -> bool:
            if not self.busy or asked.end.done():
                return False
            asked.end.set_result(CallEnd("withdrawn", error="cancelled before it was sent"))
            return True

        ticket.withdraw = withdraw
        self.asked.put_nowait(asked)
        return await asked.end

    async def next(self) -> Asked:
        async with asyncio.timeout(WITHIN_SECONDS):
            return await self.asked.get()


class Engine:
    """CP1 is registered, booted and here; `told` is the news."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scene = Scene()
        self.scene.cp.connected_at = self.scene.now - HOUR
        self.scene.site.policies.hold_after_reconnect = 0.0
        self.told: list[NumberedEvent] = []
        self.bus = EventBus(last=0, clock=lambda: self.scene.now, keep=self.told.append)
        self.writer = Writer(path, recover=lambda: self.live.recover())
        self.live = LiveSite(
            self.writer, self.bus, lambda: self.scene.now, lambda: load_site(path, Site(self.scene.site.policies))
        )
        self.live.site = self.scene.site
        self.links = ChargePoints()
        self.runner = OperationRunner(self.live, self.links, 0)
        self.queue = CommandQueue(self.live, self.links, self.runner, self.scene.site.policies)
        self.bus.subscribe(self.queue.told, self.queue.STIRRING)

    @property
    def cp(self) -> ChargePointState:
        """As memory has it now."""
        return self.live.site.charge_points["cp1"]

    def types(self, about: str) -> list[str]:
        return [event.type for event in self.told if event.type.startswith(about)]

    async def store(self, *records: Record) -> None:
        await self.writer.commit(records)

    # --- the disk

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as other:
            return other.execute(statement).fetchall()

    def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=10)) as other:
            other.execute(statement)

    def refuse(self, what: str) -> None:
        """SQLite refuses, from now on, such as `INSERT ON task`."""
        self.execute(f"CREATE TRIGGER picky BEFORE {what} BEGIN SELECT RAISE(ABORT, 'not this one'); END")

    def allow(self) -> None:
        self.execute("DROP TRIGGER picky")

    # --- commands

    def run(self, command: str, *identities: str, **parameters: Any) -> asyncio.Task[list[Result]]:
        """As an operator who waits for the results; what stands in `options` is about how it is carried out."""
        options = _ANN | parameters.pop("options", {})
        states = [self.live.site.charge_points[fold(identity)] for identity in identities or ("CP1",)]
        start = Command(command, parameters, bool(options.get("force"))).start()
        return asyncio.create_task(self.runner.run(states, start, Options(**options)))

    def enqueue(
        self, command: str, ttl: Milliseconds = HOUR, options: dict[str, Any] | None = None, **parameters: Any
    ) -> asyncio.Task[list[Result]]:
        how = Options(**_ANN | (options or {}))
        return asyncio.create_task(
            self.queue.run([self.cp], Command(command, parameters, how.force), how, ttl, lambda _: None)
        )

    async def queued(self, command: str, ttl: Milliseconds = HOUR, **parameters: Any) -> int:
        """The number of a command that has to wait, CP1 being away."""
        self.links.away.add("cp1")
        (result,) = await self.enqueue(command, ttl, **parameters)
        assert result.outcome == "queued"
        assert result.task is not None
        return result.task

    def back(self) -> None:
        """CP1 connects."""
        self.links.away.discard("cp1")
        self.cp.connected_at = self.scene.now
        self.queue.ready()

    async def until_idle(self) -> None:
        """Nothing is on its way to the disk."""
        await asyncio.sleep(0)
        await self.writer.flush()

    async def stays_unasked(self) -> bool:
        """Whether CP1 is asked nothing, although the queue has looked at all that waits: CP2's command was sent."""
        if "cp2" not in self.live.site.charge_points:
            self.scene.site = self.live.site
            await self.store(self.scene.register("CP2", boot_status="Accepted").record)
        self.queue.ready()
        command = Command("trigger-message", {"message": "Heartbeat"})
        states = [self.live.site.charge_points["cp2"]]
        running = asyncio.create_task(self.queue.run(states, command, Options(**_ANN), HOUR, lambda _: None))
        asked = await self.links.next()
        asked.confirm(status="Accepted")
        await running
        return asked.identity == "CP2" and self.links.asked.empty()

    async def until(self, *types: str) -> dict[str, object]:
        """Waits for the next event of such a type, and takes it out of `told`."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                for at, event in enumerate(self.told):
                    if event.type in types:
                        return self.told.pop(at).data
                await asyncio.sleep(0.001)


@asynccontextmanager
async def engine_at(path: Path, records: Sequence[Record] = ()) -> AsyncIterator[Engine]:
    prepare_database(path)
    engine = Engine(path)
    await engine.writer.open()
    await engine.store(engine.scene.cp.record, *engine.scene.site.id_tags.values(), *records)
    serving = asyncio.create_task(engine.queue.serve())
    try:
        yield engine
    finally:
        serving.cancel()
        await engine.writer.close()
