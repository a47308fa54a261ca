"""Looks into a copy of the site's file, and into nothing else: no daemon is needed, nothing is written."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

import msgspec

from csmsd.store.database import APPLICATION_ID, migrations
from csmsd.store.seal import is_broken

_COUNTED = ("charge_point", "id_tag", "transactions", "meter_value", "task")
_SHOWN = 20  # of what is wrong


class Inspection(msgspec.Struct):
    """What was found; `problems` is empty when csmsd of this version can start on the file."""

    problems: list[str] = []
    notes: list[str] = []
    schema: int | None = None
    bytes: int = 0
    counts: dict[str, int] = {}
    newest_transaction: int | None = None
    newest_start_time: int | None = None  # ms since 1970-01-01 UTC


def inspect_copy(path: Path, *, thoroughly: bool = True) -> Inspection:
    """Raises OSError when the file cannot be read at all.

    `thoroughly`: every page, row and bit of it, which takes as long as that; else whether it can be opened, and what
    is in it.
    """
    found = Inspection(bytes=path.stat().st_size)
    with path.open("rb") as file:
        if not file.read(16).startswith(b"SQLite format 3\0"):
            found.problems.append("it is no SQLite database")
            return found
    if path.with_name(path.name + "-wal").exists():
        found.notes.append("there is a -wal file beside it, which is not looked at: is this a database in use?")
    # immutable: what is read is this one file, and no lock or -shm file is made beside it.
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    connection.text_factory = lambda text: text.decode(errors="replace")  # a flipped bit may be in a text, or in a name
    try:
        _inspect(connection, found, thoroughly=thoroughly)
        if thoroughly and not found.problems:
            _inspect_seal(connection, path, found)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter: SQLite names what it cannot read
        found.problems.append(f"it is damaged: {error}")
    finally:
        connection.close()
    return found


def _inspect(connection: sqlite3.Connection, found: Inspection, *, thoroughly: bool) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        found.problems.append("it is another program's database")
        return
    found.schema = connection.execute("PRAGMA user_version").fetchone()[0]
    newest = migrations()[-1][0]
    if found.schema > newest:
        found.problems.append(f"a newer csmsd wrote it (schema {found.schema}, this one knows {newest})")
    elif found.schema < newest:
        found.notes.append(f"an older csmsd wrote it; the start brings it from schema {found.schema} to {newest}")
    if thoroughly and not _is_sound(connection, found):
        return
    for table in _COUNTED:
        found.counts[table] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    last = connection.execute("SELECT id, start_time FROM transactions ORDER BY id DESC LIMIT 1").fetchone()
    if last is not None:
        found.newest_transaction, found.newest_start_time = last


def _is_sound(connection: sqlite3.Connection, found: Inspection) -> bool:
    """Whether its rows can be read."""
    wrong = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_SHOWN})")]
    found.problems += [f"it is damaged: {text}" for text in wrong if text != "ok"]
    if wrong != ["ok"]:
        return False
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(_SHOWN):
        found.problems.append(f"row {row} of {table} belongs to a {parent} that is not there")
    return True


def _inspect_seal(connection: sqlite3.Connection, path: Path, found: Inspection) -> None:
    if (seal := _seal(connection)) is not None and is_broken(path, connection, seal):
        found.problems.append("it is not as it was made: a bit has flipped, or somebody wrote to it")


def _seal(connection: sqlite3.Connection) -> str | None:
    """None: it is no copy, or one of an older csmsd."""
    if not connection.execute("SELECT 1 FROM pragma_table_info('books') WHERE name = 'seal'").fetchone():
        return None
    found = connection.execute("SELECT seal FROM books").fetchone()
    return str(found[0]) if found is not None and found[0] is not None else None
