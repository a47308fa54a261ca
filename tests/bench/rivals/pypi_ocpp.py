"""A Central System as one writes it on PyPI `ocpp`: that library, websockets, and aiosqlite with `synchronous=FULL`.

    python -m tests.bench.rivals.pypi_ocpp PORT FILE

It does what its README and those of its parts show: a handler per action, one shared connection to the database, a
commit per message, a row per sampled value. It knows idTags and transactions, and no more than the load needs.
"""

import asyncio
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import aiosqlite
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.datatypes import IdTagInfo
from ocpp.v16.enums import Action, AuthorizationStatus, RegistrationStatus
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.bench.messages import TAG, TAGS

_SCHEMA = """
CREATE TABLE charge_point (id TEXT PRIMARY KEY, vendor TEXT, model TEXT, booted_at TEXT);
CREATE TABLE connector (charge_point TEXT, connector INTEGER, status TEXT, error_code TEXT, at TEXT,
    PRIMARY KEY (charge_point, connector));
CREATE TABLE id_tag (id TEXT PRIMARY KEY, status TEXT NOT NULL);
CREATE TABLE transactions (id INTEGER PRIMARY KEY AUTOINCREMENT, charge_point TEXT, connector INTEGER, id_tag TEXT,
    meter_start INTEGER, started_at TEXT, meter_stop INTEGER, stopped_at TEXT, reason TEXT);
CREATE TABLE sampled_value (id INTEGER PRIMARY KEY, transaction_id INTEGER, charge_point TEXT, connector INTEGER,
    at TEXT, value TEXT, context TEXT, format TEXT, measurand TEXT, phase TEXT, location TEXT, unit TEXT);
CREATE INDEX sampled_value_of_transaction ON sampled_value (transaction_id);
"""


class OcppChargePoint(ChargePoint):
    """The Central System's side of one charge point."""

    def __init__(self, identity: str, websocket: ServerConnection, db: aiosqlite.Connection) -> None:
        super().__init__(identity, websocket)
        self.db = db

    async def write(self, sql: str, *values: object) -> int | None:
        async with self.db.execute(sql, values) as cursor:
            await self.db.commit()
            return cursor.lastrowid

    async def id_tag_info(self, id_tag: str) -> IdTagInfo:
        async with self.db.execute("SELECT status FROM id_tag WHERE id = ?", (id_tag,)) as cursor:
            row = await cursor.fetchone()
        return IdTagInfo(status=row[0] if row else AuthorizationStatus.invalid)

    @on(Action.boot_notification)
    async def on_boot(self, charge_point_vendor: str, charge_point_model: str, **_: Any) -> Any:
        now = datetime.now(UTC).isoformat()
        await self.write(
            "INSERT OR REPLACE INTO charge_point VALUES (?, ?, ?, ?)",
            *(self.id, charge_point_vendor, charge_point_model, now),
        )
        return call_result.BootNotification(current_time=now, interval=300, status=RegistrationStatus.accepted)

    @on(Action.heartbeat)
    async def on_heartbeat(self) -> Any:
        return call_result.Heartbeat(current_time=datetime.now(UTC).isoformat())

    @on(Action.status_notification)
    async def on_status(self, connector_id: int, error_code: str, status: str, timestamp: str = "", **_: Any) -> Any:
        await self.write(
            "INSERT OR REPLACE INTO connector VALUES (?, ?, ?, ?, ?)",
            *(self.id, connector_id, status, error_code, timestamp),
        )
        return call_result.StatusNotification()

    @on(Action.authorize)
    async def on_authorize(self, id_tag: str) -> Any:
        return call_result.Authorize(id_tag_info=await self.id_tag_info(id_tag))

    @on(Action.start_transaction)
    async def on_start(self, connector_id: int, id_tag: str, meter_start: int, timestamp: str, **_: Any) -> Any:
        info = await self.id_tag_info(id_tag)
        number = await self.write(
            "INSERT INTO transactions (charge_point, connector, id_tag, meter_start, started_at)"
            " VALUES (?, ?, ?, ?, ?)",
            *(self.id, connector_id, id_tag, meter_start, timestamp),
        )
        return call_result.StartTransaction(transaction_id=number, id_tag_info=info)

    @on(Action.meter_values)
    async def on_meter(
        self, connector_id: int, meter_value: list[dict[str, Any]], transaction_id: int | None = None, **_: Any
    ) -> Any:
        names = ("value", "context", "format", "measurand", "phase", "location", "unit")
        rows = [
            (transaction_id, self.id, connector_id, one["timestamp"], *(sample.get(name) for name in names))
            for one in meter_value
            for sample in one["sampled_value"]
        ]
        sql = (
            "INSERT INTO sampled_value (transaction_id, charge_point, connector, at, value, context, format, measurand,"
            " phase, location, unit) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        async with self.db.executemany(sql, rows):
            await self.db.commit()
        return call_result.MeterValues()

    @on(Action.stop_transaction)
    async def on_stop(
        self, meter_stop: int, timestamp: str, transaction_id: int, id_tag: str, reason: str = "Local", **_: Any
    ) -> Any:
        info = await self.id_tag_info(id_tag)
        await self.write(
            "UPDATE transactions SET meter_stop = ?, stopped_at = ?, reason = ? WHERE id = ?",
            *(meter_stop, timestamp, reason, transaction_id),
        )
        return call_result.StopTransaction(id_tag_info=info)


async def main() -> None:
    logging.getLogger("ocpp").setLevel(logging.ERROR)
    async with aiosqlite.connect(sys.argv[2]) as db:
        await db.execute("PRAGMA journal_mode = WAL")
        await db.execute("PRAGMA synchronous = FULL")
        await db.executescript(_SCHEMA)
        await db.executemany("INSERT INTO id_tag VALUES (?, 'Accepted')", [(TAG.format(n),) for n in range(TAGS)])
        await db.commit()

        async def on_connect(websocket: ServerConnection) -> None:
            assert websocket.request is not None
            identity = websocket.request.path.rpartition("/")[2]
            with suppress(ConnectionClosed):
                await OcppChargePoint(identity, websocket, db).start()

        async with serve(on_connect, "127.0.0.1", int(sys.argv[1]), subprotocols=[Subprotocol("ocpp1.6")]):
            print("ready", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
