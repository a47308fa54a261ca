"""Records and schema say the same: every field a column, of its type, and back again without loss."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

import csmsd.daemon  # noqa: F401 - imports everything, so that every kind of record is known
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.record import Record
from csmsd.store.database import prepare_database
from csmsd.store.tables import table


def record_types(base: type[Record] = Record) -> Iterator[type[Record]]:
    for kind in base.__subclasses__():
        if "table" in kind.__dict__:
            yield kind
        yield from record_types(kind)


RECORDS = sorted(set(record_types()), key=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path: Path = tmp_path_factory.mktemp("tables") / "csms.db"
    prepare_database(path)
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def unwrapped(hint: Any) -> tuple[Any, bool]:
    """The type without Annotated and None, and whether None may be."""
    if get_origin(hint) is Annotated:
        return unwrapped(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        rest = [part for part in get_args(hint) if part is not NoneType]
        return unwrapped(rest[0])[0], True
    return hint, False


def column_type(kind: Any) -> str:
    if get_origin(kind) is Literal:
        kind = type(get_args(kind)[0])
    if get_origin(kind) in (list, dict):
        return "TEXT"
    return {bool: "INTEGER", int: "INTEGER", float: "REAL", str: "TEXT"}[kind]


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_field_is_a_column_of_its_type(database: sqlite3.Connection, kind: type[Record]) -> None:
    columns = {
        name: (declared, bool(required), place)
        for _, name, declared, required, _, place in database.execute(f"PRAGMA table_info({kind.table})")
    }
    hints = get_type_hints(kind, include_extras=True)
    fields = list(kind.__struct_fields__)
    # A record without a key leaves its number to SQLite.
    assert set(columns) - set(fields) <= (set() if kind.key else {"id"})
    for field in fields:
        bare, optional = unwrapped(hints[field])
        declared, required, place = columns[field]
        assert declared == column_type(bare), field
        assert required is not optional or place, field
    assert tuple(name for name, (*_, place) in columns.items() if place) == (kind.key or ("id",))


def sample(kind: Any, number: int) -> Any:
    """A value of that type that is neither empty nor a default."""
    bare, _ = unwrapped(kind)
    if get_origin(bare) is Literal:
        return get_args(bare)[-1]
    if get_origin(bare) is list:
        return [sample(get_args(bare)[0], number)]
    if get_origin(bare) is dict:
        return {"key": sample(get_args(bare)[1], number)}
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return bare(**{field.name: sample(field.type, number) for field in msgspec.structs.fields(bare)})
    return {bool: True, int: 2**62 + number, float: 0.5 + number, str: f"tëxt {number} \u0000'\""}[bare]


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_a_record_comes_back_as_it_went(database: sqlite3.Connection, kind: type[Record]) -> None:
    hints = get_type_hints(kind, include_extras=True)
    full = kind(**{name: sample(hints[name], place) for place, name in enumerate(kind.__struct_fields__)})
    kept = table(kind)
    database.execute("PRAGMA foreign_keys=OFF")
    for record in (full, *_sparse(kind, hints)):
        database.execute(f"DELETE FROM {kind.table}")
        database.execute(kept.insert(1), kept.row(record))
        if kind.key:
            database.execute(kept.insert(1), kept.row(record))  # once more: replaced, not doubled
        (row,) = database.execute(kept.select).fetchall()
        assert kept.record(row) == record
        if kind.key:
            assert database.execute(kept.delete, kept.key_of(record)).rowcount == 1
        database.rollback()


def _sparse(kind: type[Record], hints: dict[str, Any]) -> Iterator[Record]:
    """With None wherever that may be."""
    values = {
        name: None if unwrapped(hints[name])[1] and name not in kind.key else sample(hints[name], place)
        for place, name in enumerate(kind.__struct_fields__)
    }
    yield kind(**values)


def test_every_table_is_strict_and_belongs_to_a_record(database: sqlite3.Connection) -> None:
    tables = {name: strict for _, name, kind, _, _, strict in database.execute("PRAGMA table_list") if kind == "table"}
    own = {name for name in tables if not name.startswith("sqlite_")}
    assert own == {kind.table for kind in RECORDS}
    assert all(tables[name] for name in own)


def test_a_clock_that_stands_still_has_no_reading_looked_for_among_all_that_it_gave_its_moment(tmp_path: Path) -> None:
    prepare_database(tmp_path / "csms.db")
    readings = table(MeterReading)

    def reading(number: int) -> tuple[Any, ...]:
        return readings.row(
            MeterReading(
                charge_point="CP1",
                connector=1,
                transaction_id=None,
                time=5,
                text=None,
                shape=1,
                samples=f'["{number}"]',
            )
        )

    with closing(sqlite3.connect(tmp_path / "csms.db")) as connection:

        def steps(number: int) -> int:
            """Of SQLite, in thousands."""
            taken = []
            connection.set_progress_handler(lambda: taken.append(1), 1000)
            connection.execute(readings.insert_unless_there(1), reading(number))
            connection.set_progress_handler(None, 0)
            return len(taken)

        connection.executemany(readings.insert(1), [reading(number) for number in range(3000)])
        few = steps(3000)
        connection.executemany(readings.insert(1), [reading(number) for number in range(3001, 30_000)])
        assert steps(30_000) <= few + 1
        steps(29_900)
        (rows,) = connection.execute("SELECT count(*) FROM meter_value").fetchone()
    assert rows == 30_001, "one that came a moment ago is still found"
