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
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from csmsd.control.rpc import Bound, Caller, Json, RpcError
from csmsd.ports import NotStored

log = logging.getLogger(__name__)

MAX_LINE = 8 * 1024 * 1024
MAX_CONNECTIONS = 200
_BACKLOG = 1024  # more at once would be turned away by the kernel, without a word
# A subscriber that reads slower than things happen is cut at this many notifications, and can resume.
MAX_WAITING = 5_000
_HIGH_WATER = 1024 * 1024
_LAST_ANSWERS_SECONDS = 1.0  # at the end of csmsd

_OTHER = 1  # of csmsctl's exit codes
_PARSE_ERROR, _INVALID_REQUEST, _NO_METHOD, _INTERNAL = -32700, -32600, -32601, -32603


class SocketBusy(Exception):
    """Another daemon answers on the socket, or it is no socket at all."""


class ControlServer:
    """Listens for operators."""

    def __init__(self, methods: Mapping[str, Bound], path: Path, group: str) -> None:
        self._methods = methods
        self._path = path
        self._group = group
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    async def open(self) -> None:
        """Raises SocketBusy when a daemon lives there already, OSError when the socket cannot be made."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        _remove_stale(self._path)
        # Nobody may connect before the mode is right: it is made closed, then opened.
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._accept, self._path, limit=MAX_LINE, backlog=_BACKLOG)
        finally:
            os.umask(before)
        with contextlib.suppress(KeyError, PermissionError):
            os.chown(self._path, -1, grp.getgrnam(self._group).gr_gid)
        self._path.chmod(0o660)

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
            writer.close()
            return
        client = _Client(self._methods, reader, writer)
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
        self, methods: Mapping[str, Bound], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._methods = methods
        self._reader = reader
        self._writer = writer
        self._uid = _peer_uid(writer)
        self._user = _user_name(self._uid)
        self.requests: set[asyncio.Task[None]] = set()
        self._subscriptions: dict[str, Callable[[], None]] = {}
        self._stopped: set[str] = set()  # requests, for which nothing more is to be begun
        self._names = count(1)
        self._waiting: deque[Json | list[Json]] = deque()
        self._allowance = 0  # what a resumed subscription has to catch up on, and may
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._last_event: int | None = None
        self._lagged = False

    async def serve(self) -> None:
        try:
            while True:
                try:
                    line = await self._reader.readuntil(b"\n")
                except asyncio.IncompleteReadError as end:
                    line = end.partial
                    if not line.strip():
                        break
                except asyncio.LimitOverrunError:
                    self._send(_error(None, _INVALID_REQUEST, f"a line has at most {MAX_LINE} bytes"))
                    break
                if line.strip():
                    self._receive(line)
            # What was asked for is carried out and answered, although nothing more will be asked.
            if self.requests:
                await asyncio.wait(self.requests)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            await self.close()

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
        if isinstance(request, list) and request:
            self._start(self._batch(request))
        else:
            self._start(self._single(request))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.requests.add(task)
        task.add_done_callback(self.requests.discard)

    async def _single(self, request: object) -> None:
        answer = await self._answer(request)
        if answer is not None:
            self._send_in_turn(answer)

    async def _batch(self, requests: list[object]) -> None:
        answers = await asyncio.gather(*(self._answer(request) for request in requests))
        wanted = [answer for answer in answers if answer is not None]
        if wanted:
            self._send_in_turn(wanted)

    async def _answer(self, request: object) -> Json | None:
        """The response object; None for a notification, which is carried out without one."""
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, _INVALID_REQUEST, "a request is an object with jsonrpc, id, method and params")
        request_id = request.get("id")
        wants_answer = "id" in request
        method = self._methods.get(request["method"])
        if method is None:
            known = f"no method {request['method'][:60]}"
            return _error(request_id, _NO_METHOD, known, "See docs/control-protocol.md.") if wants_answer else None
        caller = Caller(
            uid=self._uid,
            user=self._user,
            notify=self._notify,
            catch_up=self._catch_up,
            request_id=request_id,
            stop=lambda request_id: self._stopped.add(str(request_id)),
            stopped=lambda: str(request_id) in self._stopped,
            subscribe=self._subscribe,
            unsubscribe=self._unsubscribe,
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
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def _send_in_turn(self, answer: Json | list[Json]) -> None:
        """An answer comes after the notifications that were made for it."""
        if self._waiting:
            self._waiting.append(answer)
        else:
            self._send(answer)

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
        if method in ("event", "message") and len(self._waiting) >= MAX_WAITING + self._allowance:
            self._cut()
            return
        self._queue(method, parameters)

    def _catch_up(self, events: list[Json], after: int) -> None:
        """Events that a resumed subscription missed: however many they are, they do not make it a laggard."""
        if self._last_event is None:
            self._last_event = after
        self._allowance += len(events)
        for event in events:
            self._queue("event", event)

    def _queue(self, method: str, parameters: Json) -> None:
        self._waiting.append({"jsonrpc": "2.0", "method": method, "params": parameters})
        self._wake.set()
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._deliver())

    async def _deliver(self) -> None:
        """Sends notifications as fast as the other side reads them, and no faster."""
        try:
            while not self._writer.is_closing():
                while self._waiting:
                    message = self._waiting.popleft()
                    self._send(message)
                    if isinstance(message, dict) and message.get("method") == "event":
                        self._last_event = message["params"]["number"]
                    if len(self._waiting) < MAX_WAITING:
                        self._allowance = 0
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
        self._send({"jsonrpc": "2.0", "method": "lagged", "params": {"last": self._last_event}})
        self._writer.close()


def _error(request_id: object, code: int, message: str, next_step: str | None = None) -> Json:
    error: Json = {"code": code, "message": message}
    if next_step is not None:
        error["data"] = {"next": next_step}
    return {"jsonrpc": "2.0", "id": request_id, "error": error}
