"""The shell around the WebSocket library, on real sockets."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from http import HTTPStatus
from time import monotonic

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from csmsd.charge_points.opening import Opening, Refusal
from csmsd.charge_points.wire import Closed, Wire
from csmsd.runtime.gate import Gate
from csmsd.runtime.pace import LONGEST_SECONDS
from csmsd.settings.sections import Server
from tests.support.websocket_frames import PING, TEXT, masked

WITHIN_SECONDS = 30
OPENING = (
    b"GET /ocpp/CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Door:
    """Lets everybody in as CP1 but those on `/no`; the test has the wires in its hands."""

    def __init__(self, limits: Server | None = None) -> None:
        self.gate = Gate(lambda place: Wire(self.admit, self.serve, limits or Server(), place))
        self.openings: list[Opening] = []
        self.texts = asyncio.Queue[bytes]()
        self.over = asyncio.Queue[Wire]()
        self.opened = asyncio.Queue[tuple[Wire, str]]()
        self.address = ""

    async def admit(self, opening: Opening) -> str | Refusal:
        self.openings.append(opening)
        if opening.path == "/no":
            return Refusal(HTTPStatus.UNAUTHORIZED, "No.", {"WWW-Authenticate": 'Basic realm="ocpp"'})
        return "CP1"

    def serve(self, wire: Wire, identity: str, opening: Opening) -> None:
        assert opening is self.openings[-1]
        wire.take = self.texts.put_nowait
        wire.lost = lambda: self.over.put_nowait(wire)
        self.opened.put_nowait((wire, identity))

    async def connect(self, path: str = "/ocpp/CP1", **how: object) -> ClientConnection:
        return await connect(f"ws://{self.address}{path}", proxy=None, **how)  # type: ignore[arg-type]

    async def listen(self) -> None:
        (listening,) = await self.gate.listen("127.0.0.1", 0)
        self.address = "{}:{}".format(*listening.getsockname())

    async def close(self) -> None:
        """Everybody's socket is closed afterwards."""
        self.gate.close()
        async with asyncio.timeout(WITHIN_SECONDS):
            while self.gate._places:  # noqa: ASYNC110 - those that were refused tell nobody of their end
                await asyncio.sleep(0.001)

    async def wire(self) -> Wire:
        async with asyncio.timeout(WITHIN_SECONDS):
            return (await self.opened.get())[0]


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    await door.listen()
    yield door
    await door.close()


async def test_the_request_is_told_and_of_a_header_that_comes_twice_nothing_is_believed(door: Door) -> None:
    twice = [("Authorization", "Basic QQ=="), ("Authorization", "Basic Qg=="), ("X-Once", "1")]
    async with await door.connect("/ocpp/CP%201", additional_headers=twice):
        (opening,) = door.openings
        assert (opening.path, opening.address) == ("/ocpp/CP%201", "127.0.0.1")
        assert f"{opening.local_address}:{opening.local_port}" == opening.header("Host") == door.address
        assert opening.has("Authorization")
        assert opening.header("authorization") is None
        assert opening.header("X-Once") == "1"
        assert not opening.has("Origin")
        assert opening.header("Origin") is None
        assert (await door.opened.get())[1] == "CP1"


async def test_a_refusal_is_an_http_answer(door: Door) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await door.connect("/no")
    response = refused.value.response
    assert (response.status_code, response.body) == (401, b"No.\n")
    assert response.headers["WWW-Authenticate"] == 'Basic realm="ocpp"'
    assert door.opened.empty()


@pytest.mark.parametrize(("offered", "agreed"), [(None, False), (["ocpp2.0.1"], False), (["soap", "ocpp1.6"], True)])
async def test_the_subprotocol_is_agreed_on_or_it_is_not(door: Door, offered: list[str] | None, agreed: bool) -> None:
    subprotocols = None if offered is None else [Subprotocol(name) for name in offered]
    async with await door.connect(subprotocols=subprotocols) as client:
        assert (await door.wire()).subprotocol_agreed is agreed
        assert client.subprotocol == ("ocpp1.6" if agreed else None)


async def test_texts_come_and_go_as_they_are(door: Door) -> None:
    async with await door.connect() as client:
        wire = await door.wire()
        await client.send("[2,é]")
        assert await door.texts.get() == "[2,é]".encode()
        wire.send("[3,é]".encode())
        assert await client.recv() == "[3,é]"
        await wire.ping(WITHIN_SECONDS)


async def test_a_peer_that_closes_says_with_what_and_one_that_is_cut_says_nothing(door: Door) -> None:
    client = await door.connect()
    wire = await door.wire()
    await client.close(4000, "bye")
    assert await door.over.get() is wire
    assert (wire.closed_by_peer, wire.was_too_long) == (4000, False)

    client = await door.connect()
    wire = await door.wire()
    client.transport.abort()
    assert await door.over.get() is wire
    assert (wire.closed_by_peer, wire.was_too_long) == (None, False)
    with pytest.raises(Closed):
        await wire.ping(WITHIN_SECONDS)


