"""The Unix socket: one JSON-RPC request a line in, one answer a line out, notifications between them."""

import asyncio
import contextlib
import grp
import json
import logging
import os
import pwd
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from csmsd.control.audit import Audit
from csmsd.control.descriptors import await_descriptor
from csmsd.control.lines import Lines, TooLong, TooSlow
from csmsd.control.rights import Access
from csmsd.control.rpc import Bound, Caller, Json, RpcError
from csmsd.ports.store import NotStored

log = logging.getLogger(__name__)

MAX_LINE = 8 * 1024 * 1024
MAX_CONNECTIONS = 200
MAX_REQUESTS = 1_000  # of one client at once, and in one batch
_LINE_SECONDS = 30.0
_READ_AHEAD = 64 * 1024
_BACKLOG = 1024  # more at once would be turned away by the kernel, without a word
# A subscriber that reads slower than things happen is cut at this many notifications, and can resume.
MAX_WAITING = 5_000
MAX_WAITING_BYTES = 16 * 1024 * 1024
MAX_UNREAD = 32 * 1024 * 1024  # bytes of answers; who asks more without reading them is let go
_HIGH_WATER = 1024 * 1024
_LAST_ANSWERS_SECONDS = 1.0  # at the end of csmsd

_OTHER = 1  # of csmsctl's exit codes
_PARSE_ERROR, _INVALID_REQUEST, _NO_METHOD, _BAD_PARAMETERS, _INTERNAL = -32700, -32600, -32601, -32602, -32603


class SocketBusy(Exception):
    """Another daemon answers on the socket, or it is no socket at all."""


class ControlServer:
    """Listens for operators on one socket."""

    def __init__(
        self, methods: Mapping[str, Bound], access: Access, audit: Audit, measured: Callable[[], Awaitable[None]]
    ) -> None:
        self._methods = methods
        self._access = access
        self._audit = audit
        self._measured = measured
        self._path = access.door.path
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    async def open(self) -> None:
        """Raises SocketBusy when a daemon lives there already, OSError when the socket cannot be made."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        _remove_stale(self._path)
        # Nobody may connect before the mode is right: it is made closed, then opened.
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._accept, self._path, limit=_READ_AHEAD, backlog=_BACKLOG
            )
        finally:
            os.umask(before)
        self._hand_to_group()
        self._path.chmod(self._access.door.mode)

    def _hand_to_group(self) -> None:
        """Where that is not to be, the socket stays with csmsd's own group."""
        group = self._access.door.group
        try:
            os.chown(self._path, -1, grp.getgrnam(group).gr_gid)
        except KeyError:
            log.debug("%s: there is no group %s", self._path, group)
        except PermissionError:
            log.info("%s cannot be given to group %s: csmsd is no member of it", self._path, group)

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        await self._answer_what_was_asked()
        await asyncio.gather(*(client.close() for client in self._clients))
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    async def _answer_what_was_asked(self) -> None:
        """A command that was carried out is worth its answer; what takes longer is told by the task."""
        under_way = [request for client in self._clients for request in client.requests]
        if under_way:
            await asyncio.wait(under_way, timeout=_LAST_ANSWERS_SECONDS)
            await asyncio.gather(*(client.send_what_waits() for client in self._clients))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= MAX_CONNECTIONS:
            idle = [client for client in self._clients if client.idle]
            if not idle:
                writer.close()
                return
            longest = min(idle, key=lambda client: client.heard_at)
            self._clients.discard(longest)
            longest.dismiss("it was idle, and there are too many connections")
        client = _Client(self._methods, self._access, self._audit, self._measured, reader, writer)
        self._clients.add(client)
        try:
            await client.serve()
        finally:
            self._clients.discard(client)


def _remove_stale(path: Path) -> None:
    """A socket that a dead daemon left behind is removed; one that answers is not."""
    if not path.exists():
        return
    if not path.is_socket():
        raise SocketBusy(f"{path} is there and is no socket; remove it, or name another --socket")
    probe = socket.socket(socket.AF_UNIX)
    probe.settimeout(1)
    try:
        probe.connect(os.fspath(path))
    except (ConnectionRefusedError, FileNotFoundError):
        path.unlink(missing_ok=True)
    else:
        raise SocketBusy(f"another csmsd answers on {path}")
    finally:
        probe.close()


def _peer_uid(writer: asyncio.StreamWriter) -> int | None:
    sock = writer.get_extra_info("socket")
    try:
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except (AttributeError, OSError):
        return None
    return int(struct.unpack("3i", credentials)[1])


def _user_name(uid: int | None) -> str | None:
    if uid is None:
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


