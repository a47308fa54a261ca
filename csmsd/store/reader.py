"""Listings: read-only queries on a connection of their own, so that they never wait for the writer."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import msgspec

from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import SampledValue
from csmsd.ports.listings import (
    AuditFilter,
    CertificateFilter,
    OrphanFilter,
    Places,
    ReservationFilter,
    Rows,
    SecurityEventFilter,
    TaskFilter,
    TransactionFilter,
)
from csmsd.profiles.audit import Audited
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.core.metering import metered_energy_register, unpack_metered
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.core.unclaimed_energy import Read
from csmsd.profiles.record import Milliseconds, Record
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.security.certificates import Certificate
from csmsd.profiles.security.security_events import SecurityEvent
from csmsd.profiles.task import QueuedCommand, Task
from csmsd.store.rows import rows_of
from csmsd.store.tables import SqlValue, table

R = TypeVar("R", bound=Record)


_AT_ONCE = 250  # records that are made of rows: a millisecond

# As `fold` compares them (ocpp/identity.py), where there is nothing but printable ASCII.
_OF_ID_TAG = "trim(id_tag)=? COLLATE NOCASE"
_OF_SPELLINGS = "trim(id_tag) COLLATE NOCASE IN (SELECT value FROM json_each(?))"
_OTHER_LETTERS = "id_tag GLOB '*[^ -~]*'"


def _at(places: Places | None) -> tuple[list[str], list[SqlValue]]:
    """The condition for the places, and its values."""
    if places is None:
        return [], []
    if len(places.identities) == 1 and not places.globs:
        return ["charge_point=?"], [places.identities[0]]
    parts = ["charge_point IN (SELECT value FROM json_each(?))"]
    # GLOB knows `[^…]` where fnmatch has `[!…]`, and goes by the case.
    parts += ["lower(charge_point) GLOB ?"] * len(places.globs)
    globs = [glob.lower().replace("[!", "[^") for glob in places.globs]
    return [f"({' OR '.join(parts)})"], [msgspec.json.encode(places.identities).decode(), *globs]


class StoredReading(msgspec.Struct):
    """A MeterValue as it was kept."""

    connector: int
    time: Milliseconds
    text: str | None
    samples: list[SampledValue]
    id: int = 0


Moment = tuple[Milliseconds, int]  # a time, and an id among what is of that time


class Reader:
    """Answers what the live state does not hold."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: aiosqlite.Connection | None = None

    async def open(self) -> None:
        self._connection = await aiosqlite.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _rows(self, sql: str, parameters: Sequence[SqlValue] = (), *, most_text: int = 0) -> Rows[Any]:
        assert self._connection is not None
        return await rows_of(self._connection, sql, parameters, most_text=most_text)

    async def _records(
        self,
        record_type: type[R],
        conditions: dict[str, SqlValue],
        limit: int,
        order: str = "id DESC",
        *,
        places: Places | None = None,
        offset: int = 0,
        most_text: int = 0,
    ) -> Rows[R]:
        """Records that meet all conditions ("column>=?": value); conditions whose value is None do not count."""
        wanted = {condition: value for condition, value in conditions.items() if value is not None}
        at, where_values = _at(places)
        parts = [*wanted, *at]
        where = f"WHERE {' AND '.join(parts)}" if parts else ""
        kind = table(record_type)
        sql = f"{kind.select} {where} ORDER BY {order} LIMIT ? OFFSET ?"
        values = (*wanted.values(), *where_values, limit or -1, offset)
        rows = await self._rows(sql, values, most_text=most_text)
        found: Rows[R] = Rows()
        for row in rows:
            found.append(kind.record(row))
            if len(found) % _AT_ONCE == 0:
                await asyncio.sleep(0)  # whoever sends something does not wait for all of it
        found.more = rows.more
        return found

    async def transactions(self, wanted: TransactionFilter) -> list[Transaction]:
        """Newest first."""
        conditions: dict[str, SqlValue] = {
            "charge_point=?": wanted.charge_point,
            **await self._of_id_tag(Transaction, wanted.tag),
            "state=?": wanted.state,
            "start_time>=?": wanted.since,
            "start_time<?": wanted.until,
            "stop_time>=?": wanted.stopped_since,
            "stop_time<?": wanted.stopped_until,
            "id<?": wanted.before_id,
        }
        return await self._records(Transaction, conditions, wanted.limit, places=wanted.places)

    async def _of_id_tag(self, kind: type[Record], tag: str | None) -> dict[str, SqlValue]:
        """The condition for it, however it is spelled there."""
        if tag is None:
            return {}
        others = await self._rows(f"SELECT DISTINCT trim(id_tag) FROM {kind.table} WHERE {_OTHER_LETTERS}")
        if same := [spelled for (spelled,) in others if fold(spelled) == fold(tag)]:
            return {_OF_SPELLINGS: msgspec.json.encode([fold(tag), *same]).decode()}
        return {_OF_ID_TAG: fold(tag)}

    async def transaction(self, transaction_id: int) -> Transaction | None:
        found = await self._records(Transaction, {"id=?": transaction_id}, 1)
        return found[0] if found else None

    async def is_lost(self, transaction_id: int) -> bool:
        """Whether such a transaction can only have been in books that these were put in the place of."""
        sql = "SELECT count(*) FROM id_gap WHERE name=? AND after < ? AND ? <= last"
        return bool((await self._rows(sql, (Transaction.table, transaction_id, transaction_id)))[0][0])

    async def booked(self, after: int, limit: int) -> list[Transaction]:
        """What ended, or was corrected, after that booking; in the order of the bookings. What runs again is none."""
        return await self._records(Transaction, {"booking>?": after, "state<>?": "active"}, limit, "booking")

    async def last_booking(self) -> int:
        rows = await self._rows("SELECT max(booking) FROM transactions")
        return int(rows[0][0] or 0)

    async def meter_values(self, transaction_id: int, limit: int = 0) -> list[StoredReading]:
        """The readings of a transaction, oldest first; with a limit, the newest that many."""
        rows = await self._rows(
            "SELECT v.connector, v.time, v.text, s.shape, v.samples FROM meter_value v "
            "LEFT JOIN meter_shape s ON s.id = v.shape WHERE v.transaction_id=? ORDER BY v.id DESC LIMIT ?",
            (transaction_id, limit or -1),
        )
        return [
            StoredReading(connector, time, text, unpack_metered(shape, samples))
            for connector, time, text, shape, samples in reversed(rows)
        ]

    async def meter_page(
        self, transaction_id: int, limit: int, *, after: Moment | None, before: Moment | None, oldest: bool
    ) -> list[StoredReading]:
        """The readings of a transaction between two moments, by the time at which they were measured, oldest first.

        With a limit, the newest that many, or the `oldest`.
        """
        bounds = [("(v.time, v.id)>(?, ?)", after), ("(v.time, v.id)<(?, ?)", before)]
        given = [(condition, moment) for condition, moment in bounds if moment is not None]
        where = " AND ".join(["v.transaction_id=?", *(condition for condition, _ in given)])
        way = "" if oldest else " DESC"
        rows = await self._rows(
            "SELECT v.connector, v.time, v.text, s.shape, v.samples, v.id FROM meter_value v "
            f"LEFT JOIN meter_shape s ON s.id = v.shape WHERE {where} ORDER BY v.time{way}, v.id{way} LIMIT ?",
            (transaction_id, *(part for _, moment in given for part in moment), limit or -1),
        )
        return [
            StoredReading(connector, time, text, unpack_metered(shape, samples), number)
            for connector, time, text, shape, samples, number in (rows if oldest else reversed(rows))
        ]

    async def readings_without_transaction(self, since: Milliseconds, until: Milliseconds) -> list[Read]:
        """Registers at the outlet that belong to no transaction, by charge point, connector and time."""
        rows = await self._rows(
            "SELECT v.charge_point, v.connector, v.time, s.shape, v.samples FROM meter_value v "
            "LEFT JOIN meter_shape s ON s.id = v.shape "
            "WHERE v.transaction_id IS NULL AND v.time>=? AND v.time<? AND v.connector>0 "
            "ORDER BY v.charge_point, v.connector, v.time, v.id",
            (since, until),
        )
        found = []
        for charge_point, connector, time, shape, samples in rows:
            registers = map(metered_energy_register, unpack_metered(shape, samples))
            found += [Read(charge_point, connector, time, wh) for wh in registers if wh is not None]
        return found

    async def orphans(self, wanted: OrphanFilter) -> Rows[QuarantinedMessage]:
        """Newest first."""
        numbers = None if wanted.numbers is None else msgspec.json.encode(list(wanted.numbers)).decode()
        conditions: dict[str, SqlValue] = {
            "id IN (SELECT value FROM json_each(?))": numbers,
            "charge_point=?": wanted.charge_point,
            "received_at>=?": wanted.since,
            "received_at<?": wanted.until,
            "(settled_at IS NULL OR ?)": None if wanted.settled else 0,
            "id<?": wanted.before_id,
        }
        return await self._records(
            QuarantinedMessage, conditions, wanted.limit, places=wanted.places, most_text=wanted.most_text
        )

    async def security_events(self, wanted: SecurityEventFilter) -> Rows[SecurityEvent]:
        """Newest first."""
        types = None if wanted.types is None else msgspec.json.encode([kind.lower() for kind in wanted.types]).decode()
        conditions: dict[str, SqlValue] = {
            "lower(type) IN (SELECT value FROM json_each(?))": types,
            "source=?": wanted.source,
            "last_received_at>=?": wanted.since,
            "received_at<?": wanted.until,
            "id<?": wanted.before_id,
        }
        return await self._records(
            SecurityEvent, conditions, wanted.limit, places=wanted.places, most_text=wanted.most_text
        )

    async def certificates(self, wanted: CertificateFilter) -> Rows[Certificate]:
        """Newest first."""
        conditions: dict[str, SqlValue] = {
            "kind=?": wanted.kind,
            "state=?": wanted.state,
            "id=?": wanted.number,
            "fingerprint=?": wanted.fingerprint,
            "serial=?": wanted.serial,
            "state IN ('issued', 'used') AND not_after<=?": wanted.expiring,
            "created_at>=?": wanted.since,
            "created_at<?": wanted.until,
            "id<?": wanted.before_id,
        }
        return await self._records(
            Certificate, conditions, wanted.limit, places=wanted.places, most_text=wanted.most_text
        )

    async def tasks(self, wanted: TaskFilter) -> Rows[Task]:
        """Newest first."""
        conditions: dict[str, SqlValue] = {
            "charge_point=?": wanted.charge_point,
            "action=? COLLATE NOCASE": wanted.action,
            "outcome=?": wanted.outcome,
            "state=?": wanted.state,
            "created_at>=?": wanted.since,
            "created_at<?": wanted.until,
            "id<?": wanted.before_id,
        }
        return await self._records(Task, conditions, wanted.limit, places=wanted.places, most_text=wanted.most_text)

    async def reservations(self, wanted: ReservationFilter) -> list[Reservation]:
        """Newest first."""
        conditions: dict[str, SqlValue] = {
            "charge_point=?": wanted.charge_point,
            **await self._of_id_tag(Reservation, wanted.tag),
            "state=?": wanted.state,
            "id=?": wanted.number,
            "created_at>=?": wanted.since,
            "created_at<?": wanted.until,
        }
        order = "created_at DESC, id DESC, charge_point"
        return await self._records(
            Reservation, conditions, wanted.limit, order, places=wanted.places, offset=wanted.offset
        )

    async def task(self, task_id: int) -> Task | None:
        found = await self._records(Task, {"id=?": task_id}, 1)
        return found[0] if found else None

    async def tasks_since(self) -> Milliseconds | None:
        """From when tasks are kept, where older ones were pruned; None: all are here."""
        rows = await self._rows("SELECT id, created_at FROM task ORDER BY id LIMIT 1")
        if not rows:
            return 2**63 - 1 if await self.last_task_id() else None
        return None if rows[0][0] == 1 else int(rows[0][1])

    async def last_task_id(self) -> int:
        rows = await self._rows("SELECT seq FROM sqlite_sequence WHERE name='task'")
        return int(rows[0][0]) if rows else 0

    async def audit(self, wanted: AuditFilter) -> Rows[Audited]:
        """Newest first."""
        conditions: dict[str, SqlValue] = {
            "user=?": wanted.user,
            "refused=?": None if wanted.refused is None else int(wanted.refused),
            "last_time>=?": wanted.since,
            "time<?": wanted.until,
            "id<?": wanted.before_id,
        }
        return await self._records(Audited, conditions, wanted.limit, most_text=wanted.most_text)

    async def last_audit_id(self) -> int:
        rows = await self._rows("SELECT seq FROM sqlite_sequence WHERE name='audit'")
        return int(rows[0][0]) if rows else 0

    async def tasks_under_way(self) -> list[Task]:
        """What was recorded or sent and never settled: after a restart nobody knows what came of it."""
        return await self._records(Task, {"state IN ('recorded', 'sent') AND id>?": 0}, 0)

    async def tasks_and_parts(self, numbers: Sequence[int]) -> list[Task]:
        """The tasks of these numbers and those that are part of them, oldest first."""
        wanted = msgspec.json.encode(list(numbers)).decode()
        chosen = "(SELECT value FROM json_each(?))"
        sql = f"{table(Task).select} WHERE id IN {chosen} OR part_of IN {chosen} ORDER BY id"
        return [table(Task).record(row) for row in await self._rows(sql, (wanted, wanted))]

    async def queued(self) -> list[tuple[QueuedCommand, Task]]:
        """The commands that wait for their charge points, oldest first."""
        commands = await self._records(QueuedCommand, {}, 0, "task")
        sql = f"{table(Task).select} WHERE id IN (SELECT task FROM queued_command)"
        tasks = {task.id: task for task in map(table(Task).record, await self._rows(sql))}
        return [(command, tasks[command.task]) for command in commands]

    async def database_bytes(self) -> int:
        """0 where the file cannot be read: who asks how the store does is told that as well."""
        try:
            rows = await self._rows("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        except sqlite3.Error:
            return 0
        return int(rows[0][0])
