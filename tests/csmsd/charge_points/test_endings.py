"""How connections end, on real sockets and both loops, plain and over TLS: a peer that is gone harms nobody."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from csmsd.charge_points import wire as wire_module
from csmsd.charge_points.wire import MOST_UNREAD, Closed, Wire
from tests.support.certificates import client_context
from tests.support.tls_door import OPENING, WITHIN_SECONDS, Door, shaken
from tests.support.websocket_frames import CONTINUED, PING, TEXT, masked

ON_BOTH_LOOPS = True
LONG = b"x" * 900_000
both_ways = pytest.mark.parametrize("way", ["plain", "tls"])


class Peer:
    """One whose socket is in the test's hands, with TLS or without."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        tls: ssl.SSLObject | None = None,
        out: ssl.MemoryBIO | None = None,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._tls = tls
        self._out = out

    @classmethod
    async def at(cls, door: Door, way: str, directory: Path) -> "Peer":
        reader, writer = await door.raw()
        if way == "plain":
            return cls(reader, writer)
        tls, _, out = await shaken(reader, writer, client_context(directory))
        return cls(reader, writer, tls, out)

    def say(self, text: bytes, *, last: bool = False) -> None:
        """In one piece, with close_notify behind it where it is the `last` of what it says in TLS, not of its TCP."""
        if self._tls is not None and self._out is not None:
            self._tls.write(text)
            if last:
                with suppress(ssl.SSLWantReadError):
                    self._tls.unwrap()
            text = self._out.read()
        self.writer.write(text)


async def until_deaf(wire: Wire) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while wire.is_open:  # noqa: ASYNC110 - nobody is told before the connection is over
            await asyncio.sleep(0.001)


@both_ways
async def test_what_is_sent_after_the_end_is_lost_and_who_reads_nothing_more_is_cut(
    door: Door, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its answers are still on their way when it has said its last: so the connection is not over at once."""
    monkeypatch.setattr(wire_module, "_CLOSE_SECONDS", 0.2)
    peer = await Peer.at(door, way, tmp_path)
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    peer.say(OPENING)
    wire = await door.opened.get()
    for _ in range(20):
        wire.send(LONG)
    await asyncio.sleep(0)
    assert wire.unread > 1_000_000
    peer.writer.write_eof()
    await until_deaf(wire)
    for _ in range(10):  # asyncio warns at the fifth
        wire.send(b"late")
    with pytest.raises(Closed):
        await wire.ping(WITHIN_SECONDS)
    async with asyncio.timeout(WITHIN_SECONDS):
        assert await door.over.get() is wire
    wire.send(b"later still")
    assert wire.unread == 0
    await wire.close(1001, "too late")
    peer.writer.close()
    assert caplog.text == ""


async def test_close_notify_is_an_end_though_its_socket_stays_open(door: Door, tmp_path: Path) -> None:
    peer = await Peer.at(door, "tls", tmp_path)
    peer.say(OPENING)
    wire = await door.opened.get()
    peer.say(masked(TEXT, b"1"), last=True)
    assert await door.texts.get() == b"1"
    async with asyncio.timeout(WITHIN_SECONDS):
        assert await door.over.get() is wire
    wire.send(b"late")
    peer.writer.close()


@both_ways
async def test_whatever_it_says_after_our_close_the_end_comes(
    door: Door, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire_module, "_CLOSE_SECONDS", 0.1)
    peer = await Peer.at(door, way, tmp_path)
    peer.say(OPENING)
    wire = await door.opened.get()
    closing = asyncio.create_task(wire.close(1008, "not registered any more"))
    async with asyncio.timeout(WITHIN_SECONDS):
        while not closing.done():
            peer.say(masked(PING, b"still there?"))
            await asyncio.sleep(0.01)
    peer.writer.close()


async def test_the_word_of_one_that_is_cut_goes_nowhere(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    async with await door.connect(None):
        wire = await door.opened.get()
        wire.abort()
        for _ in range(10):
            wire.send(b"late")
        assert await door.over.get() is wire
    assert caplog.text == ""


async def test_one_whose_end_nobody_can_take_is_gone_all_the_same(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    client = await door.connect(None)
    wire = await door.opened.get()

    def mistaken() -> None:
        raise RuntimeError("a mistake")

    wire.lost = mistaken
    await client.close()
    await door.gone()
    await wire.close(1001, "it is over")
    assert "a mistake" in caplog.text


async def test_one_that_says_goodbye_with_its_opening_is_let_in_nowhere(
    door: Door, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await Peer.at(door, "tls", tmp_path)
    peer.say(OPENING, last=True)
    await asyncio.wait_for(peer.reader.read(), WITHIN_SECONDS)
    await door.gone()
    peer.writer.close()
    assert door.opened.empty()
    assert caplog.text == ""


@both_ways
async def test_who_pings_and_reads_no_pong_is_cut(door: Door, way: str, tmp_path: Path) -> None:
    peer = await Peer.at(door, way, tmp_path)
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    peer.say(OPENING)
    wire = await door.opened.get()
    while wire.unread < MOST_UNREAD - 500_000:
        wire.send(bytes(100_000))
        await asyncio.sleep(0)
    pings, most = masked(PING, bytes(125)) * 500, 0
    with suppress(ConnectionError):
        for _ in range(100):
            if wire.does_not_read:
                break
            most = max(most, wire.unread)
            peer.say(pings)
            await peer.writer.drain()
            await asyncio.sleep(0)
    async with asyncio.timeout(WITHIN_SECONDS):
        assert await door.over.get() is wire
    assert wire.does_not_read
    assert most < MOST_UNREAD + 200_000
    peer.writer.close()


async def test_fragments_without_end_that_say_nothing_take_no_room(door: Door, tmp_path: Path) -> None:
    peer = await Peer.at(door, "plain", tmp_path)
    empty = masked(CONTINUED, b"", final=False)
    peer.say(OPENING + masked(TEXT, b"", final=False) + empty * 500 + masked(PING, b"there?"))
    await asyncio.wait_for(peer.reader.readuntil(b"there?"), WITHIN_SECONDS)
    wire = await door.opened.get()
    assert len(wire._fragments) == 1
    peer.say(masked(CONTINUED, b"1", final=False) + empty + masked(CONTINUED, b"2"))
    assert await door.texts.get() == b"12"
    peer.writer.close()
