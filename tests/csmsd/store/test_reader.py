"""Listings of what the live state does not hold."""

import sqlite3
from contextlib import closing
from pathlib import Path

from csmsd.store.database import prepare
from csmsd.store.reader import Reader


async def test_since_when_tasks_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    prepare(path)

    def change(sql: str) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(sql)

    reader = Reader(path)
    await reader.open()
    try:
        assert await reader.tasks_since() is None, "none was ever recorded"
        for time in (100, 200, 300):
            change(
                "INSERT INTO task (created_at, charge_point, action, request, state) "
                f"VALUES ({time}, 'CP1', 'Reset', '{{}}', 'sent')"
            )
        assert await reader.tasks_since() is None, "all are here"
        change("DELETE FROM task WHERE id = 1")
        assert await reader.tasks_since() == 200
        change("DELETE FROM task")
        since = await reader.tasks_since()
        assert since is not None
        assert since > 300
    finally:
        await reader.close()
