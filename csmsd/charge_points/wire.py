"""WebSockets of charge points: the one shell around the library. Who is let in, and what is said, others decide."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import Any, cast
from weakref import WeakKeyDictionary

import msgspec
from websockets.asyncio.server import Server, ServerConnection, broadcast
from websockets.datastructures import MultipleValuesError
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from csmsd import settings
from csmsd.gate import Gate, Place

log = logging.getLogger(__name__)

_SUBPROTOCOL = Subprotocol("ocpp1.6")
_CLOSE_SECONDS = 5
_FRAMES_AHEAD = 4  # of one connection, that wait to be looked at: each may be as long as messages may be
_WRITE_LIMIT = 32 * 1024
# Many small frames may be sent at once: so much of them is taken apart before others have their turn.
_PIECE = 8 * 1024

Closed = ConnectionClosed  # what `Wire` raises when it is over


def closed_by_peer(closed: Closed) -> int | None:
    """The code with which the charge point closed it, if it did."""
    return closed.rcvd.code if closed.rcvd is not None else None


def was_too_long(closed: Closed) -> bool:
    """Whether it was closed because the charge point sent a message that is longer than allowed."""
    return closed.sent is not None and closed.sent.code == 1009 and not closed.rcvd_then_sent


class Wire:
    """An open WebSocket. Awaiting raises Closed when it is over."""

    __slots__ = ("_websocket",)

    def __init__(self, websocket: ServerConnection) -> None:
        self._websocket = websocket

    @property
    def subprotocol_agreed(self) -> bool:
        return self._websocket.subprotocol is not None

    @property
    def address(self) -> str:
        return _address(self._websocket)

    @property
    def local_address(self) -> str:
        own = self._websocket.local_address
        return str(own[0]) if own else "unknown"

    @property
    def host(self) -> str | None:
        """The Host header of its request."""
        return Opening(self._websocket, self._websocket.request).header("Host") if self._websocket.request else None

    def receive(self) -> Awaitable[bytes]:
        """The next text."""
        return self._websocket.recv(decode=False)

    def send(self, text: bytes) -> None:
        """Never waits; `unread` tells what the other end has not taken yet."""
        broadcast((self._websocket,), text, text=True)

    @property
    def unread(self) -> int:
        """Bytes."""
        return self._websocket.transport.get_write_buffer_size()

    async def ping(self, timeout: float) -> None:
        """Raises TimeoutError when no pong comes within so many seconds."""
        async with asyncio.timeout(timeout):  # a peer that reads nothing keeps the ping itself waiting
            pong = await self._websocket.ping()
            await asyncio.shield(pong)

    async def close(self, code: int, reason: str) -> None:
        """The closing handshake."""
        await self._websocket.close(code, reason)

    def abort(self) -> None:
        """Without a word."""
        self._websocket.transport.abort()

    def keep_alive(self) -> None:
        """Has the kernel notice a peer that a power cut took away, even where pings are switched off."""
        sock = self._websocket.transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)


class Opening:
    """The HTTP request for a WebSocket."""

    def __init__(self, websocket: ServerConnection, request: Request) -> None:
        self.address = _address(websocket)
        own = websocket.local_address
        self.local_address, self.local_port = (str(own[0]), int(own[1])) if own else ("unknown", 0)
        self.path = request.path
        self._headers = request.headers

    def has(self, name: str) -> bool:
        return name in self._headers

    @property
    def asks_for_websocket(self) -> bool:
        return any("websocket" in value.casefold() for value in self._headers.get_all("Upgrade"))

    def header(self, name: str) -> str | None:
        """The header of that name; of several none is believed."""
        try:
            return self._headers.get(name)
        except MultipleValuesError:
            return None


class Refusal(msgspec.Struct, frozen=True):
    """The HTTP answer that opens no WebSocket."""

    status: HTTPStatus
    text: str
    headers: dict[str, str] = {}


Admit = Callable[[Opening], Awaitable[str | Refusal]]
Serve = Callable[[Wire, str], Awaitable[None]]


class Wires:
    """Listens. `admit` says who asks for a WebSocket, or refuses it; `serve` has it, with that identity, to its end."""

    def __init__(self, admit: Admit, serve: Serve, limits: settings.Server) -> None:
        self._admit = admit
        self._serve = serve
        self._limits = limits
        self._admitted: WeakKeyDictionary[ServerConnection, str] = WeakKeyDictionary()
        self._gate = Gate(self._connection)
        self._server = _Server(self._handle, self._gate)

    async def listen(self, host: str, port: int) -> list[str]:
        """The addresses. Raises OSError."""
        return [_address_text(listening.getsockname()) for listening in await self._gate.listen(host, port)]

    def stop_accepting(self) -> None:
        self._gate.close()

    def _connection(self, place: Place) -> ServerConnection:
        protocol = ServerProtocol(
            select_subprotocol=lambda _, offered: _SUBPROTOCOL if _SUBPROTOCOL in offered else None,
            max_size=self._limits.max_message_bytes,
            logger=logging.getLogger("csmsd.websockets"),
        )
        return _Connection(protocol, self._server, place)

    async def _handle(self, websocket: ServerConnection) -> None:
        """A connection from its beginning to its end."""
        assert isinstance(websocket, _Connection)
        try:
            with suppress(Exception):  # TimeoutError, or whatever is wrong with its HTTP
                async with asyncio.timeout(self._limits.handshake_timeout):
                    await websocket.handshake(self._asked, None, None)
            if websocket.protocol.state is State.OPEN:
                async with websocket:
                    await self._serve(Wire(websocket), self._admitted.pop(websocket))
        except Exception:
            log.exception("a connection broke off")
        finally:
            websocket.transport.abort()
            self._server.handler_tasks.discard(cast(asyncio.Task[None], asyncio.current_task()))

    async def _asked(self, websocket: ServerConnection, request: Request) -> Response | None:
        assert isinstance(websocket, _Connection)
        websocket.place.asked()
        answer = await self._admit(Opening(websocket, request))
        if isinstance(answer, str):
            self._admitted[websocket] = answer
            return None
        response = websocket.respond(answer.status, answer.text + "\n")
        for name, value in answer.headers.items():
            response.headers[name] = value
        return response


class _Server:
    """What the library's connections ask of their server."""

    def __init__(self, handler: Callable[[ServerConnection], Coroutine[Any, Any, None]], gate: Gate) -> None:
        self.handler = handler
        self.handler_tasks: set[asyncio.Task[None]] = set()
        self.is_serving = lambda: gate.is_open


