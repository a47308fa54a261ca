"""What is old enough to be pruned and may go: read on a connection of its own, so that no listing waits for it."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from csmsd.ports.pruning import PruneBatch, PruneCount, PruneKind
from csmsd.profiles.audit import Audited
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.firmware_management.followed import NOT_REPORTED_ON
from csmsd.profiles.firmware_management.updates import ENDED as UPDATE_ENDED
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import ENDED as UPLOAD_ENDED
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.record import Milliseconds, Record
from csmsd.profiles.reservation.reservations import LARGEST_OWN_ID, Reservation
from csmsd.profiles.security.security_events import SecurityEvent
from csmsd.profiles.security.upgrades import DECIDED, SecurityUpgrade
from csmsd.profiles.task import Task
from csmsd.store.tables import table

_ROWS = 500  # a commit
_TRANSACTIONS = 20
_RESERVATIONS = 50
_LOOKED_AT = 5_000  # at a time
_NO_ID = 2**63 - 1


def _among(states: frozenset[str]) -> str:
    return ",".join(f"'{state}'" for state in sorted(states))


def _followed(name: str, ended: frozenset[str]) -> str:
    """What reports of a charge point are about, and its newest, are kept: they are in the live state."""
    newest = f"SELECT max(id) FROM {name} GROUP BY charge_point"
    current = f"SELECT max(id) FROM {name} WHERE state NOT IN ({_among(NOT_REPORTED_ON)}) GROUP BY charge_point"
    ended_long_ago = f"state IN ({_among(ended)}) AND changed_at < :before"
    return f"{ended_long_ago} AND id NOT IN ({newest}) AND id NOT IN ({current})"


# The last one of a kind stays where its number says where the numbers go on.
_ENDED_TRANSACTION = (
    "state IN ('stopped', 'closed') AND coalesce(stop_received_at, stop_time) < :before "
    "AND booking < (SELECT max(booking) FROM transactions)"
)
_CONDITIONS: dict[PruneKind, str] = {
    "transactions": f"{_ENDED_TRANSACTION} AND booking <= :exported",
    "tasks": "state IN ('settled', 'expired', 'cancelled') AND coalesce(settled_at, created_at) < :before "
    "AND id NOT IN (SELECT task FROM queued_command)",
    "reservations": "state NOT IN ('requested', 'reserved') AND coalesce(ended_at, expires_at) < :before AND id IS NOT "
    f"(SELECT max(id) FROM reservation WHERE id <= {LARGEST_OWN_ID})",
    "firmware_updates": _followed("firmware_update", UPDATE_ENDED)
    + " AND id NOT IN (SELECT update_id FROM rollout_member WHERE update_id IS NOT NULL)",
    "diagnostics": _followed("diagnostics_upload", UPLOAD_ENDED),
    "quarantine": "received_at < :before AND id < (SELECT max(id) FROM quarantine)",
    "audit": "last_time < :before",
    "security_events": "last_received_at < :before",
    "security_upgrades": f"state IN ({_among(DECIDED)}) AND changed_at < :before "
    "AND id NOT IN (SELECT max(id) FROM security_upgrade GROUP BY charge_point)",
}
# Rows of these lie in the order of their arrival, whose time this is. They are old up to the first that came at a time
# that is kept: what came after it only bears a wrong time.
_ARRIVAL: dict[PruneKind, str] = {
    "tasks": "created_at",
    "quarantine": "received_at",
    "audit": "time",
    "security_events": "received_at",
    "security_upgrades": "created_at",
}
_RECORDS: dict[PruneKind, type[Record]] = {
    "transactions": Transaction,
    "meter_values": MeterReading,
    "tasks": Task,
    "reservations": Reservation,
    "firmware_updates": FirmwareUpdate,
    "diagnostics": DiagnosticsUpload,
    "quarantine": QuarantinedMessage,
    "audit": Audited,
    "security_events": SecurityEvent,
    "security_upgrades": SecurityUpgrade,
}
_READINGS = "meter_value v LEFT JOIN transactions t ON t.id = v.transaction_id"
_ENDED = "(t.id IS NULL OR t.state IN ('stopped', 'closed'))"
_EXPORTED = "(t.booking IS NULL OR t.booking <= :exported)"
# From one that is old to the last that is old among so many after it, and on from there, however many go at once.
_READ_LONG_AGO = """
    WITH RECURSIVE step (id) AS (
        SELECT 0
        UNION ALL
        SELECT (
            SELECT v.id FROM meter_value v
            WHERE v.time < :before AND v.id > step.id
            AND v.id < (SELECT min(id) FROM meter_value WHERE id > step.id) + :looked_at
            ORDER BY v.id DESC LIMIT 1
        ) FROM step WHERE step.id IS NOT NULL
    )
    SELECT max(id) FROM step"""
_OLD_READINGS = f"{_READINGS} WHERE v.time < :before AND v.id <= ({_READ_LONG_AGO}) AND {_ENDED}"


def _first_kept(kind: PruneKind, among: str = "TRUE") -> str:
    # Not by an index on the time: the first that is kept is soon found in the order of arrival.
    name, arrival = _RECORDS[kind].table, _ARRIVAL[kind]
    return f"SELECT id FROM {name} WHERE {among} AND +{arrival} BETWEEN :before AND :now ORDER BY id LIMIT 1"


class Prunable:
    """Finds rows; takes none away. Raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def count(
        self, kind: PruneKind, before: Milliseconds, exported: int, now: Milliseconds, last_booking: int
    ) -> PruneCount:
        """How many may go, of transactions up to that booking; and how many of such, or of their meter values, no
        export has delivered.
        """
        match kind:
            case "meter_values":
                old, delivered = _OLD_READINGS, _EXPORTED
            case "transactions":
                old, delivered = f"transactions WHERE {_ENDED_TRANSACTION}", "booking <= :exported"
            case _:
                until = f"id < coalesce(({_first_kept(kind)}), {_NO_ID})" if kind in _ARRIVAL else "TRUE"
                old, delivered = f"{_RECORDS[kind].table} WHERE {_CONDITIONS[kind]} AND {until}", "1"
        goes = delivered.replace(":exported", ":last")
        counts = f"count(*) FILTER (WHERE {goes}), count(*) FILTER (WHERE NOT {delivered})"
        rows, kept = (await self._rows(f"SELECT {counts} FROM {old}", before, exported, now=now, last=last_booking))[0]
        return PruneCount(rows, kept)

    async def first_booking_within(self, since: Milliseconds, until: Milliseconds) -> int | None:
        """The first transaction that was booked at such a time."""
        sql = (
            "SELECT booking FROM transactions WHERE booking IS NOT NULL "
            "AND coalesce(stop_received_at, stop_time) BETWEEN :before AND :now ORDER BY booking LIMIT 1"
        )
        rows = await self._rows(sql, since, now=until)
        return int(rows[0][0]) if rows else None

    async def next(
        self, kind: PruneKind, before: Milliseconds, exported: int, after: int, now: Milliseconds
    ) -> PruneBatch | None:
        """What can go in one commit, beginning after that id; None when there is no more."""
        if kind == "meter_values":
            return await self._next_readings(before, exported, after)
        if kind in _ARRIVAL:
            return await self._next_in_order(kind, before, after, now)
        limit = _TRANSACTIONS if kind == "transactions" else _ROWS
        sql = (
            f"SELECT id FROM {_RECORDS[kind].table} WHERE {_CONDITIONS[kind]} AND id > :after ORDER BY id LIMIT {limit}"
        )
        ids = [row[0] for row in await self._rows(sql, before, exported, after, now)]
        return PruneBatch(_RECORDS[kind], ids, ids[-1]) if ids else None

    async def _next_in_order(
        self, kind: PruneKind, before: Milliseconds, after: int, now: Milliseconds
    ) -> PruneBatch | None:
        """Some rows are looked at each time, not all that are old: there may be millions."""
        name = _RECORDS[kind].table
        first = (await self._rows(f"SELECT min(id) FROM {name} WHERE id > :after", after=after))[0][0]
        if first is None:
            return None
        last = first - 1 + _LOOKED_AT
        here = f"id > :after AND id <= {last}"
        kept = await self._rows(_first_kept(kind, here), before, after=first - 1, now=now)
        until = kept[0][0] if kept else _NO_ID
        sql = f"SELECT id FROM {name} WHERE {_CONDITIONS[kind]} AND {here} AND id < {until} ORDER BY id LIMIT {_ROWS}"
        ids = [row[0] for row in await self._rows(sql, before, after=first - 1)]
        if kept and not ids:
            return None
        return PruneBatch(_RECORDS[kind], ids, ids[-1] if kept or len(ids) == _ROWS else last)

    async def _next_readings(self, before: Milliseconds, exported: int, after: int) -> PruneBatch | None:
        """They lie in the order of their arrival: where none is old any more, the rest is not looked at.

        What is old behind that only bears a wrong time, and is not counted either (_READ_LONG_AGO).
        """
        first = (await self._rows("SELECT min(id) FROM meter_value WHERE id > :after", before, 0, after))[0][0]
        if first is None:
            return None
        here = f"v.time < :before AND v.id > :after AND v.id <= :after + {_LOOKED_AT}"
        sql = f"SELECT v.id FROM {_READINGS} WHERE {here} AND {_ENDED} AND {_EXPORTED} ORDER BY v.id LIMIT {_ROWS}"
        ids = [row[0] for row in await self._rows(sql, before, exported, first - 1)]
        if len(ids) == _ROWS:
            return PruneBatch(MeterReading, ids, ids[-1])
        last = (await self._rows(f"SELECT max(v.id) FROM meter_value v WHERE {here}", before, 0, first - 1))[0][0]
        return None if last is None else PruneBatch(MeterReading, ids, last)

    async def readings_of(self, transactions: Sequence[int]) -> list[int]:
        """Some of their meter values, to be removed before them; none when there are no more."""
        among = ",".join(map(str, transactions))
        rows = await self._rows(f"SELECT id FROM meter_value WHERE transaction_id IN ({among}) LIMIT {_ROWS}")
        return [row[0] for row in rows]

    async def reservations(self, before: Milliseconds) -> list[Reservation]:
        """Some that may go: their ids are not unique, so whole records."""
        kind = table(Reservation)
        rows = await self._rows(f"{kind.select} WHERE {_CONDITIONS['reservations']} LIMIT {_RESERVATIONS}", before)
        return [kind.record(row) for row in rows]

    async def free_pages(self) -> tuple[int, int]:
        """(those that can be given back, all)."""
        pragmas = "pragma_freelist_count, pragma_page_count, pragma_auto_vacuum"
        rows = await self._rows(f"SELECT iif(auto_vacuum, freelist_count, 0), page_count FROM {pragmas}")
        return int(rows[0][0]), int(rows[0][1])

    async def _rows(
        self,
        sql: str,
        before: Milliseconds = 0,
        exported: int = 0,
        after: int = 0,
        now: Milliseconds = 0,
        last: int = 0,
    ) -> list[Any]:
        values = {"before": before, "exported": exported, "after": after, "now": now, "last": last}
        values["looked_at"] = _LOOKED_AT
        return await asyncio.to_thread(self._query, sql, values)

    def _query(self, sql: str, parameters: dict[str, int]) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql, parameters).fetchall()
