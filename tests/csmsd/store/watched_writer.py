"""A writer that is watched, and faults that are SQLite's own, from triggers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

from csmsd.ports.store import NotStored
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change
from csmsd.store.database import prepare_database
from csmsd.store.writer import Writer

T = TypeVar("T")


class Watched:
    """A writer, and what it said: the ends of the members, the states of the disk, the calls for a fresh state."""

    def __init__(self, path: Path, synchronous: str = "FULL") -> None:
        self.path = path
        self.ends: dict[str, Exception | None] = {}
        self.visible: dict[str, bool] = {}
        self.states: list[str | None] = []
        self.recoveries = 0
        self.recovered_before: dict[str, int] = {}  # how often, when the member was told its end
        self.stored_at_recovery: set[str] = set()
        self.accepting_at_recovery: list[bool] = []
        self.recovery_fails = 0  # the next so many times
        self._moved = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self.writer = Writer(path, synchronous=synchronous, recover=self._recover)
        self.writer.on_state = self.states.append

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    async def _recover(self) -> None:
        for _ in range(10):  # whoever is told too early is told now
            await asyncio.sleep(0)
        self.recoveries += 1
        if self.recovery_fails:
            self.recovery_fails -= 1
            raise RuntimeError("it does not fit")
        self.stored_at_recovery = self.stored()
        self.accepting_at_recovery.append(self.writer.accepting)

    async def run(self, what: Callable[[sqlite3.Connection], T]) -> T:
        """Does something in the thread and on the connection of the writer."""
        return await self.writer._thread.do(what)

    def submit(self, name: str, *changes: Change) -> None:
        """One member; its end is written down, and whether its rows could be read by others at that moment."""

        def done(error: NotStored | None) -> None:
            self.ends[name] = error
            self.recovered_before[name] = self.recoveries
            self.visible[name] = name in self.stored()
            self._tasks.append(asyncio.create_task(self._tell()))

        self.writer.submit(changes or [tag(name)], done)

    def stored(self) -> set[str]:
        with closing(sqlite3.connect(self.path)) as other:
            return {row[0] for row in other.execute("SELECT id FROM id_tag")}

    def execute(self, *statements: str) -> None:
        """Something that another process does to the file."""
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=10)) as other:
            for statement in statements:
                other.execute(statement)

    async def ended(self, members: int) -> None:
        """Waits until so many members have their answer."""
        async with asyncio.timeout(30), self._moved:
            await self._moved.wait_for(lambda: len(self.ends) >= members)

    def failed(self) -> set[str]:
        return {name for name, error in self.ends.items() if error is not None}


def running(number: int) -> Transaction:
    return Transaction(
        id=number,
        charge_point="CP1",
        connector=1,
        id_tag="A1B2C3",
        id_tag_status="Accepted",
        start_time=0,
        start_text="",
        start_received_at=0,
        meter_start_wh=0,
        reply="{}",
    )


def tag(name: str, note: str | None = None) -> IdTag:
    return IdTag(id=name, note=note, created_at=0)


@asynccontextmanager
async def watched_at(path: Path) -> AsyncIterator[Watched]:
    """One that is open, on a new file."""
    prepare_database(path)
    made = Watched(path)
    await made.writer.open()
    yield made
    await made.writer.close()


def trigger(name: str, when: str, body: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE INSERT ON id_tag WHEN {when} BEGIN {body}; END"


# What SQLite answers as an OperationalError, like a full disk, until the trigger goes.
DISK_AT_FAULT = trigger("broken", "1", "SELECT json('{')")
