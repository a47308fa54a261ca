"""What the log is asked for: messages and events, the newest or the oldest of those that are meant."""

import asyncio
from collections.abc import Sequence

import msgspec

from csmsd.ports.listings import Rows, Torn
from csmsd.profiles.record import Milliseconds
from csmsd.store.message_log.blocks import Direction, Wanted
from csmsd.store.message_log.file import LogFile, text_of

_BLOCKS_AT_ONCE = 20  # are looked through


class LoggedMessage(msgspec.Struct):
    """One WebSocket message as it went over the wire, secrets masked."""

    id: int
    time: Milliseconds
    charge_point: str
    direction: Direction
    text: str


class LoggedEvent(msgspec.Struct):
    """One event as watchers saw it; `data` is JSON."""

    number: int
    time: Milliseconds
    type: str
    charge_point: str | None
    data: str


async def messages_in_log(
    file: LogFile, wanted: Wanted, limit: int, *, oldest: bool, most_text: int
) -> Rows[LoggedMessage]:
    """The newest `limit` messages (0: all), or the oldest ones; oldest first. What is torn on the way is told."""
    found: Rows[LoggedMessage] = Rows()
    seen: int | None = None  # the block that was looked through last
    length = 0
    while not found.more and (not limit or len(found) < limit):
        where, parameters = wanted.of_blocks(seen, oldest=oldest)
        order = "ASC" if oldest else "DESC"
        rows = await file.rows(
            f"SELECT first, messages, last, first_time, last_time FROM block {where} ORDER BY first {order} LIMIT ?",
            (*parameters, _BLOCKS_AT_ONCE),
        )
        if not rows or (seen is not None and (rows[-1][0] <= seen if oldest else rows[-1][0] >= seen)):
            break  # in a damaged file the order may lead back
        seen = rows[-1][0]
        here, torn = await asyncio.to_thread(wanted.among, [row[1] for row in rows], oldest=oldest)
        found.torn = [*found.torn, *(Torn(rows[place][0], *rows[place][2:]) for place in torn)]
        for entry in here[: limit - len(found)] if limit else here:
            found.more = bool(most_text) and length >= most_text
            if found.more:
                break
            message = LoggedMessage(*entry[:4], text_of(entry[4]))
            found.append(message)
            length += len(message.text)
    if not oldest:
        found.reverse()
    return found


async def events_in_log(
    file: LogFile,
    charge_points: Sequence[str] | None,
    types: Sequence[str] | None,
    bounds: dict[str, int | None],
    limit: int,
    *,
    oldest: bool,
    most_text: int,
) -> Rows[LoggedEvent]:
    """The newest `limit` events (0: all), or the oldest ones; oldest first. `bounds` are conditions with a `?` for
    their number; None does not count.
    """
    parts = [bound for bound, value in bounds.items() if value is not None]
    parameters: list[int | str] = [value for value in bounds.values() if value is not None]
    for column, among in (("charge_point", charge_points), ("type", types or None)):
        if among is not None:
            parts.append(f"{column} IN ({','.join('?' * len(among))})")
            parameters += among
    where = f"WHERE {' AND '.join(parts)}" if parts else ""
    sql = (
        f"SELECT number, time, type, charge_point, data FROM event {where} "
        f"ORDER BY number {'ASC' if oldest else 'DESC'} LIMIT ?"
    )
    rows = await file.rows(sql, (*parameters, limit or -1), most_text=most_text)
    found = Rows(LoggedEvent(*row) for row in (rows if oldest else reversed(rows)) if _is_event(row))
    found.more = rows.more
    return found


def _is_event(row: Sequence[object]) -> bool:
    """In a damaged file a column may be empty that never is."""
    return None not in (row[0], row[1], row[2], row[4])
