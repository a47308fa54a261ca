"""What makes a backup of a copy of the database: nothing waits in it, it says that it is a copy, and it is sealed."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from csmsd.store.seal import connect_to_copy, seal_copy


def finish_copy(path: Path, now: int, go_on: Callable[[], None] = lambda: None) -> None:
    """`now` in ms since 1970-01-01 UTC; `go_on` is called now and then. Raises OSError, sqlite3.Error.

    What is written is not on disk yet: whoever keeps the file sees to it.
    """
    with closing(connect_to_copy(path)) as copy:
        copy.execute("PRAGMA synchronous=OFF")
        copy.execute("PRAGMA journal_mode=MEMORY")  # cut short, it is thrown away
        copy.execute("BEGIN")
        _settle_what_waits(copy, now)
        # Whoever starts on it goes on beyond what the original may have given since.
        copy.execute("UPDATE books SET copied_at = ?", (now,))
        copy.execute("COMMIT")
    seal_copy(path, go_on)


def _settle_what_waits(copy: sqlite3.Connection, now: int) -> None:
    """Queued commands are sent from the site's own file: the copy, put back, must send none again, nor one recalled."""
    copy.execute(
        "UPDATE task SET state='settled', outcome='not_sent', settled_at=?, error=? "
        "WHERE id IN (SELECT task FROM queued_command)",
        (now, "it waited when this backup was made; give it again if it is still wanted"),
    )
    copy.execute("DELETE FROM queued_command")
