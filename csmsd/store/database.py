"""The site's file: opened, checked and brought to the newest schema before anything else happens."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from time import monotonic, sleep

APPLICATION_ID = 0x63736D73  # "csms"
# A process that holds the file locked delays us, it must not make us lose anything.
BUSY_TIMEOUT_SECONDS = 90.0
_REST = 3  # a pause is so many times as long as the work before it


class StoreError(Exception):
    """The file cannot be used; the text says why and what to do."""


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another process holds the file, which it will let go of again."""
    return code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the error is not SQLite's own."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def migrations() -> list[tuple[int, str]]:
    """The numbered steps, (number, SQL), in order."""
    found = [step for step in files("csmsd.store").joinpath("migrations").iterdir() if step.name.endswith(".sql")]
    return sorted((int(step.name.split("_")[0]), step.read_text("utf-8")) for step in found)


def prepare_database(path: Path) -> None:
    """Creates or opens the file and migrates it. Raises StoreError.

    The whole of it is not looked through, which takes as long as the disk takes to read it: see `upkeep/checkup.py`.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists() or not path.stat().st_size:
        _make(path)
    with closing(_connect(path)) as connection, refusing_damage(path):
        _check(connection, path)
        # Has an effect on a file without tables only, and writes to any: what is pruned can be given back to the disk.
        if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        _migrate(connection, path)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened: {error}") from error


def _make(path: Path) -> None:
    """Makes a new file whole, under another name: one that a kill left unfinished would look like one that lost all."""
    unfinished = path.with_name(f"unfinished-{path.name}")
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(unfinished.name + suffix).unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(_connect(unfinished)) as connection, refusing_damage(path):
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        _migrate(connection, unfinished)
    unfinished.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def refusing_damage(path: Path) -> Iterator[None]:
    """What cannot be read or written in here is refused: raises StoreError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        what_to_do = _REMEDIES.get(code_of(error), _OF_DAMAGE)
        raise StoreError(f"{path}: {error}. The file is left as it is: {what_to_do}") from error


# Nobody is to give up a database for what only its disk, or another process, is to blame for.
_REMEDIES = {
    sqlite3.SQLITE_FULL: "make room on its disk, and start again",
    sqlite3.SQLITE_IOERR: "look at its disk, which may be full or broken (df, dmesg), and start again",
    sqlite3.SQLITE_CANTOPEN: "look at its disk and who may write there, and start again",
    sqlite3.SQLITE_READONLY: "csmsd must be allowed to write to it and to its directory",
    sqlite3.SQLITE_BUSY: "another process holds it locked; end that, and start again",
}
_OF_DAMAGE = "restore a backup, move it away, or rescue what can be read with: sqlite3 FILE .recover"


def damage(path: Path) -> str | None:
    """What is damaged in the file, looked at table by table with pauses, so that the disk is there for others."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
                begun = monotonic()
                found = connection.execute(f"PRAGMA quick_check('{name}')").fetchone()[0]
                if found != "ok":
                    return str(found)
                sleep(_REST * (monotonic() - begun))
    except sqlite3.DatabaseError as error:
        return None if is_locked(error) else str(error)
    return None


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application != APPLICATION_ID and not (application == 0 and empty):
        raise StoreError(f"{path}: is another program's database; name another state directory.")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    steps = migrations()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    newest = steps[-1][0]
    if version > newest:
        raise StoreError(
            f"{path}: was written by a newer csmsd (schema {version}, this one knows {newest}); upgrade csmsd."
        )
    pending = [step for step in steps if step[0] > version]
    copy = path.with_name(f"{path.name}.before-schema-{newest}")
    kept = _version_of(copy)
    # An older copy is from the beginning of this upgrade, which was cut short: it is the one that is worth having.
    if pending and version > 0 and (kept is None or kept >= version):
        _back_up(connection, copy)
    for number, sql in pending:
        # One transaction per step, its number included: a step that was cut short is done anew.
        script = (
            f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version={number};\nPRAGMA application_id={APPLICATION_ID};\nCOMMIT;"
        )
        connection.executescript(script)


def _version_of(copy: Path) -> int | None:
    """The schema of a copy that is there, from SQLite's header (user_version is at 60)."""
    if not copy.exists():
        return None
    with copy.open("rb") as file:
        return int.from_bytes(file.read(64)[60:], "big")


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    """A copy that is cut short is never taken for a whole one."""
    unfinished = target.with_name(target.name + ".part")
    os.close(os.open(unfinished, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600))
    with closing(sqlite3.connect(unfinished)) as copy:
        connection.backup(copy)
    unfinished.replace(target)
