"""The shell around the WebSocket library, on real sockets."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from csmsd.charge_points.wire import Closed, Opening, Refusal, Wire, Wires, closed_by_peer
from csmsd.settings import Server

WITHIN_SECONDS = 5
OPENING = (
    b"GET /ocpp/CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Door:
    """Lets everybody in as CP1 but those on `/no`; the test has the wires in its hands."""

    def __init__(self) -> None:
        self.wires = Wires(self.admit, self.serve, Server())
        self.openings: list[Opening] = []
        self.opened = asyncio.Queue[tuple[Wire, str]]()
        self.over = asyncio.Event()
        self.address = ""

    async def admit(self, opening: Opening) -> str | Refusal:
        self.openings.append(opening)
        if opening.path == "/no":
            return Refusal(HTTPStatus.UNAUTHORIZED, "No.", {"WWW-Authenticate": 'Basic realm="ocpp"'})
        return "CP1"

    async def serve(self, wire: Wire, identity: str) -> None:
        self.opened.put_nowait((wire, identity))
        await self.over.wait()

    async def connect(self, path: str = "/ocpp/CP1", **how: object) -> ClientConnection:
        return await connect(f"ws://{self.address}{path}", proxy=None, **how)  # type: ignore[arg-type]

    async def wire(self) -> Wire:
        async with asyncio.timeout(WITHIN_SECONDS):
            return (await self.opened.get())[0]


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    (door.address,) = await door.wires.listen("127.0.0.1", 0)
    yield door
    door.over.set()
    door.wires.stop_accepting()


async def test_the_request_is_told_and_of_a_header_that_comes_twice_nothing_is_believed(door: Door) -> None:
    twice = [("Authorization", "Basic QQ=="), ("Authorization", "Basic Qg=="), ("X-Once", "1")]
    async with await door.connect("/ocpp/CP%201", additional_headers=twice):
        (opening,) = door.openings
        assert (opening.path, opening.address) == ("/ocpp/CP%201", "127.0.0.1")
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
        assert await wire.receive() == "[2,é]".encode()
        wire.send("[3,é]".encode())
        assert await client.recv() == "[3,é]"
        assert (wire.address, wire.local_address, wire.host) == ("127.0.0.1", "127.0.0.1", door.address)
        await wire.ping(WITHIN_SECONDS)


async def test_a_peer_that_closes_says_with_what_and_one_that_is_cut_says_nothing(door: Door) -> None:
    client = await door.connect()
    wire = await door.wire()
    await client.close(4000, "bye")
    with pytest.raises(Closed) as closed:
        await wire.receive()
    assert closed_by_peer(closed.value) == 4000

    client = await door.connect()
    wire = await door.wire()
    client.transport.abort()
    with pytest.raises(Closed) as closed:
        await wire.receive()
    assert closed_by_peer(closed.value) is None


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