async def test_one_that_is_gone_answers_no_ping(door: Door) -> None:
    client = await door.connect()
    wire = await door.wire()
    client.transport.pause_reading()
    asked = asyncio.create_task(wire.ping(WITHIN_SECONDS))
    await asyncio.sleep(0)
    client.transport.abort()
    with pytest.raises(Closed):
        await asked


async def test_what_came_before_the_end_is_taken(door: Door) -> None:
    """More of it than is taken at once, and gone in the same moment."""
    client = await door.connect()
    wire = await door.wire()
    client.transport.write(b"".join(masked(TEXT, b"%d" % number) for number in range(1000)))
    client.transport.close()
    assert await door.over.get() is wire
    assert [door.texts.get_nowait() for _ in range(1000)] == [b"%d" % number for number in range(1000)]


async def test_one_that_is_held_sends_on_and_is_read_when_it_is_let_go(door: Door) -> None:
    client = await door.connect()
    wire = await door.wire()
    taken: list[bytes] = []

    def take(text: bytes) -> None:
        taken.append(text)
        if text == b"2":
            wire.pause()
        door.texts.put_nowait(text)

    wire.take = take
    for text in ("1", "2", "3"):
        await client.send(text)
    assert [await door.texts.get(), await door.texts.get()] == [b"1", b"2"]
    await client.send("4")
    await (await door.connect()).close()  # so that what was sent before had its time
    assert taken == [b"1", b"2"]
    wire.resume()
    assert [await door.texts.get(), await door.texts.get()] == [b"3", b"4"]
    await client.close()


async def test_a_handler_that_fails_ends_its_connection_only(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    client, other = await door.connect(), await door.connect()
    wire, _ = await door.wire(), await door.wire()

    def fail(text: bytes) -> None:
        raise RuntimeError("no")

    wire.take = fail
    await client.send("1")
    assert await door.over.get() is wire
    await other.send("2")
    assert await door.texts.get() == b"2"
    assert "a connection broke off" in caplog.text
    await other.close()


async def test_we_close_with_a_word_or_without_one(door: Door) -> None:
    client = await door.connect()
    await (await door.wire()).close(1008, "not registered any more")
    await client.wait_closed()
    assert (client.close_code, client.close_reason) == (1008, "not registered any more")

    client = await door.connect()
    (await door.wire()).abort()
    await client.wait_closed()
    assert client.close_code == 1006


async def test_what_is_not_taken_piles_up_and_a_ping_that_is_not_answered_is_noticed(door: Door) -> None:
    host, port = door.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(OPENING)
    assert b"101" in await reader.readuntil(b"\r\n")
    wire = await door.wire()
    assert wire.unread == 0
    wire.send(b"x" * 8_000_000)
    assert wire.unread > 1_000_000
    with pytest.raises(TimeoutError):
        await wire.ping(0.01)
    wire.abort()
    writer.close()


@pytest.mark.parametrize("pieces", [[OPENING[:20], OPENING[20:-3], OPENING[-3:-1], OPENING[-1:]], [OPENING]])
async def test_what_follows_the_opening_at_once_waits_until_it_is_let_in(door: Door, pieces: list[bytes]) -> None:
    *begin, end = pieces
    host, port = door.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in begin:
        writer.write(piece)
        await writer.drain()
    writer.write(end + masked(TEXT, b"early") + masked(PING, b"?"))
    assert await door.texts.get() == b"early"
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(3) == b"\x8a\x01?"
    writer.close()


async def test_who_never_ends_its_opening_is_cut() -> None:
    door = Door(Server(handshake_timeout=0.05))
    await door.listen()
    host, port = door.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    assert await reader.read() == b""
    writer.close()
    await door.close()


async def test_what_is_no_http_is_told_so(door: Door) -> None:
    host, port = door.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01 is how TLS begins\r\n\r\n")
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    assert door.openings == []


async def test_those_who_come_all_at_once_are_let_in_in_turn(door: Door) -> None:
    """An opening is behind what others have said before, not beside all of it in one round of the event loop."""
    before: list[int] = []

    def busy(number: int) -> None:
        until = monotonic() + 2 * LONGEST_SECONDS
        while monotonic() < until:
            pass
        before.append(number)

    _, writer = await asyncio.open_connection(*door.address.rsplit(":"))
    for number in range(20):
        door.gate.pace.take(lambda number=number: busy(number))  # type: ignore[misc]
    writer.write(OPENING)
    await door.wire()
    assert len(before) == 20
    writer.close()


async def test_who_took_what_came_is_gone_with_the_connection(door: Door) -> None:
    """What it remembers would stay until the garbage collector comes, which is seldom."""

    class Taker:
        def __init__(self, wire: Wire) -> None:
            self.wire = wire
            wire.take = self.take

        def take(self, text: bytes) -> None:
            pass

    client = await door.connect()
    taker = weakref.ref(Taker(await door.wire()))
    assert taker() is not None
    await client.close()
    async with asyncio.timeout(WITHIN_SECONDS):
        await door.over.get()
    await asyncio.sleep(0)
    assert taker() is None
