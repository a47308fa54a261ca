"""How a WebSocket is opened, or is not, on real sockets."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from csmsd.runtime.pace import LONGEST_SECONDS
from csmsd.settings.sections import Server
from tests.csmsd.charge_points.web_door import OPENING, Door
from tests.support.websocket_frames import PING, TEXT, masked


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
