"""Frames without end, pings without number, answers that nobody reads: others are served as if there were none."""

import asyncio
import ssl
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.certificates import client_context, tls_settings
from tests.support.flood import flooding
from tests.support.plain_websocket import handshake
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site
from tests.support.wire import WAIT, basic_authorization

KEY = "0123456789abcdef"
MASK = bytes(4)
TOO_BIG = struct.pack(">H", 1009)  # RFC 6455 7.4.1
FIRST, MIDDLE, LAST, PING = 0x01, 0x00, 0x80, 0x89


def frame(opcode: int, payload: bytes) -> bytes:
    """With a length of 64 bits, which any payload may have here."""
    return bytes([opcode, 0xFF]) + struct.pack(">Q", len(payload)) + MASK + payload


class Way(NamedTuple):
    """How the abuser comes: those who are served meanwhile come without TLS, as most do."""

    site: Site
    tls: ssl.SSLContext | None


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """It takes connections with TLS and without."""
    site = Site(tls_settings(tmp_path_factory.mktemp("tls")))
    site.start_and_wait()
    yield site
    asyncio.run(site.close())


@pytest.fixture(params=["plain", "tls"])
def way(request: pytest.FixtureRequest, shared_site: Site, tmp_path: Path) -> Way:
    return Way(shared_site, client_context(tmp_path) if request.param == "tls" else None)


@asynccontextmanager
async def connected(way: Way, identity: str) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    await way.site.register(identity, password=KEY)
    host, _, port = way.site.listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=way.tls)
    key = f"Authorization: {basic_authorization(identity, KEY)['Authorization']}\r\n\r\n"
    writer.write(handshake(identity).removesuffix(b"\r\n") + key.encode())
    try:
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def everything_from(reader: StreamReader) -> bytes:
    """All that comes until csmsd ends the connection."""
    received = b""
    with suppress(ConnectionError):
        while piece := await asyncio.wait_for(reader.read(65_536), WAIT):
            received += piece
    return received


async def answered(site: Site, identity: str) -> None:
    """Another charge point is served, and operators are."""
    await site.register(identity)
    quiet = await RawChargePoint.connect(site.url(identity))
    await quiet.boot()
    assert (await quiet.heartbeat())[0] == 3
    await quiet.disconnect()
    assert (await site.call("daemon.info"))["store"]["state"] == "ok"


async def test_a_frame_that_announces_what_no_memory_holds(way: Way) -> None:
    async with connected(way, "BOMB") as (reader, writer):
        writer.write(bytes([0x81, 0xFF]) + struct.pack(">Q", 2**62) + MASK)
        assert TOO_BIG in await everything_from(reader)
        await answered(way.site, "QUIET1")


async def test_a_message_of_fragments_without_end(way: Way) -> None:
    async with connected(way, "ENDLESS") as (reader, writer):
        with suppress(ConnectionError):
            writer.write(frame(FIRST, b"x"))
            for _ in range(40):
                writer.write(frame(MIDDLE, b"x" * 65_536))
                await writer.drain()
        await everything_from(reader)  # csmsd ends it: 2.5 MB are more than a message may have
        await answered(way.site, "QUIET2")


async def test_a_message_that_drips_is_read_and_holds_up_nobody(way: Way) -> None:
    async with connected(way, "DRIP") as (reader, writer):
        text = b'[2,"drip","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]'
        writer.write(frame(FIRST, b""))
        for number in range(len(text)):
            writer.write(frame(MIDDLE, text[number : number + 1]) + frame(MIDDLE, b"") * 20)
        await answered(way.site, "QUIET3")  # in the middle of it
        writer.write(frame(LAST, b""))
        assert b'[3,"drip",' in await asyncio.wait_for(reader.readuntil(b"}]"), WAIT)


@pytest.mark.parametrize("reads", [True, False])
async def test_pings_without_number(way: Way, reads: bool) -> None:
    async with connected(way, f"PINGS{reads}") as (reader, writer):
        reading = asyncio.create_task(everything_from(reader)) if reads else None
        for _ in range(30):
            writer.write(frame(PING, b"x" * 100) * 200)
            with suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(writer.drain(), 1 if reads else 0.05)  # csmsd need not take all of it
        await answered(way.site, f"QUIET4{reads}")
        writer.transport.abort()
        if reading is not None:
            assert b"x" * 100 in await reading


async def test_one_that_sends_and_never_reads_is_cut(shared_site: Site) -> None:
    await shared_site.register("DEAF")
    with flooding(shared_site, "DEAF", "Heartbeat", {}, deaf=True) as flood:
        await answered(shared_site, "QUIET5")
        assert await asyncio.to_thread(flood.wait, 60) == 1
    await answered(shared_site, "QUIET6")
