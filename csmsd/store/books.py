"""Which books a database holds, and whether it may have missed some: one that was put back from a copy goes on beyond
every id that may have been given after the copy was made, since charge points keep them.
"""

import asyncio
import logging
import secrets
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from csmsd.ports.live_site import Clock
from csmsd.profiles.record import Milliseconds, Record
from csmsd.profiles.reservation.reservations import LARGEST_OWN_ID
from csmsd.store.database import BUSY_TIMEOUT_SECONDS, StoreError, damage, refusing_damage
from csmsd.store.footprint import Footprint, footprint_of_file

log = logging.getLogger(__name__)

_ROUND_SECONDS = 30.0
_DAY_MS = 86_400_000
_LONGEST_DAYS = 100
# By table: how many no site gives in a day, and the highest that there may be.
_IDS: dict[str, tuple[int, int]] = {
    "transactions": (1_000_000, 2**31 - 1),
    "reservation": (10_000, LARGEST_OWN_ID),
    "charging_profile": (10_000, LARGEST_OWN_ID),
    "rollout": (100, LARGEST_OWN_ID),
}
_NEWEST_START = "SELECT max(start_received_at) FROM transactions WHERE id > (SELECT max(id) - 1000 FROM transactions)"


class Books(Record, kw_only=True):
    """The one row that says which books these are. `copied_at`: this is a copy that was made then."""

    table: ClassVar[str] = "books"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    copied_at: Milliseconds | None = None
    seal: str | None = None  # of a copy that nobody has written to


class IdGap(Record, kw_only=True):
    """Ids of a table that these books have not given and never will: those beyond `after`, up to `last`."""

    table: ClassVar[str] = "id_gap"
    key: ClassVar[tuple[str, ...]] = ("name", "last")

    name: str
    after: int
    last: int


