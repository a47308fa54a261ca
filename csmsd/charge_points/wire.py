"""WebSockets of charge points: the one shell around the library. Who is let in, and what is said, others decide.

A text is handed on from where it is read: no task is woken for it, and it waits in no queue. The library's protocol
has the opening (`upgrade.py`), control frames, fragments, limits and whatever is wrong. A text in one frame, as nearly
all are, goes past its parser, which takes longer than all that csmsd does with a Heartbeat.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import cast

from websockets.exceptions import InvalidState
from websockets.frames import (  # type: ignore[attr-defined]  # the fast one, where there is one
    Frame,
    Opcode,
    apply_mask,
)
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from csmsd.charge_points.opening import Opening
from csmsd.charge_points.text_frames import TEXT, frame_at, framed
from csmsd.charge_points.upgrade import Admit, Unreadable, Upgrade
from csmsd.runtime.gate import Place
from csmsd.settings.sections import Server

log = logging.getLogger(__name__)

_SUBPROTOCOL = Subprotocol("ocpp1.6")
_CLOSE_SECONDS = 5.0
_TOO_LONG = 1009
# What a charge point has sent in one go is taken in parts, so that others wait for none of it but a part.
_AT_ONCE = 8
_LONG_SECONDS = 0.002  # of work
# One that does not read what it is sent is cut, before its answers, or pongs, fill the memory.
MOST_UNREAD = 2 * 1024 * 1024  # bytes
Serve = Callable[["Wire", str, Opening], None]


class _Protocol(ServerProtocol):
    """As the library has it; a function that it is given would know it, and keep it from going when it is over."""

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        return _SUBPROTOCOL if _SUBPROTOCOL in subprotocols else None


def _take_nothing(text: bytes) -> None:
    pass


def _do_nothing() -> None:
    pass


def _let_go_of_frames(error: BaseException | None) -> None:
    """Of those that it went through, which know all that was going on there: the library keeps what was wrong."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


class Closed(Exception):
    """The WebSocket is over."""


