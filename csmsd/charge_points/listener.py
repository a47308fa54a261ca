"""The listener for charge points: who is let in (J 3.1, 3.2; W A00, A01), and what watches over the connections."""

import asyncio
import base64
import binascii
import logging
import socket
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from http import HTTPStatus
from time import monotonic

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import MultipleValuesError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from csmsd.charge_points.addresses import reached_at
from csmsd.charge_points.admission import Admission
from csmsd.charge_points.connection import Connection
from csmsd.charge_points.dispatch import Dispatcher
from csmsd.charge_points.passwords import PasswordCheck
from csmsd.charge_points.registry import POLICY_VIOLATION, Registry
from csmsd.ocpp.identity import IDENTITY_RULE, fold, identity_from_path
from csmsd.ports import Clock, MessageTap
from csmsd.settings import Settings, parse_address

log = logging.getLogger(__name__)

SUBPROTOCOL = Subprotocol("ocpp1.6")
# asyncio's default of 100 makes a site's reconnect storm after a power cut last minutes.
BACKLOG = 4096
_SWEEP_SECONDS = 1.0


class Listener:
    """Accepts connections, serves them, pings them, and ends those whose peer is gone."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        dispatcher: Dispatcher,
        admission: Admission,
        tap: MessageTap,
        clock: Clock,
    ) -> None:
        self._server = settings.server
        self._policies = settings.ocpp  # a reload changes it in place
        self._registry = registry
        self._dispatcher = dispatcher
        self._admission = admission
        self._tap = tap
        self._clock = clock
        self._passwords = PasswordCheck()
        self._servers: list[Server] = []
        self.addresses: list[str] = []  # where it listens
        self._admitted: dict[ServerConnection, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._closing = False

    async def open(self) -> None:
        """Raises OSError."""
        for address in self._server.listen:
            host, port = parse_address(address)
            self._servers.append(
                await serve(
                    self._serve,
                    host,
                    port,
                    select_subprotocol=_select_subprotocol,
                    compression=None,  # J 5.1 advises against it, and it costs 40 KiB a connection
                    process_request=self._admit,
                    server_header=None,
                    open_timeout=self._server.handshake_timeout,
                    ping_interval=None,  # the sweeper pings: it knows more than pongs as signs of life
                    close_timeout=5,
                    max_size=self._server.max_message_bytes,
                    max_queue=16,
                    logger=logging.getLogger("csmsd.websockets"),
                    backlog=BACKLOG,
                    reuse_address=True,
                )
            )
        self._sweeper = asyncio.create_task(self._sweep(), name="sweeper")
        self.addresses = [_address_text(sock.getsockname()) for server in self._servers for sock in server.sockets]

    def stop_accepting(self) -> None:
        self._closing = True
        for server in self._servers:
            server.close(close_connections=False)

    async def close(self) -> None:
        """Ends the connections. Their handlers have returned afterwards."""
        self.stop_accepting()
        await self._registry.close_all("csmsd is stopping")
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        for connection in self._registry:
            connection.abort("csmsd is stopping")

    # --- the handshake

    async def _admit(self, websocket: ServerConnection, request: Request) -> Response | None:
        """None lets the connection in; otherwise the refusal."""
        address = _address(websocket)
        if "Origin" in request.headers:
            return _refusal(websocket, HTTPStatus.FORBIDDEN, "This is for charge points, not for browsers.")
        identity = identity_from_path(request.path)
        if identity is None:
            log.warning("%s: refused: no identity in its path (%d characters)", address, len(request.path))
            return _refusal(
                websocket,
                HTTPStatus.BAD_REQUEST,
                f"Connect to ws://HOST:PORT/ocpp/IDENTITY, where IDENTITY is {IDENTITY_RULE}.",
            )
        if len(self._registry) >= self._server.max_connections:
            return _refusal(websocket, HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.")
        if self._registry.at_address(address) >= self._server.max_connections_per_address:
            return _refusal(websocket, HTTPStatus.TOO_MANY_REQUESTS, "Too many connections from this address.")
        credentials = _basic_credentials(request)
        state = self._admission.known(identity)
        if state is None:
            if credentials is not None:
                # An unknown identity with a key is answered like a wrong key, after the same work.
                await self._passwords.verify(None, credentials[1])
            state = await self._admission.admit(identity, address, self._policies.unknown_charge_points)
            if state is None:
                if credentials is not None:
                    return _unauthorized(websocket)
                return _refusal(websocket, HTTPStatus.NOT_FOUND, "This charge point is not registered.")
        if state.record.security_profile > 0:
            if credentials is None or fold(credentials[0]) != fold(
                state.id
            ):  # W A00.FR.204: the username is the identity
                return _unauthorized(websocket)
            if not await self._passwords.verify(state.record.password_hash, credentials[1]):
                log.warning("%s: wrong password for %s", address, state.id)
                return _unauthorized(websocket)
        self._admitted[websocket] = state.id
        return None

    async def _serve(self, websocket: ServerConnection) -> None:
        identity = self._admitted.pop(websocket, None)
        state = self._admission.known(identity) if identity is not None else None
        if identity is None or state is None:
            await websocket.close(POLICY_VIOLATION, "not registered any more")
            return
        if websocket.subprotocol is None and not state.record.subprotocol_optional:
            # J 3.2: without a common subprotocol the handshake is completed, and the connection closed at once.
            log.warning("%s: closed: it offered no subprotocol ocpp1.6", identity)
            await websocket.close(1002, "offer the subprotocol ocpp1.6")
            return
        _keep_alive(websocket)
        connection = Connection(
            websocket,
            identity,
            lambda: self._admission.known(identity),
            self._dispatcher,
            self._tap,
            self._clock,
            address=_address(websocket),
            reached_at=_reached_at(websocket),
            call_queue=self._policies.call_queue,
            hold_seconds=self._policies.hold_after_reconnect,
        )
        self._registry.enter(connection)
        try:
            await connection.run()
        finally:
            self._registry.leave(connection)

    # --- the watch

    async def _sweep(self) -> None:
        """Pings whoever was silent for the ping interval and cuts whoever is idle for too long."""
        interval = self._server.ping_interval
        asked: dict[Connection, float] = {}
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = monotonic()
            idle_limit = self._policies.heartbeat_interval * self._server.idle_heartbeats
            for connection in self._registry:
                silent = now - connection.last_received
                due = interval and silent >= interval and now - asked.get(connection, 0.0) >= interval
                if due and self._wants_ping(connection):
                    asked[connection] = now
                    self._start(connection.probe(self._server.ping_timeout))
                if silent > max(idle_limit, 60.0):
                    connection.abort(f"silent for {silent:.0f} s")
            if len(asked) > 2 * len(self._registry):
                here = set(self._registry)
                asked = {connection: when for connection, when in asked.items() if connection in here}
            self._admitted = {ws: identity for ws, identity in self._admitted.items() if ws.state.value <= 1}

    def _wants_ping(self, connection: Connection) -> bool:
        state = self._admission.known(connection.identity)
        return state is not None and state.record.ping

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _select_subprotocol(websocket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def _basic_credentials(request: Request) -> tuple[str, bytes] | None:
    """(username, key as bytes) of a Basic Authorization header, or None."""
    try:
        header = request.headers.get("Authorization")
    except MultipleValuesError:  # none of them is believed
        return None
    if header is None or not header.casefold().startswith("basic "):
        return None
    try:
        decoded = base64.b64decode(header[6:].strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    username, _, key = decoded.partition(b":")
    return username.decode(errors="replace"), key


def _refusal(websocket: ServerConnection, status: HTTPStatus, text: str) -> Response:
    return websocket.respond(status, text + "\n")


def _unauthorized(websocket: ServerConnection) -> Response:
    response = _refusal(websocket, HTTPStatus.UNAUTHORIZED, "Authenticate with the identity and its key.")
    response.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
    return response


def _address(websocket: ServerConnection) -> str:
    peer = websocket.remote_address
    return str(peer[0]) if peer else "unknown"


def _reached_at(websocket: ServerConnection) -> str:
    own = websocket.local_address
    hosts = websocket.request.headers.get_all("Host") if websocket.request is not None else []
    return reached_at(str(own[0]) if own else "unknown", hosts[0] if len(hosts) == 1 else None)


def _address_text(name: tuple[str, int] | tuple[str, int, int, int]) -> str:
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


def _keep_alive(websocket: ServerConnection) -> None:
    """Has the kernel notice a peer that a power cut took away, even where pings are switched off."""
    sock = websocket.transport.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
