"""A live site on a file with a writer: what a part of csmsd is given, without the others."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeVar

from csmsd.events import EventBus, NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.writer import Writer

Opened = TypeVar("Opened", bound="StoredSite")


class StoredSite:
    """A site where nobody is registered, on disk and in memory; `told` is its news."""

    def __init__(self, path: Path, now: Callable[[], Milliseconds]) -> None:
        self.path = path
        self.told: list[NumberedEvent] = []
        self.writer = Writer(path, recover=lambda: self.live.recover())
        self.bus = EventBus(last=0, clock=now, keep=self.told.append)
        self.live = LiveSite(self.writer, self.bus, now, lambda: load_site(path, Site()))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What is on disk."""
        with closing(sqlite3.connect(self.path)) as other:
            return other.execute(statement).fetchall()

    def execute(self, statement: str) -> None:
        """Something that another process does to the file."""
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=10)) as other:
            other.execute(statement)


def new_file(directory: Path) -> Path:
    """A database in which nothing is."""
    path = directory / "csms.db"
    prepare_database(path)
    return path


@asynccontextmanager
async def opened(site: Opened) -> AsyncIterator[Opened]:
    """As csmsd has it while it runs."""
    await site.live.open()
    await site.writer.open()
    try:
        yield site
    finally:
        await site.writer.close()
