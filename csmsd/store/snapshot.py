"""The database as it was in one moment, for those that load the live state from it."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from csmsd.profiles.record import Record
from csmsd.store.books import last_given
from csmsd.store.tables import SqlValue, read_records

R = TypeVar("R", bound=Record)


class Snapshot:
    """Reads in the transaction that its connection is in."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def query(self, sql: str, parameters: Sequence[SqlValue] = ()) -> Iterable[Sequence[Any]]:
        return self._connection.execute(sql, parameters)

    def records(self, kind: type[R], where: str = "", parameters: Sequence[SqlValue] = ()) -> list[R]:
        """The rows of a kind; `where` is what stands behind the table's name."""
        return read_records(kind, self.query, where, parameters)

    def last_id(self, table: str) -> int:
        """The highest id that was ever given in a table, or may have been from a database that this is a copy of."""
        return last_given(self._connection, table)
