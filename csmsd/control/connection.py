"""One connection of an operator: its requests are carried out side by side, each answered when it is ready."""

import asyncio
import contextlib
import json
import logging
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import count
from time import monotonic
from typing import Any

from csmsd.control.audit import Audit
from csmsd.control.descriptors import await_descriptor
from csmsd.control.lines import MAX_LINE, Lines, TooLong, TooSlow
from csmsd.control.outbox import Outbox
from csmsd.control.rights import Access
from csmsd.control.rpc import Bound, Caller, Json, RpcError
from csmsd.ports.store import NotStored

log = logging.getLogger(__name__)

MAX_REQUESTS = 1_000  # of one client at once, and in one batch
_LINE_SECONDS = 30.0

_OTHER = 1  # of csmsctl's exit codes
_PARSE_ERROR, _INVALID_REQUEST, _NO_METHOD, _BAD_PARAMETERS, _INTERNAL = -32700, -32600, -32601, -32602, -32603


class Connection:
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
        self._outbox = Outbox(writer)
        self._await_descriptor = partial(await_descriptor, reader, writer)
        self.heard_at = monotonic()
        self._uid = _peer_uid(writer)
        self._user = _user_name(self._uid)
        self.requests: set[asyncio.Task[None]] = set()
        self._subscriptions: dict[str, Callable[[], None]] = {}
        self._over = False
        self._stopped: set[str] = set()  # requests, for which nothing more is to be begun
        self._names = count(1)

    async def serve(self) -> None:
        try:
            while True:
                try:
                    line = await self._lines.next()
                except TooLong:
                    self._outbox.send(_error(None, _INVALID_REQUEST, f"a line has at most {MAX_LINE} bytes"))
                    break
                except TooSlow:
                    self._outbox.send(_error(None, _INVALID_REQUEST, f"a line must end within {_LINE_SECONDS:g} s"))
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
        self._outbox.send(_error(None, _OTHER, f"closed: {reason}"))
        self._writer.close()

    async def close(self) -> None:
        self._over = True
        while self._subscriptions:
            self._end_of(self._subscriptions.popitem()[1])
        self._outbox.close()
        with contextlib.suppress(ConnectionError, OSError):
            self._writer.close()
            await asyncio.wait_for(self._writer.wait_closed(), 1)

    async def send_what_waits(self) -> None:
        """For the end: answers that wait behind notifications."""
        await self._outbox.send_what_waits()

    # --- requests

    def _receive(self, line: bytes) -> None:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError) as error:
            self._outbox.send(_error(None, _PARSE_ERROR, f"not JSON: {error}"))
            return
        if isinstance(request, list) and len(request) > MAX_REQUESTS:
            self._outbox.send(_error(None, _INVALID_REQUEST, f"a batch has at most {MAX_REQUESTS} requests"))
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
            self._outbox.send_in_turn(answer)

    async def _batch(self, requests: list[object], *, halves: bool) -> None:
        answers = await asyncio.gather(*(self._answer(request, halves=halves) for request in requests))
        wanted = [answer for answer in answers if answer is not None]
        if wanted:
            self._outbox.send_in_turn(wanted)

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
            notify=self._outbox.notify,
            catch_up=self._outbox.catch_up,
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

    # --- subscriptions

    def _subscribe(self, end: Callable[[], None]) -> str:
        name = f"s{next(self._names)}"
        if self._over:  # it went while its request was carried out
            self._end_of(end)
        else:
            self._subscriptions[name] = end
        return name

    def _end_of(self, end: Callable[[], None]) -> None:
        try:
            end()
        except Exception:  # one that cannot be ended must not keep the others
            log.exception("a subscription could not be ended")

    def _unsubscribe(self, name: str) -> bool:
        end = self._subscriptions.pop(name, None)
        if end is None:
            return False
        end()
        return True


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
