"""The shell around the WebSocket library, on real sockets."""

import asyncio
import weakref
from collections.abc import AsyncIterator

import pytest

from csmsd.charge_points.wire import Closed, Wire
from tests.csmsd.charge_points.web_door import OPENING, WITHIN_SECONDS, Door
from tests.support.websocket_frames import TEXT, masked


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    await door.listen()
    yield door
    await door.close()


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
