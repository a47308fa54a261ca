"""A Central System on a real socket, written with the PyPI package `ocpp`, which we did not write.

It reads every message with its own parser and checks it against its own schemas; anything it refuses is kept in
`refused`. Every message is checked a second time against the schemas here, answers included.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import unquote

from ocpp.routing import on
from ocpp.v16 import ChargePoint as RemoteChargePoint
from ocpp.v16 import call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from csmsctl.link.wire import SUBPROTOCOL
from tests.csmsctl.simulator.central_system import check

PATIENCE = 30.0


def _now() -> str:
    return datetime.now(UTC).isoformat()


class Remote(RemoteChargePoint):
    """One charge point as the package `ocpp` sees it."""

    def __init__(self, identity: str, connection: "_Checked", server: "OcppServer") -> None:
        super().__init__(identity, connection)
        self.server = server

    @on("BootNotification")
    def boot(self, **_: Any) -> Any:
        return call_result.BootNotification(_now(), self.server.interval, "Accepted")

    @on("Heartbeat")
    def heartbeat(self) -> Any:
        return call_result.Heartbeat(_now())

    @on("StatusNotification")
    def status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on("Authorize")
    def authorize(self, **_: Any) -> Any:
        return call_result.Authorize({"status": "Accepted"})

    @on("StartTransaction")
    def start_transaction(self, **_: Any) -> Any:
        return call_result.StartTransaction(next(self.server.transaction_ids), {"status": "Accepted"})

    @on("StopTransaction")
    def stop(self, **_: Any) -> Any:
        return call_result.StopTransaction()

    @on("MeterValues")
    def meter_values(self, **_: Any) -> Any:
        return call_result.MeterValues()


class _Checked:
    """A connection whose messages are kept and checked on their way to the package."""

    def __init__(self, websocket: ServerConnection, identity: str, server: "OcppServer") -> None:
        self._websocket = websocket
        self._identity = identity
        self._server = server
        self._asked: dict[str, str] = {}

    async def recv(self) -> Any:
        text = await self._websocket.recv()
        kind, unique_id, *rest = json.loads(text)
        if kind == 2:
            check(rest[0], rest[1])
            await self._server.keep(self._identity, rest[0], rest[1])
        elif kind == 3:
            check(f"{self._asked[unique_id]}Response", rest[0])
        return text

    async def send(self, text: str) -> None:
        kind, unique_id, *rest = json.loads(text)
        if kind == 2:
            self._asked[unique_id] = rest[0]
        if kind == 4:
            self._server.refused.append(text)
        await self._websocket.send(text)


class OcppServer:
    """All charge points that are or were connected, and what they sent."""

    def __init__(self) -> None:
        self.interval = 300
        self.transaction_ids = count(1)
        self.remotes: dict[str, Remote] = {}
        self.websockets: dict[str, ServerConnection] = {}
        self.connections: Counter[str] = Counter()
        self.credentials: list[str | None] = []
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.refused: list[str] = []
        self.url = ""
        self._news = asyncio.Condition()

    async def keep(self, identity: str, action: str, payload: dict[str, Any]) -> None:
        async with self._news:
            self.calls.append((identity, action, payload))
            self._news.notify_all()

    async def seen(self, action: str, identity: str = "SIM-1", *, number: int = 1, **fields: Any) -> dict[str, Any]:
        """Waits for the number-th CALL of an action with these fields, and returns its payload."""

        def found() -> list[dict[str, Any]]:
            return [
                payload
                for sender, name, payload in self.calls
                if (sender, name) == (identity, action)
                and all(payload.get(field) == value for field, value in fields.items())
            ]

        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(found()) >= number)
        return found()[number - 1]

    async def connected(self, number: int, identity: str = "SIM-1") -> None:
        """Waits until the charge point has connected so many times."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: self.connections[identity] >= number)

    async def serve(self, websocket: ServerConnection) -> None:
        assert websocket.request is not None
        identity = unquote(websocket.request.path.rsplit("/", 1)[-1])
        self.credentials.append(websocket.request.headers.get("Authorization"))
        async with self._news:
            self.connections[identity] += 1
            self.websockets[identity] = websocket
            self.remotes[identity] = Remote(identity, _Checked(websocket, identity, self), self)
            self._news.notify_all()
        try:
            await self.remotes[identity].start()
        except ConnectionClosed:
            pass
        except Exception as error:
            self.refused.append(repr(error))
            raise


@asynccontextmanager
async def ocpp_server() -> AsyncIterator[OcppServer]:
    """A running server; at the end nothing may have been refused."""
    server = OcppServer()
    async with serve(server.serve, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as listening:
        host, port = next(iter(listening.sockets)).getsockname()[:2]
        server.url = f"ws://{host}:{port}/ocpp"
        yield server
    assert server.refused == []
