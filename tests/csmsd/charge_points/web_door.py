"""A door for WebSockets with nothing behind it."""

import asyncio
from http import HTTPStatus

from websockets.asyncio.client import ClientConnection, connect

from csmsd.charge_points.opening import Opening, Refusal
from csmsd.charge_points.wire import Wire
from csmsd.runtime.gate import Gate
from csmsd.settings.sections import Server

WITHIN_SECONDS = 30
OPENING = (
    b"GET /ocpp/CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Door:
    """Lets everybody in as CP1 but those on `/no`; the test has the wires in its hands."""

    def __init__(self, limits: Server | None = None) -> None:
        self.gate = Gate(lambda place: Wire(self.admit, self.serve, limits or Server(), place))
        self.openings: list[Opening] = []
        self.texts = asyncio.Queue[bytes]()
        self.over = asyncio.Queue[Wire]()
        self.opened = asyncio.Queue[tuple[Wire, str]]()
        self.address = ""

    async def admit(self, opening: Opening) -> str | Refusal:
        self.openings.append(opening)
        if opening.path == "/no":
            return Refusal(HTTPStatus.UNAUTHORIZED, "No.", {"WWW-Authenticate": 'Basic realm="ocpp"'})
        return "CP1"

    def serve(self, wire: Wire, identity: str, opening: Opening) -> None:
        assert opening is self.openings[-1]
        wire.take = self.texts.put_nowait
        wire.lost = lambda: self.over.put_nowait(wire)
        self.opened.put_nowait((wire, identity))

    async def connect(self, path: str = "/ocpp/CP1", **how: object) -> ClientConnection:
        return await connect(f"ws://{self.address}{path}", proxy=None, **how)  # type: ignore[arg-type]

    async def listen(self) -> None:
        (listening,) = await self.gate.listen("127.0.0.1", 0)
        self.address = "{}:{}".format(*listening.getsockname())

    async def close(self) -> None:
        """Everybody's socket is closed afterwards."""
        self.gate.close()
        async with asyncio.timeout(WITHIN_SECONDS):
            while self.gate._places:  # noqa: ASYNC110 - those that were refused tell nobody of their end
                await asyncio.sleep(0.001)

    async def wire(self) -> Wire:
        async with asyncio.timeout(WITHIN_SECONDS):
            return (await self.opened.get())[0]