class _Client:
    """One connection of an operator."""

    def __init__(
        self,
        methods: Mapping[str, Bound],
        access: Access,
        audit: Audit,
        measured: Callable[[], Awaitable[None]],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._methods = methods
        self._access = access
        self._audit = audit
        self._measured = measured
        self._lines = Lines(reader, MAX_LINE, _LINE_SECONDS)
        self._writer = writer
        self._await_descriptor = partial(await_descriptor, reader, writer)
        self.heard_at = monotonic()
        self._uid = _peer_uid(writer)
        self._user = _user_name(self._uid)
        self.requests: set[asyncio.Task[None]] = set()
        self._subscriptions: dict[str, Callable[[], None]] = {}
        self._stopped: set[str] = set()  # requests, for which nothing more is to be begun
        self._names = count(1)
        self._waiting: deque[tuple[bytes, int | None]] = deque()  # lines, and the number of the event in each
        self._waiting_bytes = 0
        self._allowance = 0  # what a resumed subscription has to catch up on, and may
        self._allowed_bytes = 0
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._last_event: int | None = None
        self._lagged = False

    async def serve(self) -> None:
        try:
            while True:
                try:
                    line = await self._lines.next()
                except TooLong:
                    self._send(_error(None, _INVALID_REQUEST, f"a line has at most {MAX_LINE} bytes"))
                    break
                except TooSlow:
                    self._send(_error(None, _INVALID_REQUEST, f"a line must end within {_LINE_SECONDS:g} s"))
                    break
                if not line:
                    break
                self.heard_at = monotonic()
                if line.strip():
                    self._receive(line)
                while len(self.requests) >= MAX_REQUESTS:
                    await asyncio.wait(self.requests, return_when=asyncio.FIRST_COMPLETED)
            # What was asked for is carried out and answered, although nothing more will be asked.
            if self.requests:
                await asyncio.wait(self.requests)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            await self.close()

    @property
    def idle(self) -> bool:
        """Whether it asks for nothing, and is told nothing."""
        return not self.requests and not self._subscriptions

    def dismiss(self, reason: str) -> None:
        """Its connection is needed; `serve` ends."""
        self._send(_error(None, _OTHER, f"closed: {reason}"))
        self._writer.close()

    async def close(self) -> None:
        for end in self._subscriptions.values():
            end()
        self._subscriptions.clear()
        if self._sender is not None:
            self._sender.cancel()
        with contextlib.suppress(ConnectionError, OSError):
            self._writer.close()
            await asyncio.wait_for(self._writer.wait_closed(), 1)

    # --- requests

    def _receive(self, line: bytes) -> None:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError) as error:
            self._send(_error(None, _PARSE_ERROR, f"not JSON: {error}"))
            return
        if isinstance(request, list) and len(request) > MAX_REQUESTS:
            self._send(_error(None, _INVALID_REQUEST, f"a batch has at most {MAX_REQUESTS} requests"))
            return
        # Half a character, which only an escape can be: neither SQLite nor a terminal can take it.
        halves = b"\\ud" in line.lower()
        if isinstance(request, list) and request:
            self._start(self._batch(request, halves=halves))
        else:
            self._start(self._single(request, halves=halves))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.requests.add(task)
        task.add_done_callback(self.requests.discard)

    async def _single(self, request: object, *, halves: bool) -> None:
        answer = await self._answer(request, halves=halves)
        if answer is not None:
            self._send_in_turn(answer)

    async def _batch(self, requests: list[object], *, halves: bool) -> None:
        answers = await asyncio.gather(*(self._answer(request, halves=halves) for request in requests))
        wanted = [answer for answer in answers if answer is not None]
        if wanted:
            self._send_in_turn(wanted)

    async def _answer(self, request: object, *, halves: bool) -> Json | None:
        """The response object; None for a notification, which is carried out without one.

        `halves`: there may be halves of characters (lone surrogates) in it.
        """
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, _INVALID_REQUEST, "a request is an object with jsonrpc, id, method and params")
        request_id = request.get("id")
        wants_answer = "id" in request
        if halves and _holds_halves(request):
            refusal = _error(
                request_id, _BAD_PARAMETERS, "bad parameters: a text in them is no Unicode (a lone surrogate)"
            )
            return refusal if wants_answer else None
        method = self._methods.get(request["method"])
        if method is None:
            known = f"no method {request['method'][:60]}"
            return _error(request_id, _NO_METHOD, known, "See docs/control-protocol.md.") if wants_answer else None
        caller = Caller(
            uid=self._uid,
            user=self._user,
            access=self._access,
            method=request["method"],
            audit=self._audit,
            notify=self._notify,
            catch_up=self._catch_up,
            request_id=request_id,
            stop=lambda request_id: self._stopped.add(str(request_id)),
            stopped=lambda: str(request_id) in self._stopped,
            subscribe=self._subscribe,
            unsubscribe=self._unsubscribe,
            await_descriptor=self._await_descriptor,
            measured=self._measured,
        )
        try:
            result = await method(request.get("params"), caller)
        except RpcError as error:
            return _error(request_id, error.code, error.message, error.next_step) if wants_answer else None
        except NotStored as error:
            next_step = "Nothing was changed. See: csmsctl daemon info, and the log of csmsd"
            return _error(request_id, _OTHER, f"This could not be stored: {error}", next_step) if wants_answer else None
        except Exception as error:
            log.exception("%s failed", request["method"])
            return _error(request_id, _INTERNAL, f"internal error: {error}") if wants_answer else None
        return {"jsonrpc": "2.0", "id": request_id, "result": result} if wants_answer else None

    def _send(self, message: object) -> None:
        self._send_line(_line(message))

    def _send_line(self, line: bytes) -> None:
        if self._writer.is_closing():
            return
        # However long one answer is, it is no sign that nobody reads.
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
            self._writer.transport.abort()
            return
        self._writer.write(line)

    def _send_in_turn(self, answer: Json | list[Json]) -> None:
        """An answer comes after the notifications that were made for it."""
        line = _line(answer)
        if not self._waiting:
            self._send_line(line)
            return
        self._allowed_bytes += len(line)
        self._put(line, None)

    async def send_what_waits(self) -> None:
        """Lets the sender go through what waits for it."""
        while self._waiting and self._sender is not None and not self._sender.done():
            if self._writer.transport.get_write_buffer_size() > _HIGH_WATER:
                return  # it is not read
            self._wake.set()
            await asyncio.sleep(0)

    # --- notifications

    def _subscribe(self, end: Callable[[], None]) -> str:
        name = f"s{next(self._names)}"
        self._subscriptions[name] = end
        return name

    def _unsubscribe(self, name: str) -> bool:
        end = self._subscriptions.pop(name, None)
        if end is None:
            return False
        end()
        return True

    def _notify(self, method: str, parameters: Json) -> None:
        if self._lagged or self._writer.is_closing():
            return
        full = (
            len(self._waiting) >= MAX_WAITING + self._allowance
            or self._waiting_bytes > MAX_WAITING_BYTES + self._allowed_bytes
        )
        if full and method in ("event", "message"):
            self._cut()
            return
        self._queue(method, parameters)

    def _catch_up(self, events: list[Json], after: int) -> None:
        """Events that a resumed subscription missed: however many they are, they do not make it a laggard."""
        if self._last_event is None:
            self._last_event = after
        self._allowance += len(events)
        before = self._waiting_bytes
        for event in events:
            self._queue("event", event)
        self._allowed_bytes += self._waiting_bytes - before

    def _queue(self, method: str, parameters: Json) -> None:
        number = parameters["number"] if method == "event" else None
        self._put(_line({"jsonrpc": "2.0", "method": method, "params": parameters}), number)
        self._wake.set()
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._deliver())

    def _put(self, line: bytes, number: int | None) -> None:
        self._waiting.append((line, number))
        self._waiting_bytes += len(line)

    async def _deliver(self) -> None:
        """Sends notifications as fast as the other side reads them, and no faster."""
        try:
            while not self._writer.is_closing():
                while self._waiting:
                    line, number = self._waiting.popleft()
                    self._waiting_bytes -= len(line)
                    self._send_line(line)
                    if number is not None:
                        self._last_event = number
                    if len(self._waiting) < MAX_WAITING:
                        self._allowance = 0
                    if self._waiting_bytes <= MAX_WAITING_BYTES:
                        self._allowed_bytes = 0
                    if self._writer.transport.get_write_buffer_size() > _HIGH_WATER:
                        await self._writer.drain()
                self._wake.clear()
                await self._wake.wait()
        except ConnectionError:
            pass

    def _cut(self) -> None:
        """The subscriber does not keep up: it is told which event was the last that it was sent, and let go."""
        self._lagged = True
        self._waiting.clear()
        self._waiting_bytes = 0
        self._send({"jsonrpc": "2.0", "method": "lagged", "params": {"last": self._last_event}})
        self._writer.close()


def _line(message: object) -> bytes:
    try:
        return msgspec.json.encode(message) + b"\n"
    except (ValueError, TypeError):  # half a character, say, which a client may have sent as its id
        return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _holds_halves(request: object) -> bool:
    try:
        json.dumps(request, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _error(request_id: object, code: int, message: str, next_step: str | None = None) -> Json:
    error: Json = {"code": code, "message": message}
    if next_step is not None:
        error["data"] = {"next": next_step}
    return {"jsonrpc": "2.0", "id": request_id, "error": error}
