"""Records to SQL and back. A record's fields are its table's columns, in this order."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar, get_origin, get_type_hints

import msgspec

from csmsd.profiles.record import Record

R = TypeVar("R", bound=Record)
SqlValue = str | int | float | None
Row = tuple[SqlValue, ...]

# A clock that stands still gives a million readings the same moment, and the next must not look through all of them.
_MOST_LOOKED_THROUGH = 1000

_to_json = msgspec.json.Encoder().encode


class Table:
    """How one kind of record is written and read."""

    def __init__(self, record_type: type[Record]) -> None:
        self.name = record_type.table
        self.columns = record_type.__struct_fields__
        self.key = record_type.key
        self.looked_for_by = record_type.looked_for_by
        self._record_type = record_type
        hints = get_type_hints(record_type)
        self._as_json = [i for i, name in enumerate(self.columns) if get_origin(hints[name]) in (list, dict)]
        self._as_bool = [i for i, name in enumerate(self.columns) if hints[name] in (bool, bool | None)]
        self._from_json = [(i, msgspec.json.Decoder(hints[self.columns[i]]).decode) for i in self._as_json]
        self._placeholders = "(" + ",".join("?" * len(self.columns)) + ")"
        updated = [name for name in self.columns if name not in self.key]
        self._tail = ""
        if self.key:
            changes = ",".join(f"{name}=excluded.{name}" for name in updated)
            self._tail = f" ON CONFLICT ({','.join(self.key)}) DO UPDATE SET {changes}"
        self._insert = cache(self._write_insert)
        self._insert_unless_there = cache(self._write_insert_unless_there)

    def row(self, record: Record) -> Row:
        """The record as it is now; later changes to it are another row."""
        values = msgspec.structs.astuple(record)
        if not self._as_json and not self._as_bool:
            return values
        row = list(values)
        for i in self._as_json:
            row[i] = _to_json(row[i]).decode()
        for i in self._as_bool:
            row[i] = None if row[i] is None else int(row[i])
        return tuple(row)

    def insert(self, rows: int) -> str:
        """One statement for that many rows: a statement per row costs a busy process a thread switch each."""
        return self._insert(rows)

    def _write_insert(self, rows: int) -> str:
        values = ",".join([self._placeholders] * rows)
        return f"INSERT INTO {self.name} ({','.join(self.columns)}) VALUES {values}{self._tail}"

    def insert_unless_there(self, rows: int) -> str:
        """As `insert`, for rows that may be there already, or more than once among these.

        It is looked for among the newest of those that are alike in `looked_for_by`.
        """
        return self._insert_unless_there(rows)

    def _write_insert_unless_there(self, rows: int) -> str:
        columns = ",".join(self.columns)
        values = ",".join([self._placeholders] * rows)
        same = " AND ".join(f"newest.{name} IS new.{name}" for name in self.columns)
        near = " AND ".join(f"{name} IS new.{name}" for name in self.looked_for_by)
        newest = f"SELECT * FROM {self.name} WHERE {near} ORDER BY rowid DESC LIMIT {_MOST_LOOKED_THROUGH}"
        # INSERT comes first: what begins with WITH is no writing to sqlite3, which opens no transaction for it.
        return (
            f"INSERT INTO {self.name} ({columns}) WITH new({columns}) AS (VALUES {values}) "
            f"SELECT DISTINCT {columns} FROM new WHERE NOT EXISTS (SELECT 1 FROM ({newest}) AS newest WHERE {same})"
        )

    @property
    def delete(self) -> str:
        return f"DELETE FROM {self.name} WHERE " + " AND ".join(f"{name}=?" for name in self.key)

    def delete_among(self, column: str, values: int) -> str:
        return f"DELETE FROM {self.name} WHERE {column} IN ({','.join('?' * values)})"

    def key_of(self, record: Record) -> Row:
        return tuple(getattr(record, name) for name in self.key)

    @property
    def select(self) -> str:
        return f"SELECT {','.join(self.columns)} FROM {self.name}"

    def record(self, row: Sequence[Any]) -> Any:
        values = list(row)
        for i, decode in self._from_json:
            values[i] = decode(values[i])
        for i in self._as_bool:
            values[i] = None if values[i] is None else bool(values[i])
        return self._record_type(**dict(zip(self.columns, values, strict=True)))


@cache
def table(record_type: type[Record]) -> Table:
    """The table of a kind of record."""
    return Table(record_type)


def read_records(
    record_type: type[R],
    query: Callable[[str, Sequence[SqlValue]], Iterable[Sequence[Any]]],
    rest: str = "",
    parameters: Sequence[SqlValue] = (),
) -> list[R]:
    """Records that `query` finds; `rest` is SQL after the table's name."""
    kind = table(record_type)
    return [kind.record(row) for row in query(f"{kind.select} {rest}", parameters)]
