"""The writer: what is committed together, in which order it is told, how it is renewed and closed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from inspect import signature
from pathlib import Path
from time import monotonic

import pytest

from csmsd.ports.store import NotStored
from csmsd.runtime.pace import LONGEST_SECONDS
from csmsd.store import writer
from csmsd.store.batch import Statement
from csmsd.store.database import prepare_database
from csmsd.store.writer import Writer
from csmsd.store.writing_thread import WritingThread
from tests.csmsd.store.watched_writer import DISK_AT_FAULT, Watched, tag, trigger, watched_at


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    async with watched_at(tmp_path / "csms.db") as found:
        yield found


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


async def test_a_mistake_in_telling_how_the_disk_is_does_not_stop_the_writer(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("csmsd.store.writer._PAUSE_SECONDS", 0.0)

    def mistaken(failure: str | None) -> None:
        raise RuntimeError(f"a mistake about {failure}")

    watched.writer.on_state = mistaken
    watched.execute(DISK_AT_FAULT)
    watched.submit("A")
    await watched.writer.flush()
    watched.execute("DROP TRIGGER broken")
    watched.submit("B")
    await watched.writer.flush()
    assert watched.failed() == {"A"}
    assert watched.stored() == {"B"}
    assert caplog.text.count("RuntimeError: a mistake about") == 2


async def test_what_is_no_error_of_sqlite_fails_its_member_and_stops_nothing(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a MemoryError is, which SQLite's way of saying that it has none left becomes."""
    without = WritingThread.commit

    async def commit(self: WritingThread, batch: Iterable[Statement]) -> float:
        whole = list(batch)
        if any("A" in parameters for _, parameters in whole):
            raise MemoryError
        return await without(self, whole)

    monkeypatch.setattr(WritingThread, "commit", commit)
    watched.submit("A")
    watched.submit("B")
    async with asyncio.timeout(30):
        await watched.writer.flush()
    assert (watched.failed(), watched.stored()) == ({"A"}, {"B"})


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


@pytest.mark.parametrize(("quick", "waiting"), [(0.0, 0), (60.0, 1)])
async def test_a_slow_disk_has_the_next_batch_before_all_of_the_last_are_told(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, quick: float, waiting: int
) -> None:
    """A quick one has it afterwards: then it is larger, and costs less."""
    monkeypatch.setattr(writer, "_SLOW_DISK_SECONDS", quick)
    found: list[int] = []

    def done(error: NotStored | None) -> None:
        if not found:
            watched.submit("NEXT")
        found.append(watched.writer.waiting)
        until = monotonic() + LONGEST_SECONDS
        while monotonic() < until:
            pass

    for number in range(4):
        watched.writer.submit([tag(f"T{number}")], done)
    await watched.ended(1)
    assert found == [1, waiting, waiting, waiting]
    assert watched.visible == {"NEXT": True}
