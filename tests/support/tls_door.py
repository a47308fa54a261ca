"""A port for charge points with nothing behind it: tests have the WebSockets in their hands, and shake hands by it."""

import asyncio
import ssl
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from csmsd.charge_points.acceptor import Arrival, Entrance
from csmsd.charge_points.handshakes import Handshakes
from csmsd.charge_points.opening import Opening, Refusal
from csmsd.charge_points.wire import Wire
from csmsd.profiles.core.refused_connections import Reason
from csmsd.runtime.gate import Gate, Place
from csmsd.settings.sections import ListenerAt, Server, Tls
from tests.support.certificates import server_context

WITHIN_SECONDS = 30
OPENING = (
    b"GET /ocpp/CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Door:
    """A port for both; lets everybody in as CP1. The test has the wires in its hands."""

    def __init__(self, directory: Path, *, kind: ListenerAt | None = None, seconds: float = WITHIN_SECONDS) -> None:
        self.limits = Tls()
        self.handshakes = Handshakes(self.limits)
        self.context_in_use: ssl.SSLContext | None = server_context(directory)
        self.refused = asyncio.Queue[tuple[str, Reason, str | None]]()
        self.opened = asyncio.Queue[Wire]()
        self.over = asyncio.Queue[Wire]()
        self.texts = asyncio.Queue[bytes]()
        self.entrance = Entrance(
            kind or ListenerAt(address="x"),
            self,
            self.handshakes,
            seconds,
            self._wire,
            lambda *refused: self.refused.put_nowait(refused),
        )
        self.gate = Gate(lambda place: Arrival(self.entrance, place))
        self.host, self.port = "127.0.0.1", 0

    def context(self, client_certificate: str) -> ssl.SSLContext | None:
        return self.context_in_use

    def _wire(self, place: Place, until: float) -> Wire:
        return Wire(self._admit, self._serve, Server(), place, until)

    async def _admit(self, opening: Opening) -> str | Refusal:
        return "CP1"

    def _serve(self, wire: Wire, identity: str, opening: Opening) -> None:
        wire.take = self.texts.put_nowait
        wire.lost = lambda: self.over.put_nowait(wire)
        self.opened.put_nowait(wire)

    async def listen(self) -> None:
        (listening,) = await self.gate.listen(self.host, 0)
        self.port = listening.getsockname()[1]

    async def connect(self, context: ssl.SSLContext | None) -> ClientConnection:
        scheme = "ws" if context is None else "wss"
        url = f"{scheme}://{self.host}:{self.port}/ocpp/CP1"
        return await connect(url, ssl=context, proxy=None, max_size=None, compression=None)

    async def raw(self, context: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port, ssl=context)

    async def gone(self) -> None:
        """Everybody is."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while self.gate._places:  # noqa: ASYNC110 - those that were refused tell nobody of their end
                await asyncio.sleep(0.001)
        assert len(self.handshakes) == 0
        assert not self.handshakes._at
        assert not self.handshakes._turns

    async def refusal(self) -> tuple[Reason, str | None]:
        async with asyncio.timeout(WITHIN_SECONDS):
            address, reason, detail = await self.refused.get()
        assert address == "127.0.0.1"
        return reason, detail


async def alert(reader: asyncio.StreamReader) -> int:
    """The description of the fatal alert that comes, in the clear (RFC 8446, 6)."""
    async with asyncio.timeout(WITHIN_SECONDS):
        record = await reader.readexactly(7)
        assert record[0] == 0x15
        assert record[3:6] == b"\x00\x02\x02"
        assert await reader.read() == b""
    return record[6]


def hello(context: ssl.SSLContext) -> bytes:
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="csms.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


async def shaken(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    context: ssl.SSLContext,
    session: ssl.SSLSession | None = None,
) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """A handshake by hand, with alerts: asyncio's own sends none. Raises ssl.SSLError."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="csms.test", session=session)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            incoming.write(await asyncio.wait_for(reader.read(65_536), WITHIN_SECONDS))
        except ssl.SSLError:
            writer.write(outgoing.read())
            raise
        else:
            writer.write(outgoing.read())
            return tls, incoming, outgoing