class _Connection(ServerConnection):
    """The library's connection, as it takes its place and lets others have their turn."""

    def __init__(self, protocol: ServerProtocol, server: _Server, place: Place) -> None:
        super().__init__(
            protocol,
            cast(Server, server),
            ping_interval=None,  # the sweeper pings: it knows more than pongs as signs of life
            ping_timeout=None,
            close_timeout=_CLOSE_SECONDS,
            max_queue=_FRAMES_AHEAD,
            write_limit=_WRITE_LIMIT,
        )
        self.place = place
        self._rest = b""  # came, and waits for its turn
        self._full = False  # the library wants no more for now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.recv_messages.pause, self.recv_messages.resume = self._hold, self._go_on
        self.place.made(cast(asyncio.Transport, transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest = b""
        super().connection_lost(exc)
        self.place.gone()

    def data_received(self, data: bytes) -> None:
        if self._rest:
            self._rest += data
        elif len(data) <= _PIECE:
            super().data_received(data)
        else:
            self.transport.pause_reading()
            self._rest = data
            self._take_a_piece()

    def _take_a_piece(self) -> None:
        if self._full or not self._rest:
            return  # it goes on when the library wants more
        piece, self._rest = self._rest[:_PIECE], self._rest[_PIECE:]
        super().data_received(piece)
        if self._rest:
            self.loop.call_soon(self._take_a_piece)
        elif not self._full:
            self.transport.resume_reading()

    def _hold(self) -> None:
        self._full = True
        self.transport.pause_reading()

    def _go_on(self) -> None:
        self._full = False
        if self._rest:
            self.loop.call_soon(self._take_a_piece)
        else:
            self.transport.resume_reading()


def _address(websocket: ServerConnection) -> str:
    peer = websocket.remote_address
    return str(peer[0]) if peer else "unknown"


def _address_text(name: tuple[str, int] | tuple[str, int, int, int]) -> str:
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