class BooksKeeper:
    """Takes a database over at the start, and leaves the footprint by which the next start knows it again."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._books = ""
        self._file: tuple[int, int] | None = None
        self.seen_at: Milliseconds | None = None  # when an earlier csmsd was last at it
        self._made_as_copy = False
        self.unchecked = False  # csmsd did not stop cleanly, or elsewhere: nobody has looked through the file since
        self._given: dict[str, int] = {}
        self._writing = threading.Lock()  # a note that was given up goes on in its thread while the next is made
        self._stopped = False
        self.restored: str | None = None  # why the database is taken for one that was put back; None: it is not

    def look(self) -> None:
        """To be called before the file is opened: a copy of before there was a mark for them has another journal."""
        try:
            with self._path.open("rb") as file:
                header = file.read(100)
        except OSError:
            return
        # https://sqlite.org/fileformat.html 1.3: 18 is 1 for a rollback journal, user_version is at 60.
        self._made_as_copy = len(header) == 100 and header[18] == 1 and any(header[60:64])

    def take_over(self, *, begin_anew: bool) -> None:
        """To be called once the file has the newest schema. Raises StoreError, or OSError."""
        footprint = Footprint.read(self._path.parent)
        self.seen_at = footprint.seen_at if footprint is not None else None
        with (
            refusing_damage(self._path),
            closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)) as connection,
        ):
            connection.execute("BEGIN IMMEDIATE")
            self._take_over(connection, footprint, begin_anew=begin_anew)
            connection.execute("COMMIT")
        self._file = footprint_of_file(self._path)
        self._leave_footprint()

    def _take_over(self, connection: sqlite3.Connection, footprint: Footprint | None, *, begin_anew: bool) -> None:
        row = connection.execute("SELECT id, copied_at FROM books").fetchone()
        self.unchecked = row is not None and (footprint is None or not footprint.stopped)
        given = _given(connection)
        if row is None:
            self._books = secrets.token_hex(16)
            connection.execute("INSERT INTO books (id) VALUES (?)", (self._books,))
        else:
            self._books = row[0]
            if footprint is not None and footprint.books != row[0] and not begin_anew:
                raise StoreError(
                    f"{self._path}: these are other books than those that were here before. Put the right database "
                    "back; or, if they are meant, take them over: csmsd --begin-anew"
                )
        if self._made_as_copy or (row is not None and row[1] is not None):
            self.restored = "it was made as a copy"
        elif row is not None or footprint is not None:  # books that had no id up to now are where they always were
            self.restored = self._moved(footprint, given)
        if self.restored is None:
            return
        now = self._clock()
        since = row[1] if row is not None else None
        if since is None:
            since = connection.execute(_NEWEST_START).fetchone()[0]
        days = 1 + min(_LONGEST_DAYS, max(0, (now - (since or 0)) // _DAY_MS))
        before = footprint.given if footprint is not None else {}
        for name, (a_day, highest) in _IDS.items():
            last = max(given[name], before.get(name, 0))
            mark = last + min(days * a_day, max(0, highest - last) // 2)
            connection.execute("INSERT OR IGNORE INTO id_gap VALUES (?, ?, ?)", (name, given[name], mark))
        connection.execute("UPDATE books SET copied_at = NULL, seal = NULL")

    def _moved(self, footprint: Footprint | None, given: dict[str, int]) -> str | None:
        """Why this is not the file that the last csmsd here had, as it left it."""
        if footprint is None:
            return "no csmsd has used it in this place"
        if footprint.file != footprint_of_file(self._path):
            return "another file was there when csmsd ran last"
        if any(given[name] < footprint.given.get(name, 0) for name in ("transactions", "charging_profile")):
            return "it knows less than it did when csmsd ran last"
        return None

    async def run(self) -> None:
        """Never returns."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            await self.note()

    async def note(self) -> None:
        """Leaves a new footprint; where that cannot be, there is an older one."""
        try:
            await asyncio.to_thread(self._leave_footprint)
        except (OSError, sqlite3.Error) as error:
            log.error("how far the books have come could not be noted: %s", error)

    def _leave_footprint(self) -> None:
        if footprint_of_file(self._path) != self._file:
            return  # it was put there while csmsd ran: the next start is to notice
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=1)) as connection:
            self._given = _given(connection)
        self._write_footprint(stopped=False)

    def _write_footprint(self, *, stopped: bool) -> None:
        assert self._file is not None
        with self._writing:
            if self._stopped:
                return
            footprint = Footprint(
                books=self._books, file=self._file, seen_at=self._clock(), given=self._given, stopped=stopped
            )
            footprint.write(self._path.parent)
            self._stopped = stopped

    def damage(self) -> str | None:
        """What is damaged in the file; it blocks for as long as it takes to read it, and longer."""
        found = damage(self._path)
        self.unchecked = False
        return found

    async def close(self) -> None:
        """To be called when the file is closed: the next start need not have it looked through."""
        try:
            if not self.unchecked and self._file is not None and footprint_of_file(self._path) == self._file:
                await asyncio.to_thread(self._write_footprint, stopped=True)
        except OSError as error:
            log.error("that csmsd stopped could not be noted: %s", error)


def last_given(connection: sqlite3.Connection, name: str) -> int:
    """The highest id that was ever given in a table, as far as this database knows, or that may have been."""
    sequence = connection.execute("SELECT seq FROM sqlite_sequence WHERE name=?", (name,)).fetchone()
    gap = connection.execute("SELECT max(last) FROM id_gap WHERE name=?", (name,)).fetchone()
    return max(int(sequence[0]) if sequence else 0, int(gap[0] or 0))


def _given(connection: sqlite3.Connection) -> dict[str, int]:
    """By table; of those whose rows go on from the highest that is there, that one."""
    counted = {
        name: connection.execute(f"SELECT max(id) FROM {name} WHERE id <= ?", (LARGEST_OWN_ID,)).fetchone()[0] or 0
        for name in ("reservation", "rollout")
    }
    return {name: max(last_given(connection, name), counted.get(name, 0)) for name in _IDS}
