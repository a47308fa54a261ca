"""The opening of a connection: the HTTP request for a WebSocket, from its first byte until it is let in or refused."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Protocol

from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong, TooManyHeaders
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS, Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from csmsd.charge_points.opening import LONGEST_HEAD, LONGEST_OPENING, Opening, Refusal, path_of_head
from csmsd.runtime.gate import Place

log = logging.getLogger(__name__)

_END = b"\r\n\r\n"
Admit = Callable[[Opening], Awaitable[str | Refusal]]
Unreadable = Callable[[str, str, str], None]  # is told the address, the path as far as it came, and why
_UNREADABLE: dict[type[Exception], str] = {
    RequestLineTooLong: f"a request line of more than {MAX_LINE_LENGTH} bytes",
    HeaderLineTooLong: f"a header of more than {MAX_LINE_LENGTH} bytes",
    TooManyHeaders: f"more than {MAX_NUM_HEADERS} headers",
}


class Upgrading(Protocol):
    """The connection."""

    transport: asyncio.Transport

    @property
    def is_lost(self) -> bool:
        """Whether nothing that is said gets there any more."""
        ...

    def speak(self) -> None:
        """Sends what the library wants to say."""

    def let_in(self, identity: str, opening: Opening) -> None:
        """The WebSocket stands."""

    def give_up(self) -> None:
        """It ends without a word."""


class Upgrade:
    """Takes the request apart, has it decided, and answers it by the library's protocol.

    That is given the request and nothing beyond it: what follows is texts.
    """

    __slots__ = ("_admit", "_bytes", "_head", "_last", "_place", "_protocol", "_task", "_timer", "_unreadable", "_wire")

    def __init__(
        self,
        wire: Upgrading,
        protocol: ServerProtocol,
        admit: Admit,
        unreadable: Unreadable,
        place: Place,
        until: float,
    ) -> None:
        """`until`, by the loop's clock, it must be over."""
        self._wire = wire
        self._protocol = protocol
        self._admit = admit
        self._unreadable = unreadable
        self._place = place
        self._last = b""  # of what has come of it
        self._bytes = 0  # that have come of it
        self._head: bytes | None = b""  # None once its end was seen
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_at(until, self._too_slow)

    def received(self, data: bytes) -> bytes | None:
        """What came behind it; None: it has not come whole."""
        end = (self._last + data).find(_END)
        if end >= 0:
            end += len(_END) - len(self._last)
        self._bytes += end if end >= 0 else len(data)
        if self._bytes > LONGEST_OPENING:
            if self._head is not None:
                path, self._head = path_of_head(self._head + data[:LONGEST_HEAD]), None
                self._unreadable(self._address, path, f"more than {LONGEST_OPENING // 1024} KiB before its end")
            self._wire.give_up()
            return None
        if end < 0:
            self._last = (self._last + data)[1 - len(_END) :]
            self._look_at(data)
            return None
        # After a power cut thousands come at once, and this takes longer than all that they send afterwards.
        self._place.in_turn(lambda: self._look_at(data[:end]))
        return data[end:]

    def _look_at(self, data: bytes) -> None:
        if self._wire.is_lost:
            return
        if self._head is not None and len(self._head) < LONGEST_HEAD:
            self._head += data[:LONGEST_HEAD]
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            assert isinstance(event, Request)
            self._head = None
            self._task = asyncio.get_running_loop().create_task(self._decide(event))
        if self._protocol.handshake_exc is not None and self._head is not None:
            path, self._head = path_of_head(self._head), None
            self._unreadable(
                self._address, path, _UNREADABLE.get(type(self._protocol.handshake_exc), "no request of HTTP")
            )
        self._wire.speak()

    async def _decide(self, request: Request) -> None:
        identity: str | None = None
        opening = self._told(request)
        try:
            answer = await self._admit(opening)
            if isinstance(answer, str):
                identity, response = answer, self._protocol.accept(request)
            else:
                response = self._refused(answer)
        except Exception:
            log.exception("a connection could not be let in")
            response = self._protocol.reject(HTTPStatus.INTERNAL_SERVER_ERROR, "Try again.\n")
        if self._wire.is_lost:
            return
        self._protocol.send_response(response)
        self._wire.speak()
        if identity is not None and self._protocol.state is State.OPEN:
            self._place.let_in()
            self.stop()
            self._wire.let_in(identity, opening)

    @property
    def _address(self) -> str:
        peer = self._wire.transport.get_extra_info("peername")
        return str(peer[0]) if peer else "unknown"

    def _told(self, request: Request) -> Opening:
        own = self._wire.transport.get_extra_info("sockname")
        tls = self._wire.transport.get_extra_info("ssl_object")
        return Opening(
            request.path,
            request.headers,
            address=self._address,
            local=(str(own[0]), int(own[1])) if own else ("unknown", 0),
            tls=None if tls is None else f"{tls.version()} {(tls.cipher() or ('',))[0]}",
            certificate=None if tls is None else tls.getpeercert(binary_form=True),
        )

    def _refused(self, answer: Refusal) -> Response:
        response = self._protocol.reject(answer.status, answer.text + "\n")
        for name, value in answer.headers.items():
            response.headers[name] = value
        return response

    def _too_slow(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._wire.give_up()

    def stop(self) -> None:
        """It need not be over any more."""
        self._timer.cancel()
