"""The writer with a disk at fault, a file that another process holds, and a recovery that breaks off."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from csmsd.ports.store import NotStored, Removal
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.record import Deleted
from csmsd.store import writer
from csmsd.store.database import prepare_database
from tests.csmsd.store.watched_writer import DISK_AT_FAULT, Watched, tag, trigger, watched_at


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    async with watched_at(tmp_path / "csms.db") as found:
        yield found


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
