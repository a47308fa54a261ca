"""The writer: batches, one bad member, a disk at fault. The faults are SQLite's own, from triggers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import closing
from inspect import signature
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import msgspec
import pytest

from csmsd.pace import LONGEST_SECONDS
from csmsd.ports.store import NotStored, Removal
from csmsd.profiles.core.charge_points import ChargePoint, Connector
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change, Deleted, Once
from csmsd.store import batch, writer
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
        connection = self.writer._connection
        assert connection is not None
        return await self.writer._in_thread(lambda: what(connection))

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


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    path = tmp_path / "csms.db"
    prepare_database(path)
    made = Watched(path)
    await made.writer.open()
    yield made
    await made.writer.close()


def trigger(name: str, when: str, body: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE INSERT ON id_tag WHEN {when} BEGIN {body}; END"


# What SQLite answers as an OperationalError, like a full disk, until the trigger goes.
DISK_AT_FAULT = trigger("broken", "1", "SELECT json('{')")


async def test_what_comes_in_together_is_committed_together(watched: Watched) -> None:
    names = {f"T{number}" for number in range(500)}
    for name in names:
        watched.submit(name)
    await watched.writer.flush()
    assert watched.writer.commits.count == 1
    assert watched.stored() == names
    assert watched.failed() == set()


async def test_what_goes_along_is_in_the_next_commit_and_in_none_of_its_own(watched: Watched) -> None:
    told: list[NotStored | None] = []
    watched.writer.submit_along([tag("ALONG")], told.append)
    await watched.writer.commit([])  # nothing is to be written
    assert (watched.stored(), told) == (set(), [])
    watched.submit("A")
    await watched.ended(1)
    assert (watched.stored(), told) == ({"ALONG", "A"}, [None])
    watched.writer.submit_along([tag("ALONE")], told.append)
    watched.writer.no_longer_along()
    await watched.writer.flush()
    assert (watched.stored(), told) == ({"ALONG", "A", "ALONE"}, [None, None])


async def test_done_is_called_after_the_commit(watched: Watched) -> None:
    watched.submit("A")
    assert watched.ends == {}
    await watched.writer.flush()
    assert watched.visible == {"A": True}


@pytest.mark.parametrize(("synchronous", "number"), [("FULL", 2), ("NORMAL", 1)])
async def test_how_a_commit_reaches_the_disk(tmp_path: Path, synchronous: str, number: int) -> None:
    """No kill -9 shows it, only a power cut: FULL has every commit flushed before it is answered."""
    path = tmp_path / "csms.db"
    prepare_database(path)
    made = Watched(path, synchronous=synchronous)
    await made.writer.open()
    try:
        assert await made.run(lambda connection: connection.execute("PRAGMA synchronous").fetchone()) == (number,)
        assert await made.run(lambda connection: connection.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
    finally:
        await made.writer.close()
    assert signature(Writer).parameters["synchronous"].default == "FULL"


async def test_more_rows_than_sqlite_takes_parameters(watched: Watched) -> None:
    # What SQLite takes where nobody raised it, as some distributions do.
    await watched.run(lambda connection: connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766))
    watched.submit("MANY", *(tag(f"T{number}") for number in range(20_000)))
    await watched.writer.flush()
    assert len(watched.stored()) == 20_000


@pytest.mark.parametrize("length", [10, 3_000, 1_000_000])
def test_what_prepared_statements_keep_is_little_however_much_is_written(length: int) -> None:
    """Each keeps what it wrote last, and there is one for each number of rows: they were 900 MiB."""
    kept: dict[str, int] = {}
    note = "x" * length
    for rows in range(1, 200 if length < 100_000 else 40):
        member = batch.Member([tag("A", note) for _ in range(rows)], lambda error: None)
        written = 0
        for sql, values in batch.statements([member]):
            kept[sql] = sum(len(value) for value in values if isinstance(value, str))
            written += sql.count("(?")
        assert written == rows
    assert sum(kept.values()) < 4 * 1024 * 1024
    assert sum(map(len, kept)) < 256 * 1024


async def test_changes_keep_their_order(watched: Watched) -> None:
    watched.submit("one", tag("A", "first"), tag("B"))
    watched.submit("two", tag("a", "second"), Deleted(tag("B")))  # idTags are case-insensitive
    watched.submit("three", Deleted(tag("C")), tag("C", "back"))
    await watched.writer.flush()
    assert watched.writer.commits.count == 1
    with closing(sqlite3.connect(watched.path)) as other:
        assert other.execute("SELECT id, note FROM id_tag ORDER BY id").fetchall() == [("A", "second"), ("C", "back")]


async def test_rows_are_as_they_were_when_they_were_given(watched: Watched) -> None:
    record = tag("A", "then")
    watched.submit("A", record)
    record.note = "later"
    await watched.writer.flush()
    with closing(sqlite3.connect(watched.path)) as other:
        assert other.execute("SELECT note FROM id_tag").fetchall() == [("then",)]


async def bad_member(watched: Watched, *changes: Change) -> None:
    """A member that cannot be stored, between two that can."""
    watched.submit("A")
    watched.submit("BAD", *changes)
    watched.submit("C")
    await watched.writer.flush()
    assert watched.failed() == {"BAD"}
    assert isinstance(watched.ends["BAD"], NotStored)
    assert watched.stored() == {"A", "C"}
    assert watched.recoveries == 1, "memory believed in rows that are not there"
    assert watched.recovered_before["BAD"] == 1, "it was told before memory was right again"
    assert watched.states == [], "the disk is not at fault"
    watched.submit("D")
    await watched.writer.flush()
    assert watched.ends["D"] is None


async def test_a_row_that_the_schema_refuses_fails_alone(watched: Watched) -> None:
    watched.execute(trigger("picky", "new.id = 'BAD'", "SELECT RAISE(ABORT, 'not this one')"))
    await bad_member(watched)


async def test_a_foreign_key_that_leads_nowhere_fails_alone(watched: Watched) -> None:
    """It is found at the COMMIT only: the keys are deferred."""
    await bad_member(
        watched, Connector(charge_point="CP9", connector=1, status="Available", status_at=0, received_at=0)
    )


async def test_an_integer_too_large_for_sqlite_fails_alone(watched: Watched) -> None:
    await bad_member(watched, IdTag(id="BAD", created_at=2**70))


async def test_text_that_is_no_unicode_fails_alone(watched: Watched) -> None:
    await bad_member(watched, tag("BAD", "\ud800"))


async def test_a_value_that_json_cannot_say_fails_alone(watched: Watched) -> None:
    labels: list[str] = [object()]  # type: ignore[list-item]
    await bad_member(watched, ChargePoint(id="BAD", labels=labels, registered_at=0))


async def test_a_value_that_json_has_no_room_for_fails_alone(watched: Watched) -> None:
    await bad_member(watched, IdTag(id="BAD", created_at=0, labels=[object()]))  # type: ignore[list-item]


async def test_a_member_is_stored_whole_or_not_at_all(watched: Watched) -> None:
    watched.execute(trigger("picky", "new.id = 'BAD'", "SELECT RAISE(ABORT, 'not this one')"))
    await bad_member(watched, tag("E"), tag("BAD"), tag("F"))


async def test_references_within_a_batch_may_come_in_any_order(watched: Watched) -> None:
    watched.submit("connector", Connector(charge_point="CP1", connector=1, status="x", status_at=0, received_at=0))
    watched.submit("charge point", ChargePoint(id="CP1", registered_at=0))
    await watched.writer.flush()
    assert watched.failed() == set()


async def test_a_disk_at_fault_fails_every_member_and_memory_is_loaded_anew(watched: Watched) -> None:
    watched.execute(DISK_AT_FAULT)
    for name in ("A", "B", "C"):
        watched.submit(name)
    await watched.ended(3)
    assert watched.failed() == {"A", "B", "C"}
    assert watched.recovered_before == {"A": 1, "B": 1, "C": 1}
    assert watched.stored() == set()
    assert watched.states == [watched.writer.failure]
    assert watched.states != [None]
    watched.submit("D")
    assert watched.failed() == {"A", "B", "C", "D"}, "refused at once while the disk has its rest"

    watched.execute("DROP TRIGGER broken")
    await watched.writer.flush()  # its rest is over
    watched.submit("E")
    await watched.writer.flush()
    assert watched.ends["E"] is None
    assert watched.states[1:] == [None]


async def test_a_disk_that_stays_at_fault_is_told_of_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_PAUSE_SECONDS", 0.01)
    watched.execute(DISK_AT_FAULT)
    for number in range(1, 4):
        watched.submit(f"T{number}")
        await watched.ended(number)
        await watched.writer.flush()
    assert len(watched.failed()) == 3
    assert len(watched.states) == 1
    assert watched.writer.failed_commits == 3
    watched.execute("DROP TRIGGER broken")


async def test_a_disk_that_is_at_fault_while_csmsd_stops(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_PAUSE_SECONDS", 60.0)
    watched.execute(DISK_AT_FAULT)
    watched.submit("A")
    begun = monotonic()
    await watched.writer.close()
    assert monotonic() - begun < 60, "nobody waits for it to be better"
    assert watched.failed() == {"A"}
    assert not watched.writer.accepting
    watched.submit("LATE")
    assert watched.failed() == {"A", "LATE"}
    with pytest.raises(NotStored, match="JSON"):
        async with asyncio.timeout(30):
            await watched.writer.remove([Removal(MeterReading, "id", [1])])
    with pytest.raises(NotStored, match="closed"):
        async with asyncio.timeout(30):
            await watched.writer.shrink(1)
    watched.execute("DROP TRIGGER broken")


async def test_no_page_is_given_back_while_another_process_holds_the_file(watched: Watched) -> None:
    await watched.run(lambda connection: connection.execute("PRAGMA busy_timeout=0"))
    with closing(sqlite3.connect(watched.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotStored, match="locked"):
            await watched.writer.shrink(1)
        other.execute("ROLLBACK")
    await watched.writer.shrink(1)
    assert watched.writer.accepting


async def test_what_came_in_during_a_commit_that_failed_fails_too(watched: Watched) -> None:
    """It was worked out from a memory that was ahead of the disk."""
    watched.execute(DISK_AT_FAULT)
    watched.submit("A")
    await asyncio.sleep(0)  # the writer has taken A and is at it
    watched.submit("B")
    await watched.ended(2)
    assert watched.failed() == {"A", "B"}
    assert watched.recoveries == 1
    watched.execute("DROP TRIGGER broken")


async def test_every_statement_of_a_batch_may_be_the_one_that_fails(watched: Watched) -> None:
    """n = 1, 2, 3 …: the failure of the n-th row costs its own member and no other."""
    for broken in range(6):
        watched.execute(trigger("picky", f"new.id = 'R{broken}'", "SELECT RAISE(ABORT, 'not this one')"))
        watched.ends.clear()
        for number in range(6):
            watched.submit(f"R{number}", Deleted(tag(f"R{number}")), tag(f"R{number}", f"round {broken}"))
        await watched.writer.flush()
        assert watched.failed() == {f"R{broken}"}
        watched.execute("DROP TRIGGER picky")


async def test_another_process_that_holds_the_file_delays_and_fails_nothing(watched: Watched) -> None:
    with closing(sqlite3.connect(watched.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        watched.submit("A")
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert watched.ends == {}
        other.execute("COMMIT")
    await watched.writer.flush()
    assert watched.ends == {"A": None}


async def test_a_commit_that_takes_long_is_told_of_while_it_does(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow() -> int | None:
        return watched.writer.slow_ms

    assert slow() is None
    with closing(sqlite3.connect(watched.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(writer, "_SLOW_SECONDS", 60.0)
        before = monotonic()
        watched.submit("A")
        await asyncio.sleep(0)  # the writer has taken A and is at it
        after = monotonic()
        assert slow() is None, "it has not taken that long"
        monkeypatch.setattr(writer, "_SLOW_SECONDS", 0.0)
        await asyncio.sleep(0.02)
        at_least = (monotonic() - after) * 1000
        taken = slow()
        assert taken is not None
        assert at_least - 1 <= taken <= (monotonic() - before) * 1000 + 1
        other.execute("COMMIT")
    await watched.writer.flush()
    assert slow() is None
    monkeypatch.setattr(writer, "_SLOW_SECONDS", -1.0)
    assert slow() == 0, "none is under way"


async def test_what_may_be_there_is_kept_once_and_in_its_order(watched: Watched) -> None:
    def reading(value: str, **fields: Any) -> MeterReading:
        usual: dict[str, Any] = {"charge_point": "CP1", "connector": 1, "transaction_id": None, "time": 1}
        return MeterReading(**(usual | {"text": None, "shape": 0, "samples": value} | fields))

    await watched.writer.commit([reading("[1]")])
    watched.submit("a", Once(reading("[1]")), Once(reading("[3]")), reading("[2]"), Once(reading("[2]")))
    watched.submit("b", Once(reading("[3]")), Once(reading("[3]", connector=2)), Once(reading("[3]", time=2)))
    await watched.writer.flush()
    with closing(sqlite3.connect(watched.path)) as other:
        rows = other.execute("SELECT samples, connector, time FROM meter_value ORDER BY id").fetchall()
    assert rows == [("[1]", 1, 1), ("[3]", 1, 1), ("[2]", 1, 1), ("[3]", 2, 1), ("[3]", 1, 2)]


async def test_what_may_be_there_is_part_of_the_transaction_also_when_it_comes_first(watched: Watched) -> None:
    """It was committed by itself, before the transaction that it names, and all the others failed."""
    fields: dict[str, Any] = {"charge_point": "CP1", "connector": 1, "transaction_id": 7, "text": None, "shape": 0}
    reading = MeterReading(time=1, samples="[1]", **fields)
    watched.submit("reading", Once(reading))
    watched.submit("transaction", running(7))
    await watched.writer.flush()
    assert watched.failed() == set()

    watched.execute(trigger("picky", "new.id = 'BAD'", "SELECT RAISE(ABORT, 'not this one')"))
    watched.submit("whole", Once(msgspec.structs.replace(reading, time=2)), tag("BAD"))
    await watched.writer.flush()
    assert watched.failed() == {"whole"}
    with closing(sqlite3.connect(watched.path)) as other:
        assert other.execute("SELECT time FROM meter_value").fetchall() == [(1,)]


async def test_commit_waits_and_raises(watched: Watched) -> None:
    await watched.writer.commit([tag("A")])
    assert watched.stored() == {"A"}
    watched.execute(trigger("picky", "new.id = 'BAD'", "SELECT RAISE(ABORT, 'not this one')"))
    with pytest.raises(NotStored, match="not this one"):
        await watched.writer.commit([tag("BAD")])


async def test_renewing_refuses_what_is_new_writes_what_is_pending_and_loads_anew(watched: Watched) -> None:
    watched.submit("A")
    watched.writer.renew()
    watched.submit("B")
    assert isinstance(watched.ends["B"], NotStored), "it was worked out from memory that may be wrong"
    await watched.writer.flush()
    assert watched.stored_at_recovery == {"A"}
    assert watched.recoveries == 1
    watched.submit("C")
    await watched.writer.flush()
    assert watched.stored() == {"A", "C"}
    assert watched.recoveries == 1


async def test_renewing_waits_for_what_came_in_during_a_commit(watched: Watched) -> None:
    """What was taken is in the memory that is loaded."""
    watched.submit("A")
    await asyncio.sleep(0)  # the writer has taken it and is at it
    watched.submit("B")
    watched.writer.renew()
    await watched.writer.flush()
    assert watched.stored_at_recovery == {"A", "B"}
    assert watched.recoveries == 1


async def test_renewing_while_a_commit_fails_refuses_until_memory_is_loaded_anew(watched: Watched) -> None:
    """The failed commit has it loaded, too; what was asked for meanwhile is done all the same, and after it."""
    watched.execute(trigger("picky", "new.id = 'BAD'", "SELECT RAISE(ABORT, 'not this one')"))
    watched.submit("BAD")
    await asyncio.sleep(0)  # the writer has taken it and is at it
    watched.writer.renew()
    await watched.writer.flush()
    assert watched.accepting_at_recovery == [False, False]
    assert watched.writer.accepting


async def test_a_recovery_that_breaks_off_holds_nobody_up(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was not stored is told so. Nothing is taken, for memory may be wrong, until a later recovery succeeds."""
    monkeypatch.setattr(writer, "_PAUSE_SECONDS", 0.0)
    watched.execute(trigger("picky", "new.id = 'BAD'", "SELECT RAISE(ABORT, 'not this one')"))
    watched.recovery_fails = 3
    watched.submit("BAD")
    await watched.ended(1)
    assert watched.failed() == {"BAD"}
    assert watched.recoveries == 1, "it is told after the first try, whatever becomes of the others"
    watched.submit("A")
    assert isinstance(watched.ends["A"], NotStored), "it was worked out from memory that may be wrong"
    await watched.writer.flush()
    assert watched.recoveries == 4
    watched.submit("B")
    await watched.writer.flush()
    assert watched.stored() == {"B"}
    assert "it does not fit" in caplog.text


