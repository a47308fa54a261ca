"""What one commit writes: the rows of many requests, as they were when each was handled, in few statements."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from csmsd.ports.store import NotStored
from csmsd.profiles.record import Change, Deleted, Once
from csmsd.store.tables import Row, Table, table

Done = Callable[[NotStored | None], None]
Statement = tuple[str, Sequence[object]]

# Prepared statements are kept, one for each number of rows, each with what it wrote last: they may be many and small,
# and long texts are written by few. SQLite takes 32,766 parameters a statement.
_ROWS_AT_ONCE = 64
_LONG = 65_536  # characters of a statement's rows

# A row to be written, with or without looking whether it is there; or the parameters of a statement that deletes some.
_Gathered = dict[str, tuple[Table, list[Row]]]
_Step = tuple[Table, Row, Literal["insert", "insert_unless_there"] | None, str]


class Member:
    """One request's rows, as they were when it was handled. Raises ValueError or TypeError of what JSON cannot say."""

    __slots__ = ("done", "fault", "steps")

    def __init__(self, changes: Iterable[Change], done: Done) -> None:
        self.done = done
        self.fault: Exception | None = None
        self.steps: list[_Step] = []
        for change in changes:
            if isinstance(change, Deleted):
                kind = table(type(change.record))
                self.steps.append((kind, kind.key_of(change.record), None, kind.delete))
            elif isinstance(change, Once):
                kind = table(type(change.record))
                self.steps.append((kind, kind.row(change.record), "insert_unless_there", ""))
            else:
                kind = table(type(change))
                self.steps.append((kind, kind.row(change), "insert", ""))


def statements(members: Iterable[Member]) -> Iterable[Statement]:
    """As few statements as keep the meaning: rows gather by table, a deletion first writes out what came before.

    The rows of a table keep their order, so where one of them may be there already all are looked for.
    """
    gathered: _Gathered = {}
    doubted: set[str] = set()
    for member in members:
        if member.fault is not None:
            raise member.fault
        for kind, row, how, delete in member.steps:
            if how is None:
                yield from _inserts(gathered, doubted)
                gathered.clear()
                doubted.clear()
                yield delete, row
                continue
            gathered.setdefault(kind.name, (kind, []))[1].append(row)
            if how == "insert_unless_there":
                doubted.add(kind.name)
    yield from _inserts(gathered, doubted)


def _inserts(gathered: _Gathered, doubted: set[str]) -> Iterable[Statement]:
    for kind, rows in gathered.values():
        insert = kind.insert_unless_there if kind.name in doubted else kind.insert
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[first : first + _ROWS_AT_ONCE]
            values = [value for row in part for value in row]
            if len(part) > 1 and sum([len(value) for value in values if type(value) is str]) > _LONG:
                yield from ((insert(1), row) for row in part)
            else:
                yield insert(len(part)), values
