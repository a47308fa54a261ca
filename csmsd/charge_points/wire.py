"""WebSockets of charge points: the one shell around the library. Who is let in, and what is said, others decide."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from weakref import WeakKeyDictionary

import msgspec
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.datastructures import MultipleValuesError
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from csmsd import settings

_SUBPROTOCOL = Subprotocol("ocpp1.6")
# asyncio's default of 100 makes a site's reconnect storm after a power cut last minutes.
_BACKLOG = 4096

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
        self._servers: list[Server] = []

    async def listen(self, host: str | None, port: int) -> list[str]:
        """The addresses. Raises OSError."""
        server = await serve(
            self._opened,
            host,
            port,
            select_subprotocol=_select_subprotocol,
            compression=None,  # J 5.1 advises against it, and it costs 40 KiB a connection
            process_request=self._asked,
            server_header=None,
            open_timeout=self._limits.handshake_timeout,
            ping_interval=None,  # the sweeper pings: it knows more than pongs as signs of life
            close_timeout=5,
            max_size=self._limits.max_message_bytes,
            max_queue=16,
            logger=logging.getLogger("csmsd.websockets"),
            backlog=_BACKLOG,
            reuse_address=True,
        )
        self._servers.append(server)
        return [_address_text(sock.getsockname()) for sock in server.sockets]

    def stop_accepting(self) -> None:
        for server in self._servers:
            server.close(close_connections=False)

    async def _asked(self, websocket: ServerConnection, request: Request) -> Response | None:
        answer = await self._admit(Opening(websocket, request))
        if isinstance(answer, str):
            self._admitted[websocket] = answer
            return None
        response = websocket.respond(answer.status, answer.text + "\n")
        for name, value in answer.headers.items():
            response.headers[name] = value
        return response

    async def _opened(self, websocket: ServerConnection) -> None:
        await self._serve(Wire(websocket), self._admitted.pop(websocket))


def _select_subprotocol(websocket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return _SUBPROTOCOL if _SUBPROTOCOL in offered else None


def _address(websocket: ServerConnection) -> str:
    peer = websocket.remote_address
    return str(peer[0]) if peer else "unknown"


def _address_text(name: tuple[str, int] | tuple[str, int, int, int]) -> str:
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