async def test_a_recovery_that_breaks_off_for_ever_does_not_keep_it_from_closing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "csms.db"
    prepare_database(path)
    watched = Watched(path)
    await watched.writer.open()
    watched.recovery_fails = 1_000
    watched.writer.renew()
    async with asyncio.timeout(30):
        await watched.writer.close()
    assert not watched.writer.accepting


async def test_a_mistake_in_one_done_does_not_stop_the_writer(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(error: Exception | None) -> None:
        raise RuntimeError("a mistake")

    watched.writer.submit([tag("A")], mistaken)
    watched.submit("B")
    await watched.writer.flush()
    assert watched.ends == {"B": None}
    assert "a mistake" in caplog.text


async def test_closing_writes_what_is_pending_and_then_refuses(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    prepare_database(path)
    made = Watched(path)
    await made.writer.open()
    for name in names(50):
        made.submit(name)
    await made.writer.close()
    assert made.stored() == set(names(50))
    made.submit("LATE")
    assert made.failed() == {"LATE"}
    made.writer.renew()
    async with asyncio.timeout(30):
        await made.writer.flush()  # nobody is there any more to do anything
    assert made.recoveries == 0


def names(count: int) -> Iterable[str]:
    return (f"T{number}" for number in range(count))


async def test_others_have_their_turns_while_many_are_told_that_they_are_stored(watched: Watched) -> None:
    """Everybody waits for the first commit after a power cut, and is answered by it."""
    told: list[int] = []
    at: list[int] = []
    rounds = 0

    def done(error: NotStored | None) -> None:
        until = monotonic() + LONGEST_SECONDS / 4
        while monotonic() < until:
            pass
        told.append(len(told))
        at.append(rounds)

    for number in range(40):
        watched.writer.submit([tag(f"T{number}")], done)
    while len(told) < 40:
        rounds += 1
        await asyncio.sleep(0)
    assert watched.stored() >= {f"T{number}" for number in range(40)}
    assert at[-1] - at[0] >= 8, at
