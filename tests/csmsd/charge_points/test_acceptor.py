"""What comes is told apart by its first byte, on one port, within one time."""

import asyncio
import gc
import ssl
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.server import ServerProtocol

from csmsd.charge_points.acceptor import NO_TLS, PLAIN_ONLY, Arrival
from csmsd.charge_points.opening import Opening
from csmsd.charge_points.tls_transport import TlsTransport
from csmsd.charge_points.wire import Wire
from csmsd.runtime.gate import Place
from csmsd.settings.sections import ListenerAt
from tests.support.certificates import client_context
from tests.support.tls_door import OPENING, WITHIN_SECONDS, Door, alert, hello

ON_BOTH_LOOPS = True


async def test_the_same_port_takes_plain_connections(door: Door, tmp_path: Path) -> None:
    async with await door.connect(None) as plain, await door.connect(client_context(tmp_path)) as secure:
        for point in (plain, secure):
            await point.send("1")
            assert await door.texts.get() == b"1"
        transports = [(await door.opened.get()).transport for _ in range(2)]
    assert [isinstance(transport, TlsTransport) for transport in transports] == [False, True], "plain is as it was"


async def test_the_first_byte_may_come_alone_and_the_rest_in_pieces(door: Door, tmp_path: Path) -> None:
    """Through a relay that hands on a byte at a time."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await door.raw()

        async def hand_on(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
            while data := await source.read(4096):
                for byte in data:
                    to.write(bytes((byte,)))
                    await to.drain()
            to.close()

        await asyncio.gather(hand_on(reader, ours), hand_on(theirs, writer))

    between = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = between.sockets[0].getsockname()[1]
    url = f"wss://127.0.0.1:{port}/ocpp/CP1"
    async with connect(url, ssl=client_context(tmp_path), proxy=None) as point:
        await point.send("1")
        assert await door.texts.get() == b"1"
    between.close()


async def test_without_a_certificate_of_ours_there_is_an_alert(door: Door, tmp_path: Path) -> None:
    door.context_in_use = None
    reader, writer = await door.raw()
    writer.write(hello(client_context(tmp_path)))
    assert await alert(reader) == 40
    writer.close()
    assert await door.refusal() == ("tls", NO_TLS)


@pytest.mark.parametrize("begin", [b"", b"\x16\x03\x01", OPENING[:-1]])
async def test_there_is_one_deadline_from_the_first_moment_on(door: Door, tmp_path: Path, begin: bytes) -> None:
    """Silent, or in its ClientHello, or before the end of HTTP; over TLS, also after its handshake, or not."""
    door.entrance.seconds = 0.3
    reader, writer = await door.raw()
    writer.write(begin)
    async with asyncio.timeout(WITHIN_SECONDS):
        assert await reader.read() == b""
    writer.close()
    with suppress(OSError):  # on a busy machine the handshake is not over by then, and is cut as well
        reader, writer = await door.raw(client_context(tmp_path))
        writer.write(b"" if begin.startswith(b"\x16") else OPENING[: len(begin)])
        async with asyncio.timeout(WITHIN_SECONDS):
            assert await reader.read() == b""
        writer.close()


async def test_one_listener_takes_plain_connections_only_and_another_none(tmp_path: Path) -> None:
    door = Door(tmp_path, kind=ListenerAt(address="x", transport="plain"))
    await door.listen()
    reader, writer = await door.raw()
    writer.write(hello(client_context(tmp_path)))
    assert await alert(reader) == 40
    writer.close()
    assert await door.refusal() == ("tls", PLAIN_ONLY)
    await (await door.connect(None)).close()
    door.entrance.kind = ListenerAt(address="x", transport="tls")
    reader, writer = await door.raw()
    writer.write(OPENING)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    writer.close()
    assert await door.refusal() == ("plain", None)
    await (await door.connect(client_context(tmp_path))).close()
    door.gate.close()
    await door.gone()


async def come_and_go(door: Door, how: str, context: ssl.SSLContext | None, stranger: ssl.SSLContext) -> None:
    if how in ("closes", "breaks off", "is closed"):
        point = await door.connect(context)
        wire = await door.opened.get()
        if how == "closes":
            await point.close()
        elif how == "breaks off":
            point.transport.abort()
        else:
            closing = asyncio.create_task(wire.close(1000, "done"))
            await point.wait_closed()
            await closing
        await door.over.get()
        return
    said = {
        "has no suite in common": hello(stranger),
        "says nonsense in TLS": b"\x16\x03\x01\x00\x05hello",
        "asks for no WebSocket": OPENING.replace(b"GET", b"POST"),
        "has nonsense in its opening": OPENING.replace(b"Key: ", b"Key: \xff"),
        "leaves in its handshake": hello(stranger)[:50],
        "leaves in its opening": OPENING[:20],
    }[how]
    reader, writer = await door.raw()
    writer.write(said)
    if not how.startswith("leaves"):
        await reader.read()
    writer.transport.abort()
    await come_and_go(door, "closes", context, stranger)  # the one before it has been accepted by then


@pytest.mark.parametrize(
    "how",
    [
        *("closes", "breaks off", "is closed", "has no suite in common", "says nonsense in TLS"),
        *("asks for no WebSocket", "has nonsense in its opening", "leaves in its handshake", "leaves in its opening"),
    ],
)
@pytest.mark.parametrize("secure", [False, True])
async def test_who_is_gone_leaves_nothing_for_the_garbage_collector(
    door: Door, tmp_path: Path, how: str, secure: bool
) -> None:
    """It comes seldom: until then thousands who failed would take as much memory as if they had come in."""
    context = client_context(tmp_path) if secure else None
    stranger = client_context(tmp_path, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305", tls="1.2")
    await come_and_go(door, how, context, stranger)
    await door.gone()
    gc.collect()
    gc.disable()
    try:
        before = still_there()
        await come_and_go(door, how, context, stranger)
        await door.gone()
        left = still_there() - before
    finally:
        gc.enable()
    assert not left


def still_there() -> Counter[str]:
    kinds = Counter(map(type, gc.get_objects()))
    ours = (Arrival, Wire, TlsTransport, ServerProtocol, Place, Opening)
    return Counter({kind.__name__: count for kind, count in kinds.items() if issubclass(kind, ours)})
