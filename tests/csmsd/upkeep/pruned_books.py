"""Books to prune, with the real store."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.ports.pruning import PruneKind
from csmsd.profiles.core.charge_points import ChargePoint
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change
from csmsd.profiles.site import Site
from csmsd.profiles.task import Task
from csmsd.settings.sections import Retention
from csmsd.store import prunable
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.prunable import Prunable
from csmsd.store.writer import Writer
from csmsd.upkeep.pruning import Pruner

DAY = 86_400_000


NOW = 1_790_000_000_000
OLD, NEW = NOW - 100 * DAY, NOW - DAY


class Files:
    """The storage, as pruning sees it."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    def remove(self, kind: str, stored: str) -> None:
        self.removed.append(stored)


class Books:
    """A file with a writer and a pruner; the clock stands still."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = Files()
        self.patience = 0
        self.settings = Retention(keep_unexported=False)
        self.writer = Writer(path, recover=lambda: self.live.recover())
        bus = EventBus(last=0, clock=lambda: NOW, keep=lambda event: None)
        self.live = LiveSite(self.writer, bus, lambda: NOW, lambda: load_site(path, Site()))
        self.pruner = Pruner(
            self.live,
            self.writer,
            Prunable(path),
            self.files,  # type: ignore[arg-type]
            self.settings,
            lambda: self.patience,
        )

    @property
    def site(self) -> Site:
        return self.live.site

    async def keep(self, *changes: Change) -> None:
        await self.writer.commit([ChargePoint(id="CP1", registered_at=0), *changes])
        await self.live.open()

    async def prune(self, kind: PruneKind, days: int = 30) -> int:
        removed, more = await self.pruner.prune(kind, NOW - days * DAY, None)
        assert not more
        return removed

    def stored(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            return [row[0] if len(row) == 1 else row for row in connection.execute(sql)]


@asynccontextmanager
async def books_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    """With small commits, so that several are needed."""
    monkeypatch.setattr(prunable, "_ROWS", 3)
    monkeypatch.setattr(prunable, "_TRANSACTIONS", 2)
    monkeypatch.setattr(prunable, "_LOOKED_AT", 5)
    prepare_database(path)
    made = Books(path)
    await made.writer.open()
    yield made
    await made.writer.close()


def transaction(number: int, time: int = OLD, **fields: Any) -> Transaction:
    usual: dict[str, Any] = {
        "charge_point": "CP1",
        "connector": 1,
        "id_tag": "A1",
        "id_tag_status": "Accepted",
        "state": "stopped",
        "start_time": time,
        "start_text": f"start {number}",
        "start_received_at": time,
        "stop_time": time,
        "stop_received_at": time,
        "meter_start_wh": 0,
        "booking": number,
        "reply": "{}",
    }
    return Transaction(id=number, **(usual | fields))


def reading(transaction_id: int | None, time: int = OLD) -> MeterReading:
    return MeterReading(
        charge_point="CP1", connector=1, transaction_id=transaction_id, time=time, text=None, shape=0, samples="[]"
    )


def task(number: int, time: int, **fields: Any) -> Task:
    usual: dict[str, Any] = {"state": "settled", "settled_at": time}
    return Task(
        id=number, created_at=time, uid=0, user=None, charge_point="CP1", action="Reset", request="{}",
        **(usual | fields),
    )  # fmt: skip
