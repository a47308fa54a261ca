"""What is in a batch: one bad member fails alone, and rows are as they were given."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from csmsd.ports.store import NotStored
from csmsd.profiles.core.charge_points import ChargePoint, Connector
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.record import Change, Deleted, Once
from csmsd.store import batch
from tests.csmsd.store.watched_writer import Watched, running, tag, trigger, watched_at


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    async with watched_at(tmp_path / "csms.db") as found:
        yield found


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
