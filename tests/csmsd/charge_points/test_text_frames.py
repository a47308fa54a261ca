"""Texts that go past the library's parser: whatever comes, in whatever pieces, it is as if they had not."""

import asyncio
from http import HTTPStatus
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from csmsd.charge_points.opening import Opening, Refusal
from csmsd.charge_points.wire import Wire
from csmsd.runtime.gate import Gate, Place
from csmsd.settings.sections import Server
from tests.support.websocket_frames import BINARY, CLOSE, CONTINUED, PING, PONG, TEXT, bare, masked

LONGEST = 400
OPENING = (
    b"GET /ocpp/CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Socket(asyncio.Transport):
    """What is written, in the order in which it left."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.ended.set()

    def can_write_eof(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return 0  # it is read at once

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None: ...


async def opened(texts: list[bytes]) -> tuple[Wire, Socket]:
    """A wire whose charge point was let in."""

    async def admit(opening: Opening) -> str | Refusal:
        return "CP1"

    served = asyncio.Event()

    def serve(wire: Wire, identity: str, opening: Opening) -> None:
        wire.take = texts.append
        served.set()

    gate = Gate(lambda place: asyncio.Protocol(), most=1)
    wire = Wire(admit, serve, Server(max_message_bytes=LONGEST), Place(gate, "127.0.0.1"))
    wire.connection_made(socket := Socket())
    wire.data_received(OPENING)
    await served.wait()
    socket.written = b""
    return wire, socket


def by_the_library(pieces: list[bytes]) -> tuple[list[bytes], bytes, bool]:
    """The texts, what is answered, and whether that was the end."""
    protocol = ServerProtocol(max_size=LONGEST)
    protocol.state = State.OPEN
    protocol.parser = protocol.parse()
    next(protocol.parser)
    texts: list[bytes] = []
    parts: list[bytes] = []
    for piece in pieces:
        protocol.receive_data(piece)
    for event in protocol.events_received():
        assert isinstance(event, Frame)
        if event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            parts.append(bytes(event.data))
            if event.fin:
                texts.append(b"".join(parts))
                parts.clear()
    said = protocol.data_to_send()
    return texts, b"".join(said), b"" in said


payloads = st.one_of(
    st.binary(max_size=20), st.sampled_from([b"x" * size for size in (125, 126, 127, 200, 399, 400, 401)])
)
ordinary = st.builds(masked, st.just(TEXT), payloads)
frames = st.one_of(
    ordinary,
    ordinary,
    st.builds(masked, st.sampled_from([TEXT, BINARY, CONTINUED, PING, PONG]), payloads, final=st.booleans()),
    st.builds(masked, st.just(CLOSE), st.sampled_from([b"", b"\x03\xe8", b"\x03\xe8bye", b"\x00"])),
    st.builds(masked, st.integers(0, 15), payloads, reserved=st.integers(0, 7)),
    st.builds(bare, st.just(TEXT), payloads),
    st.binary(max_size=30),
)


@given(st.lists(ordinary, max_size=20), st.lists(frames, max_size=8), st.lists(st.integers(0, 3000), max_size=6))
def test_as_the_library_reads_it(plain: list[bytes], odd: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(plain + odd)
    at = [0, *sorted(cut for cut in set(cuts) if 0 < cut < len(stream)), len(stream)]
    pieces = [stream[begin:end] for begin, end in pairwise(at)]

    async def by_the_wire() -> tuple[list[bytes], bytes, bool]:
        texts: list[bytes] = []
        wire, socket = await opened(texts)
        for piece in pieces:
            wire.data_received(piece)
        for _ in range(len(stream)):
            await asyncio.sleep(0)
            if not wire._scheduled:
                break
        wire._stop_deadline()
        return texts, socket.written, socket.ended.is_set()

    assert asyncio.run(by_the_wire()) == by_the_library(pieces)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
async def test_what_is_sent_is_framed_as_the_library_frames_it(size: int) -> None:
    wire, socket = await opened([])
    wire.send(b"x" * size)
    protocol = ServerProtocol()
    protocol.state = State.OPEN
    protocol.send_text(b"x" * size)
    assert socket.written == b"".join(protocol.data_to_send())


async def test_what_is_sent_while_texts_are_taken_leaves_in_one_go_and_before_the_end() -> None:
    texts: list[bytes] = []
    wire, socket = await opened(texts)
    wire.take = lambda text: wire.send(b"answer to " + text)
    wire.data_received(masked(TEXT, b"1") + masked(PING, b"") + masked(TEXT, b"2") + masked(CLOSE, b"\x03\xe8"))
    answers = [bare(TEXT, b"answer to 1"), bare(PONG, b""), bare(TEXT, b"answer to 2"), bare(CLOSE, b"\x03\xe8")]
    assert socket.written == b"".join(answers)
    assert socket.ended.is_set()
    wire.send(b"too late")
    assert socket.written == b"".join(answers)
    wire._stop_deadline()


async def test_a_refusal_is_the_last_that_is_said() -> None:
    async def refuse(opening: Opening) -> str | Refusal:
        return Refusal(HTTPStatus.FORBIDDEN, "No.")

    gate = Gate(lambda place: asyncio.Protocol(), most=1)
    wire = Wire(refuse, lambda wire, identity, opening: None, Server(), Place(gate, "127.0.0.1"))
    wire.connection_made(socket := Socket())
    wire.data_received(OPENING + masked(TEXT, b"1"))
    await socket.ended.wait()
    assert socket.written.startswith(b"HTTP/1.1 403 ")
    wire._stop_deadline()
