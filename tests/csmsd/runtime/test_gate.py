"""Who may come in at all: counted by address and in all, before anything is read."""

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import AsyncIterator

import pytest

from csmsd.runtime.gate import Gate, Place, free_descriptors, origin_of

WITHIN_SECONDS = 30


class Visitor(asyncio.Protocol):
    """Is let in when it says something, and is told so."""

    def __init__(self, place: Place, transports: list[asyncio.Transport]) -> None:
        self._place = place
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transports.append(transport)
        self._place.made(transport)

    def data_received(self, data: bytes) -> None:
        if data == b"done":
            self._place.idle()
        else:
            self._place.let_in()
        self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._place.gone()


class Client:
    """The other end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def says(self, word: bytes) -> bool:
        """Whether it is heard."""
        self.writer.write(word)
        try:
            return await asyncio.wait_for(self._reader.read(10), WITHIN_SECONDS) == word
        except ConnectionError:
            return False

    async def is_cut(self) -> bool:
        try:
            return await asyncio.wait_for(self._reader.read(10), WITHIN_SECONDS) == b""
        except ConnectionError:
            return True


class Door:
    """A gate for so many, and those who come to it."""

    def __init__(self, most: int, most_at_address: int | None = None) -> None:
        self.gate = Gate(lambda place: Visitor(place, self._transports), most, most_at_address)
        self.port = 0
        self._transports: list[asyncio.Transport] = []
        self._clients: list[Client] = []

    async def open(self) -> None:
        (listening,) = await self.gate.listen("127.0.0.1", 0)
        self.port = listening.getsockname()[1]

    async def client_on(self, connected: socket.socket) -> Client:
        client = Client(*await asyncio.open_connection(sock=connected))
        self._clients.append(client)
        return client

    async def client(self, source: str = "127.0.0.1") -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0)))
        self._clients.append(client)
        return client

    async def close(self) -> None:
        self.gate.close()
        for transport in [*self._transports, *(client.writer.transport for client in self._clients)]:
            transport.abort()
        for client in self._clients:
            with contextlib.suppress(ConnectionError):
                await client.writer.wait_closed()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door(4)
    await door.open()
    yield door
    await door.close()


async def test_the_oldest_that_has_asked_for_nothing_goes_first(door: Door) -> None:
    speaking = await door.client()
    assert await speaking.says(b"a")
    silent = [await door.client(f"127.0.0.{number}") for number in (2, 3, 4)]

    newest = await door.client("127.0.0.5")

    assert await newest.says(b"b")
    assert await silent[0].is_cut()
    assert await speaking.says(b"c")
    assert await silent[1].says(b"d")


async def test_one_address_has_at_most_half_of_what_is_silent(door: Door) -> None:
    other = await door.client("127.0.0.9")
    first = await door.client()
    second = await door.client()
    third = await door.client()
    assert await third.says(b"a")
    assert await first.is_cut()
    assert await second.says(b"b")
    assert await other.says(b"c")


async def test_nobody_goes_while_the_room_of_those_who_were_given_up_is_about_to_be_free(door: Door) -> None:
    """Five come at once from one address, of which two are silent at most: three go, and no more than these."""
    at_once = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(5)]
    clients = [await door.client_on(one) for one in at_once]
    for one in clients[:3]:
        assert await one.is_cut()
    for one in clients[3:]:
        assert await one.says(b"a")
    assert door.gate.turned_away == 3


async def test_where_all_have_asked_nobody_goes_and_who_comes_is_turned_away(door: Door) -> None:
    inside = [await door.client() for _ in range(1)]
    assert await inside[0].says(b"a")
    for _ in range(3):
        inside.append(await door.client())
        assert await inside[-1].says(b"a")

    assert await (await door.client()).is_cut()
    assert door.gate.turned_away == 1
    for one in inside:
        assert await one.says(b"b")
    inside[0].writer.close()
    async with asyncio.timeout(WITHIN_SECONDS):
        while not await (await door.client()).says(b"c"):
            pass  # its place is free once its end was noticed


@pytest.fixture
async def narrow() -> AsyncIterator[Door]:
    """Two of an address."""
    door = Door(100, 2)
    await door.open()
    yield door
    await door.close()


async def test_an_address_has_so_many_and_its_silent_ones_go_first(narrow: Door) -> None:
    speaking, silent = await narrow.client(), await narrow.client()
    assert await speaking.says(b"a")
    newest = await narrow.client()
    assert await silent.is_cut()
    assert await newest.says(b"b")
    assert await (await narrow.client()).is_cut(), "both that are there have asked"
    assert await (await narrow.client("127.0.0.2")).says(b"c")
    newest.writer.close()
    async with asyncio.timeout(WITHIN_SECONDS):
        while not await (await narrow.client()).says(b"d"):
            pass  # its place is free once its end was noticed


async def test_one_that_is_done_is_silent_again(narrow: Door) -> None:
    first, second = await narrow.client(), await narrow.client()
    for one in (first, second):
        assert await one.says(b"a")
    assert await first.says(b"done")
    assert await (await narrow.client()).says(b"b")
    assert await first.is_cut()
    assert await second.says(b"c")


async def test_one_line_is_said_however_many_are_turned_away(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    clients = [await door.client() for _ in range(40)]
    assert await clients[-1].says(b"a")
    assert len(caplog.messages) == 1


async def test_what_is_closed_accepts_nobody_and_lets_those_stay_who_are_there(door: Door) -> None:
    client = await door.client()
    assert await client.says(b"a")
    door.gate.close()
    with pytest.raises(ConnectionError):
        await door.client()
    assert await client.says(b"b")
    assert not door.gate.is_open


async def test_an_address_that_is_taken_is_told(door: Door) -> None:
    with pytest.raises(OSError, match=r"cannot listen on 127\.0\.0\.1"):
        await door.gate.listen("127.0.0.1", door.port)


def test_descriptors_are_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    used = 10_000_000
    for limit, kept in ((256, 32), (1024, 128), (1_000_000, 512)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        free = free_descriptors()
        assert free + kept < limit
        used = min(used, limit - kept - free)
    assert 3 <= used < 200


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_what_counts_as_one_address(address: str, counts_as: str) -> None:
    assert origin_of(address) == counts_as
