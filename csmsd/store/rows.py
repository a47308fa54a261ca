"""Rows of a query, as many as an answer may be long: a charge point's texts are as long as it likes."""

from collections.abc import Sequence
from typing import Any

import aiosqlite

from csmsd.ports.listings import Rows

_AT_ONCE = 32  # rows


async def rows_of(
    connection: aiosqlite.Connection, sql: str, parameters: Sequence[Any] = (), *, most_text: int = 0
) -> Rows[Any]:
    """All of them; or those up to the one with which their texts have so many characters. Raises sqlite3.Error."""
    if not most_text:
        return Rows(await connection.execute_fetchall(sql, parameters))
    found: Rows[Any] = Rows()
    length = 0
    async with connection.execute(sql, parameters) as cursor:
        while rows := list(await cursor.fetchmany(_AT_ONCE)):
            for row in rows:
                if length >= most_text:
                    found.more = True
                    return found
                found.append(row)
                length += sum(len(value) for value in row if isinstance(value, str))
    return found
