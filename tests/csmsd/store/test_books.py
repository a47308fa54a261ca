"""Which books a file holds, and how far ids go on when they were put back."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from csmsd.profiles.core.transactions import Transaction
from csmsd.store.backup import DatabaseCopy
from csmsd.store.books import BooksKeeper, last_given
from csmsd.store.database import StoreError, prepare_database
from csmsd.store.footprint import Footprint
from csmsd.store.tables import table

DAY = 86_400_000
NOON = 1_790_000_000_000
TABLES = ("transactions", "reservation", "charging_profile", "rollout")


class Place:
    """A state directory whose csmsd starts and stops; its transactions began at `NOON`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self.path = directory / "csms.db"
        self.now = NOON

    def start(self, *, begin_anew: bool = False) -> str | None:
        """Why it was taken for one that was put back."""
        self.keeper = keeper = BooksKeeper(self.path, lambda: self.now)
        keeper.look()
        prepare_database(self.path)
        keeper.take_over(begin_anew=begin_anew)
        return keeper.restored

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return [row for statement in statements for row in connection.execute(statement).fetchall()]

    def transaction(self, number: int) -> None:
        begun = Transaction(
            id=number, charge_point="CP1", connector=1, id_tag="A", id_tag_status="Accepted", state="active",
            start_time=0, start_text="", start_received_at=NOON, meter_start_wh=0, reply="{}",
        )  # fmt: skip
        kept = table(Transaction)
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute(kept.insert(1), kept.row(begun))

    def last(self) -> list[int]:
        with closing(sqlite3.connect(self.path)) as connection:
            return [last_given(connection, name) for name in TABLES]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state")


def backed_up(place: Place, to: Path) -> Path:
    copy = DatabaseCopy(place.path)
    copy.make()
    shutil.copy(place.path.with_name("csms.db.copy"), to)
    copy.remove()
    return to


def test_books_that_stay_where_they_are_go_on_where_they_were(place: Place) -> None:
    assert place.start() is None
    place.transaction(41)
    assert place.start() is None
    assert place.last() == [41, 0, 0, 0]
    assert Footprint.read(place.path.parent).given["transactions"] == 41  # type: ignore[union-attr]


@pytest.mark.parametrize(("days", "ahead"), [(0, 1), (0.9, 1), (7, 8), (99, 100), (3650, 101), (-30, 1)])
def test_a_copy_goes_on_beyond_what_may_have_been_given_since(
    place: Place, tmp_path: Path, days: float, ahead: int
) -> None:
    """For each day since the newest transaction a million ids, and for one more; a wrong clock leaves some."""
    place.start()
    place.transaction(41)
    other = Place(tmp_path / "other")
    shutil.copy(place.path, other.path)
    other.now = NOON + int(days * DAY)
    assert other.start() == "no csmsd has used it in this place"
    assert other.last() == [41 + ahead * 1_000_000, ahead * 10_000, ahead * 10_000, ahead * 100]
    assert other.start() is None, "from now on it is at home here"
    assert other.last()[0] == 41 + ahead * 1_000_000


def test_a_backup_is_as_old_as_it_says(place: Place, tmp_path: Path) -> None:
    place.start()
    place.transaction(41)
    other = Place(tmp_path / "other")
    backed_up(place, other.path)
    other.run("UPDATE books SET copied_at = copied_at - 2 * 86400000")
    ((copied_at,),) = other.run("SELECT copied_at FROM books")
    assert isinstance(copied_at, int)
    other.now = copied_at + 2 * DAY
    assert other.start() == "it was made as a copy"
    assert other.last()[0] == 41 + 3_000_000
    assert other.run("SELECT copied_at FROM books") == [(None,)]


def test_there_are_always_ids_left(place: Place, tmp_path: Path) -> None:
    last = 2**31 - 1 - 1000
    place.start()
    place.transaction(last)
    other = Place(tmp_path / "other")
    shutil.copy(place.path, other.path)
    other.start()
    assert other.last()[0] == last + 500


def test_a_copy_of_before_books_had_an_id_is_known_by_its_journal(place: Place, tmp_path: Path) -> None:
    place.start()
    place.transaction(41)
    old = backed_up(place, tmp_path / "old.db")
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.execute("DELETE FROM books")
    other = Place(tmp_path / "other")
    shutil.copy(old, other.path)
    assert other.start() == "it was made as a copy"


def test_an_upgrade_in_place_is_no_copy(place: Place) -> None:
    place.start()
    place.transaction(41)
    place.run("DELETE FROM books")
    (place.path.parent / Footprint.NAME).unlink()
    assert place.start() is None
    assert place.last() == [41, 0, 0, 0]


def test_an_older_state_of_the_same_file_is_noticed(place: Place) -> None:
    place.start()
    place.transaction(41)
    place.run("PRAGMA wal_checkpoint(TRUNCATE)")
    before = place.path.read_bytes()
    place.transaction(50)
    place.start()
    place.path.write_bytes(before)
    assert place.start() == "it knows less than it did when csmsd ran last"
    assert place.last()[0] == 50 + 1_000_000, "what is known to have been given counts"
    assert place.run("SELECT after, last FROM id_gap WHERE name = 'transactions'") == [(41, 1_000_050)]


def test_what_stands_beside_it_may_be_unreadable(place: Place) -> None:
    place.start()
    place.transaction(41)
    (place.path.parent / Footprint.NAME).write_bytes(b"\0" * 100)
    assert place.start() == "no csmsd has used it in this place"


def test_other_books_are_refused_unless_they_are_meant(place: Place, tmp_path: Path) -> None:
    other = Place(tmp_path / "other")
    for one in (place, other):
        one.start()
    place.transaction(41)
    place.start()
    shutil.copy(other.path, place.path)
    with pytest.raises(StoreError, match="these are other books"):
        place.start()
    assert place.start(begin_anew=True) is not None
    assert place.last()[0] == 41 + 101 * 1_000_000, "whoever was here before gave some, nobody knows when"


async def test_notes_do_not_meet_and_none_comes_after_the_last(place: Place) -> None:
    """One that was given up goes on in its thread: two at once would spoil what they write, or undo a clean stop."""
    assert place.start() is None
    keeper = place.keeper
    for _ in range(5):
        await asyncio.gather(*(asyncio.to_thread(keeper._leave_footprint) for _ in range(20)))
        assert Footprint.read(place.path.parent) is not None
    keeper.unchecked = False
    await keeper.close()
    await keeper.note()
    footprint = Footprint.read(place.path.parent)
    assert footprint is not None
    assert footprint.stopped