class Wire(asyncio.Protocol):
    """A connection from its first byte to its last.

    Once it is open, `take` is called with each text, and `lost` when it is over.
    """

    __slots__ = (
        "_came",
        "_closed",
        "_deadline",
        "_deaf",
        "_finished",
        "_fragments",
        "_held",
        "_loop",
        "_lost",
        "_max_size",
        "_opening",
        "_out",
        "_pings",
        "_place",
        "_pongs",
        "_protocol",
        "_reading",
        "_scheduled",
        "_serve",
        "_taking",
        "_upgrade",
        "does_not_read",
        "is_open",
        "lost",
        "take",
        "transport",
    )

    def __init__(
        self,
        admit: Admit,
        serve: Serve,
        limits: Server,
        place: Place,
        until: float | None = None,
        unreadable: Unreadable = lambda address, path, why: None,
    ) -> None:
        """`until`, by the loop's clock, the opening must be over; without it within `limits.handshake_timeout`."""
        self._serve = serve
        self._place = place
        self._max_size = limits.max_message_bytes
        self._protocol = _Protocol(max_size=limits.max_message_bytes, logger=logging.getLogger("csmsd.websockets"))
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self._closed: asyncio.Future[None] = self._loop.create_future()
        until = self._loop.time() + limits.handshake_timeout if until is None else until
        self._upgrade: Upgrade | None = Upgrade(self, self._protocol, admit, unreadable, place, until)
        self._opening = True  # the request has not come whole
        self._deadline: asyncio.TimerHandle | None = None  # of the closing handshake
        self.is_open = False  # texts may be sent
        self._deaf = False  # nothing that is sent gets there any more
        self.does_not_read = False  # what it is sent; it was cut for that
        self._finished = False  # nothing that comes is looked at any more
        self._came: bytes | bytearray = b""  # and is not taken yet
        self._fragments: list[bytes] = []  # of a text that is not whole yet
        self._pings = 0
        self._pongs: dict[bytes, asyncio.Future[None]] = {}
        self._out: list[bytes] = []  # leaves when what came is taken
        self._taking = False
        self._scheduled = False  # what came goes on being taken in a moment
        self._held = True  # nothing is taken
        self._reading = True
        self._lost = False
        self.take: Callable[[bytes], None] = _take_nothing
        self.lost: Callable[[], None] = _do_nothing

    @property
    def subprotocol_agreed(self) -> bool:
        return self._protocol.subprotocol is not None

    # --- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._place.made(self.transport)

    def data_received(self, data: bytes) -> None:
        if self._finished:
            return
        if self._opening:
            self._opening_received(data)
        elif self._came:
            if isinstance(self._came, bytes):
                self._came = bytearray(self._came)
            self._came += data
            if not self._scheduled and not self._held:
                self._take_turn()
        else:
            self._came = data
            if not self._held:
                self._take_turn()

    def eof_received(self) -> None:
        """The loop closes it now, also to one who would go on reading; what came before is taken all the same."""
        if not self._came:
            self._protocol.receive_eof()
            self.speak()
        self._say_no_more()
        self._end_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._say_no_more()
        self._place.gone()
        if self._held or not self._scheduled:
            self._end()

    def _end(self) -> None:
        if self._closed.done():
            return
        self._closed.set_result(None)
        self._came = b""
        self._protocol.receive_eof()
        self._stop_deadline()
        self._upgrade = None
        for pong in self._pongs.values():
            pong.cancel()
        try:
            self.lost()
        except Exception:
            log.exception("the end of a connection could not be told")
        # What knows itself, or who knows this, would stay until the collector comes.
        self.take, self.lost = _take_nothing, _do_nothing
        self._protocol.parser.close()
        _let_go_of_frames(self._protocol.parser_exc)
        _let_go_of_frames(self._protocol.handshake_exc)

    # --- the opening

    def _opening_received(self, data: bytes) -> None:
        assert self._upgrade is not None
        behind = self._upgrade.received(data)
        if behind is not None:
            self._opening, self._came = False, behind
            self._read(False)

    @property
    def is_lost(self) -> bool:
        """Whether nothing that is said gets there any more."""
        return self._deaf

    def let_in(self, identity: str, opening: Opening) -> None:
        """Its opening was answered: texts come and go from now on."""
        self._upgrade = None
        self.is_open = True
        self._held = False
        try:
            self._serve(self, identity, opening)
        except Exception:
            self._break_off()
        self._go_on()

    def give_up(self) -> None:
        """Nothing more is looked at of one that opens no WebSocket."""
        self._finished = True
        self.abort()

    def _stop_deadline(self) -> None:
        if self._upgrade is not None:
            self._upgrade.stop()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # --- what comes

    def pause(self) -> None:
        """Hands on no more, and reads no more, until `resume`."""
        self._held = True
        self._read(False)

    def resume(self) -> None:
        self._held = False
        if not self._taking:
            self._go_on()

    def _read(self, reading: bool) -> None:
        if reading == self._reading or self._lost or self.transport.is_closing():
            return
        self._reading = reading
        if reading:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def _go_on(self) -> None:
        if self._held or self._scheduled:
            return
        if self._came:
            self._schedule()
        else:
            self._read(True)

    def _schedule(self) -> None:
        self._scheduled = True
        self._read(False)
        self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._scheduled = False
        if self._closed.done() or self._held:
            return
        self._take_turn()
        if self._lost and not self._scheduled:
            self._end()

    def _take_turn(self) -> None:
        """Takes what came, or as much of it as may be taken at once."""
        self._taking = True
        try:
            self._take_frames()
        except Exception:
            self._break_off()
        self._taking = False
        if self._out:
            self._flush()
        if not (self._reading or self._held or self._scheduled):
            self._read(True)

    def _break_off(self) -> None:
        log.exception("a connection broke off")
        self._came = b""
        self._out.clear()
        self.abort()

    def _take_frames(self) -> None:
        came = self._came
        size = len(came)
        at = taken = 0
        begun = 0.0
        while at < size and not self._held and not self._finished:
            body, end = frame_at(came, at, self._max_size)
            if end > size:
                break  # the rest of it is still to come
            if body and came[at] == TEXT and self.is_open and not self._fragments:
                text = apply_mask(came[body:end], came[body - 4 : body])
                at = end
                self.take(text)
            else:
                frame = came[at:end]
                at = end
                self._take_unlike(bytes(frame))
            if at < size:
                taken += 1
                if not begun:
                    begun = monotonic()
                elif taken >= _AT_ONCE or monotonic() - begun > _LONG_SECONDS:
                    self._schedule()
                    break
        if at:
            self._came = came[at:]

    def _take_unlike(self, frame: bytes) -> None:
        """Has the library take what is no text in one frame, or what comes when the end is near."""
        self._protocol.receive_data(frame)
        for event in self._protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode is Opcode.PONG:
                pong = self._pongs.pop(bytes(event.data), None)
                if pong is not None:
                    pong.set_result(None)
            elif event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                if event.data or not self._fragments:  # without end there may be empty ones
                    self._fragments.append(bytes(event.data))
                if event.fin:
                    text = b"".join(self._fragments)
                    self._fragments.clear()
                    self.take(text)
        self.is_open = not self._deaf and self._protocol.state is State.OPEN
        self.speak()
        if not self._deaf:
            self.cut_unless_read()

    # --- what goes

    def send(self, text: bytes) -> None:
        """Never waits, nor fails; `unread` tells what the other end has not taken yet."""
        if not self.is_open:
            return
        frame = framed(text)
        if self._taking:
            self._out.append(frame)
        else:
            self.transport.write(frame)

    def _flush(self) -> None:
        out, self._out = self._out, []
        self.transport.write(out[0] if len(out) == 1 else b"".join(out))

    def speak(self) -> None:
        """Writes what the library wants to say, after the texts that were sent before."""
        if self._out:
            self._flush()
        for data in self._protocol.data_to_send():
            if self._deaf:
                break
            if data:
                self.transport.write(data)
            else:
                self._finish()
        if self._protocol.close_expected():
            self._end_soon()

    def _end_soon(self) -> None:
        """Whatever the peer says until then, and however much it has not read."""
        if self._deadline is None and not self._lost:
            self._stop_deadline()  # of the opening
            self._deadline = self._loop.call_later(_CLOSE_SECONDS, self.transport.abort)

    def _say_no_more(self) -> None:
        """Transports differ in what they make of a word after the last: that it is lost, a warning, or an error."""
        self._deaf = True
        self.is_open = False

    def _finish(self) -> None:
        """The last was said; the peer ends it."""
        self._finished = True
        self._say_no_more()
        self._read(True)
        if self.transport.can_write_eof():
            with suppress(OSError):
                self.transport.write_eof()
        else:
            self.transport.close()

    @property
    def unread(self) -> int:
        """Bytes."""
        return 0 if self._lost else self.transport.get_write_buffer_size()

    def cut_unless_read(self) -> None:
        """Where more waits for it than may."""
        if self.unread > MOST_UNREAD:
            self.does_not_read = True
            self.abort()

    async def ping(self, timeout: float) -> None:
        """Raises TimeoutError when no pong comes within so many seconds, and Closed."""
        if not self.is_open:
            raise Closed
        self._pings += 1
        data = b"%d" % self._pings
        pong = self._pongs[data] = self._loop.create_future()
        self._protocol.send_ping(data)
        self.speak()
        try:
            async with asyncio.timeout(timeout):
                await asyncio.wait((pong,))
        except TimeoutError:
            self._pongs.pop(data, None)
            raise
        if pong.cancelled():
            raise Closed

    # --- how it ends

    @property
    def closed_by_peer(self) -> int | None:
        """The code with which the charge point closed it, if it did."""
        told = self._protocol.close_rcvd
        return told.code if told is not None else None

    @property
    def was_too_long(self) -> bool:
        """Whether it was closed because the charge point sent a message that is longer than allowed."""
        told = self._protocol.close_sent
        return told is not None and told.code == _TOO_LONG and not self._protocol.close_rcvd_then_sent

    async def close(self, code: int, reason: str) -> None:
        """The closing handshake."""
        with suppress(InvalidState):
            self._protocol.send_close(code, reason)
        self.is_open = False
        self.speak()
        await asyncio.wait((self._closed,))

    def abort(self) -> None:
        """Without a word."""
        self._say_no_more()
        if not self._lost:
            self.transport.abort()

    def keep_alive(self) -> None:
        """Has the kernel notice a peer that a power cut took away, even where pings are switched off."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
