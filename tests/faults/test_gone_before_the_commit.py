"""Charge points that are gone, each in its own way, before what they sent is on disk: it is told all the same."""

import asyncio
import json
import socket
import sqlite3
import ssl
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from tests.conftest import MakeSite
from tests.faults.conftest import START
from tests.support.certificates import tls_settings
from tests.support.control import ControlConnection
from tests.support.plain_websocket import handshake, text_frame
from tests.support.site import Site
from tests.support.websocket_frames import CLOSE, PING, masked
from tests.support.wire import WAIT

GOING_AWAY = masked(CLOSE, struct.pack(">H", 1001))
MOST_WAITING = 32  # requests of a charge point, while it is read on
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: at close, instead of an end


class Device:
    """A charge point whose socket is in the test's hands."""

    def __init__(self, identity: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.identity = identity
        self.reader = reader
        self.writer = writer

    @classmethod
    async def at(
        cls, site: Site, identity: str, *, narrow: bool = False, tls: ssl.SSLContext | None = None
    ) -> "Device":
        """Connected; through a `narrow` socket little leaves csmsd that is not read."""
        host, _, port = site.listen.rpartition(":")
        own = socket.socket()
        if narrow:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, (host, int(port)))
        name = None if tls is None else "csms.test"
        made = cls(identity, *await asyncio.open_connection(sock=own, ssl=tls, server_hostname=name))
        made.writer.write(handshake(identity))
        assert b" 101 " in await asyncio.wait_for(made.reader.readuntil(b"\r\n\r\n"), WAIT)
        return made

    async def boot(self) -> None:
        self.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        answer = json.loads(await self.text())
        assert (answer[0], answer[2]["status"]) == (3, "Accepted")

    def call(self, action: str, payload: object, unique_id: str = "1") -> None:
        self.writer.write(text_frame(json.dumps([2, unique_id, action, payload])))

    def start(self, connector: int = 1) -> None:
        self.call("StartTransaction", START | {"connectorId": connector}, f"start-{connector}")

    async def text(self) -> bytes:
        async with asyncio.timeout(WAIT):
            opcode, length = await self.reader.readexactly(2)
            assert opcode == 0x81
            if length == 126:
                (length,) = struct.unpack(">H", await self.reader.readexactly(2))
            return await self.reader.readexactly(length)

    def close(self, *, reset: bool = False) -> None:
        if reset:
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.writer.transport.abort()
        else:
            self.writer.close()


@asynccontextmanager
async def held(site: Site) -> AsyncIterator[sqlite3.Connection]:
    """Another process writes in the database: nothing is committed until it has ended."""
    with closing(sqlite3.connect(site.database, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
        if other.in_transaction:
            other.execute("ROLLBACK")


async def taken(log: ControlConnection, identity: str, text: str) -> None:
    """Waits until csmsd has taken a message of it."""
    while True:
        message = (await log.notification())["params"]
        if (message["charge_point"], message["direction"]) == (identity, "in") and text in message["text"]:
            return


async def test_it_is_told_however_they_have_gone(make_site: MakeSite, tmp_path: Path) -> None:
    site = await make_site({"ocpp": {"unknown_charge_points": "accept"}} | tls_settings(tmp_path))
    here = await Device.at(site, "HERE")
    await here.boot()

    async def device(identity: str, *, narrow: bool = False, tls: ssl.SSLContext | None = None) -> Device:
        made = await Device.at(site, identity, narrow=narrow, tls=tls)
        await made.boot()
        return made

    ended, reset, unread, closed, full = [
        await device(identity, narrow=identity == "UNREAD")
        for identity in ("ENDED", "RESET", "UNREAD", "CLOSED", "FULL")
    ]
    replaced = [await device("REPLACED")]
    gone = await site.watch("charge_point.disconnected", "charge_point.connected")
    news = await site.watch("transaction.started")
    log = await site.control()
    await log.call("log.subscribe")
    async with held(site):
        ended.start()
        await taken(log, "ENDED", "start-1")
        ended.close()
        await gone.event("charge_point.disconnected", "ENDED")

        reset.start()
        reset.writer.write(text_frame("never whole")[:5])
        await taken(log, "RESET", "start-1")
        reset.close(reset=True)
        await gone.event("charge_point.disconnected", "RESET")

        # It reads nothing, and has ended: what csmsd has said before cannot leave, so the connection is not over.
        unread.writer.transport.pause_reading()  # type: ignore[attr-defined]
        unread.writer.write(masked(PING, b"?" * 125) * 4_000)
        unread.start()
        await taken(log, "UNREAD", "start-1")
        unread.writer.write_eof()
        for _ in range(2):  # so that it was noticed
            here.call("Heartbeat", {})
            await here.text()

        # What comes behind a Close counts for nothing (RFC 6455, 5.5.1).
        closed.start()
        closed.writer.write(GOING_AWAY)
        closed.start(2)
        assert await asyncio.wait_for(closed.reader.read(), WAIT) == b"\x88\x02\x03\xe9"
        closed.close()
        await gone.event("charge_point.disconnected", "CLOSED")

        # So many wait that no more is read of it, its Close included.
        for connector in range(1, MOST_WAITING + 1):
            full.start(connector)
        await taken(log, "FULL", f"start-{MOST_WAITING}")
        full.writer.write(GOING_AWAY)
        full.close()

        # As many, and its end is read all the same once there is a newer connection in its place.
        for connector in range(1, MOST_WAITING + 1):
            replaced[0].start(connector)
        await taken(log, "REPLACED", f"start-{MOST_WAITING}")
        replaced.append(await Device.at(site, "REPLACED"))
        await gone.event("charge_point.connected", "REPLACED")
        replaced[1].start(1)
        await taken(log, "REPLACED", "start-1")
    told = Counter([(await news.event("transaction.started"))["charge_point"] for _ in range(4 + 2 * MOST_WAITING)])
    assert told == {
        "ENDED": 1, "RESET": 1, "UNREAD": 1, "CLOSED": 1, "FULL": MOST_WAITING, "REPLACED": MOST_WAITING
    }  # fmt: skip
    assert json.loads(await replaced[1].text())[:2] == [3, "start-1"], "it is the start of before"
    assert (await replaced[0].reader.readexactly(2))[0] == 0x88
    replaced[0].writer.write(GOING_AWAY)
    assert (await asyncio.wait_for(replaced[0].reader.read(), WAIT)).endswith(b"newer connection"), "and no reset"
    assert site.stored("SELECT charge_point, count(*) FROM transactions GROUP BY 1 ORDER BY 1") == sorted(told.items())
    for one in (unread, here, *replaced):
        one.close()
