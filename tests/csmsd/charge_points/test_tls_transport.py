"""TLS over memory, on real sockets and both loops: what passes, what fails and how it is told, and how it ends."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from csmsd.charge_points.tls_transport import TlsTransport
from tests.support.certificates import client, client_context, server, server_context
from tests.support.tls_door import OPENING, WITHIN_SECONDS, Door, alert, hello, shaken
from tests.support.websocket_frames import TEXT, masked

ON_BOTH_LOOPS = True
LONG = b"x" * 900_000


@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_texts_of_any_length_come_and_go(door: Door, tmp_path: Path, version: str) -> None:
    async with await door.connect(client_context(tmp_path, tls=version)) as point:
        wire = await door.opened.get()
        for text in (b"1", b"x" * 16_384, b"x" * 16_385, LONG):
            await point.send(text, text=True)
            assert await door.texts.get() == text
            wire.send(text)
            assert await point.recv(decode=False) == text
        for number in range(100):
            wire.send(b"%d" % number)
        assert [await point.recv(decode=False) for _ in range(100)] == [b"%d" % number for number in range(100)]
        await wire.ping(WITHIN_SECONDS)
    assert await door.over.get() is wire
    assert wire.closed_by_peer == 1000


async def test_what_follows_the_handshake_at_once_is_taken(door: Door, tmp_path: Path) -> None:
    reader, writer = await door.raw(client_context(tmp_path))
    writer.write(OPENING + masked(TEXT, b"early"))
    assert await door.texts.get() == b"early"
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    writer.close()


# --- what fails


@pytest.mark.parametrize(
    ("ciphers", "description", "reason"),
    [
        ("ECDHE-ECDSA-CHACHA20-POLY1305", 40, "it offers none that there is a certificate for"),
        ("ECDHE-RSA-AES128-GCM-SHA256", 40, "it offers none that there is a certificate for"),
    ],
)
async def test_a_suite_that_is_not_ours_is_answered_with_an_alert(
    door: Door, tmp_path: Path, ciphers: str, description: int, reason: str
) -> None:
    reader, writer = await door.raw()
    writer.write(hello(client_context(tmp_path, ciphers=ciphers, tls="1.2")))
    assert await alert(reader) == description
    writer.close()
    assert await door.refusal() == ("tls_suite", reason)


async def test_an_older_version_is_answered_with_alert_70(door: Door, tmp_path: Path) -> None:
    """A ClientHello of TLS 1.2 that names 1.1 in its place (W A00.FR.314)."""
    text = bytearray(hello(client_context(tmp_path, tls="1.2")))
    assert text[9:11] == b"\x03\x03"
    text[9:11] = b"\x03\x02"
    reader, writer = await door.raw()
    writer.write(bytes(text))
    assert await alert(reader) == 70
    writer.close()
    assert await door.refusal() == ("tls_version", "it offers no TLS 1.2 and none later")


async def test_one_that_does_not_trust_us_says_so(door: Door, tmp_path: Path) -> None:
    for version in ("1.2", "1.3"):
        reader, writer = await door.raw()
        with pytest.raises(ssl.SSLCertVerificationError):
            await shaken(reader, writer, client_context(tmp_path, trusts="other", tls=version))
        assert await door.refusal() == ("tls", "it refuses: unknown ca")
        writer.close()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_a_certificate_that_is_asked_for_must_be_good(door: Door, tmp_path: Path, version: str) -> None:
    for asked, shown, reason in (
        ("required", None, "it shows none"),
        (
            "optional",
            client("SN1", issuer="other"),
            "unable to get local issuer certificate",
        ),
        ("optional", client("SN1", days=-1), "certificate has expired"),
    ):
        door.context_in_use = server_context(tmp_path, client_certificate=asked)
        with pytest.raises((ssl.SSLError, ConnectionError)):  # noqa: PT012 - with 1.3 only what is read fails
            reader, writer = await door.raw(client_context(tmp_path, shown, tls=version))
            try:
                await reader.readexactly(1)
            finally:
                writer.close()
        assert await door.refusal() == ("tls_certificate", reason)
    for asked, shown in (("optional", None), ("optional", client("SN1")), ("required", client("SN1"))):
        door.context_in_use = server_context(tmp_path, client_certificate=asked)
        async with await door.connect(client_context(tmp_path, shown, tls=version)):
            transport = (await door.opened.get()).transport
            presented = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            assert presented == (shown.der if shown is not None else None)


@pytest.mark.parametrize("text", [b"\x16", b"\x16\x03\x01\x00\xff" + b"x" * 255, b"\x16GET / HTTP/1.1\r\n\r\n"])
async def test_what_is_no_tls_ends(door: Door, text: bytes) -> None:
    reader, writer = await door.raw()
    writer.write(text)
    writer.write_eof()
    async with asyncio.timeout(WITHIN_SECONDS):
        await reader.read()
    writer.close()
    assert (await door.refusal())[0] == "tls"


async def test_one_that_leaves_is_on_record_and_so_is_one_that_is_too_slow(door: Door, tmp_path: Path) -> None:
    reader, writer = await door.raw()
    writer.write(hello(client_context(tmp_path)))
    await reader.readexactly(1)
    writer.transport.abort()
    assert await door.refusal() == ("tls", "it left before the handshake was over")
    door.entrance.seconds = 0.2
    reader, writer = await door.raw()
    writer.write(b"\x16\x03\x01")
    assert await reader.read() == b""
    writer.close()
    assert await door.refusal() == ("tls", "the handshake was not over within 0.2 s")


# --- many at once


async def test_who_says_too_much_before_the_end_is_cut(door: Door, tmp_path: Path) -> None:
    reader, writer = await door.raw()
    writer.write(b"\x16\x03\x01\x40\x00" + b"x" * 300_000)
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    reason, detail = await door.refusal()
    assert reason == "tls", detail
    await door.gone()


# --- back-pressure, and the end


async def test_a_session_of_tls_1_2_that_is_resumed_shows_its_certificate_again(door: Door, tmp_path: Path) -> None:
    """By the number that OpenSSL keeps in memory, tickets or not. Admission looks at what is shown each time."""
    door.context_in_use = server_context(tmp_path, client_certificate="required")
    context = client_context(tmp_path, client("SN1"), tls="1.2")
    session: ssl.SSLSession | None = None
    for resumed in (False, True):
        reader, writer = await door.raw()
        tls, _, outgoing = await shaken(reader, writer, context, session)
        session = tls.session
        assert not tls.session_reused or resumed  # Python 3.13 has it begin anew, which is as good
        tls.write(OPENING)
        writer.write(outgoing.read())
        transport = (await asyncio.wait_for(door.opened.get(), WITHIN_SECONDS)).transport
        assert transport.get_extra_info("ssl_object").getpeercert(binary_form=True) == client("SN1").der
        writer.transport.abort()
        await asyncio.wait_for(door.over.get(), WITHIN_SECONDS)


async def test_one_that_is_held_is_not_read(door: Door, tmp_path: Path) -> None:
    async with await door.connect(client_context(tmp_path)) as point:
        wire = await door.opened.get()
        taken: list[bytes] = []

        def take(text: bytes) -> None:
            taken.append(text)
            wire.pause()
            door.texts.put_nowait(text)

        wire.take = take
        flood = asyncio.create_task(_flood(point, 64))  # more than all buffers hold
        await door.texts.get()
        async with await door.connect(client_context(tmp_path)) as other:
            await other.send("other")
            assert await door.texts.get() == b"other"
        assert (len(taken), flood.done()) == (1, False)
        wire.take = door.texts.put_nowait
        wire.resume()
        await flood
        for _ in range(63):
            await door.texts.get()


async def _flood(point: ClientConnection, times: int) -> None:
    for _ in range(times):
        await point.send(LONG, text=True)


async def test_what_is_not_read_piles_up_and_is_counted(door: Door, tmp_path: Path) -> None:
    reader, writer = await door.raw(client_context(tmp_path))
    writer.write(OPENING)
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    wire = await door.opened.get()
    assert wire.unread == 0
    wire.send(LONG)
    assert wire.unread == len(LONG) + 10, "before it is encrypted as well"
    for _ in range(20):
        wire.send(LONG)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert wire.unread > 2_000_000
    wire.abort()
    writer.close()


async def test_answers_of_one_pass_leave_in_one_write(door: Door, tmp_path: Path, monkeypatch: Any) -> None:
    async with await door.connect(client_context(tmp_path)) as point:
        wire = await door.opened.get()
        flushed: list[int] = []
        real = TlsTransport.flush

        def flush(self: TlsTransport) -> None:
            flushed.append(len(self._out))
            real(self)

        monkeypatch.setattr(TlsTransport, "flush", flush)
        for text in (b"1", b"2", b"3"):
            wire.send(text)
        assert [await point.recv() for _ in range(3)] == ["1", "2", "3"]
        assert flushed == [3]
        monkeypatch.undo()


async def test_both_ends_say_goodbye(door: Door, tmp_path: Path) -> None:
    """close_notify comes before the end: nobody can cut a connection short and have it look like its end."""
    for close in (True, False):
        reader, writer = await door.raw(client_context(tmp_path))
        writer.write(OPENING)
        await reader.readuntil(b"\r\n\r\n")
        wire = await door.opened.get()
        if close:
            closing = asyncio.create_task(wire.close(1001, "bye"))
            assert await reader.readexactly(7) == b"\x88\x05\x03\xe9bye"
            writer.write(masked(0x8, b"\x03\xe9"))
            assert await reader.read() == b""  # an end without close_notify is an error with asyncio's
            writer.close()
            await closing
        else:
            writer.transport.abort()
        assert await door.over.get() is wire


async def test_what_is_damaged_on_the_way_ends_the_connection(
    door: Door, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        reader, writer = await door.raw()
        tls, incoming, outgoing = await shaken(reader, writer, client_context(tmp_path))
        tls.write(OPENING)
        record = bytearray(outgoing.read())
        record[-1] ^= 1
        writer.write(bytes(record))
        async with asyncio.timeout(WITHIN_SECONDS):
            incoming.write(await reader.read())
        with pytest.raises(ssl.SSLError, match=r"(?i)bad[ _]record[ _]mac"):
            tls.read()
        writer.close()
        await door.gone()
    assert caplog.text.count("TLS breaks off") == 1, "one line a minute, however many do it"
    assert door.texts.empty()


async def test_a_new_context_counts_for_those_who_come_after_it(door: Door, tmp_path: Path) -> None:
    """And those who are there stay."""
    async with await door.connect(client_context(tmp_path)) as before:
        door.context_in_use = server_context(tmp_path, server(issuer="other"))
        async with await door.connect(client_context(tmp_path, trusts="other")):
            pass
        with pytest.raises(ssl.SSLCertVerificationError):
            await door.connect(client_context(tmp_path))
        await before.send("1")
        assert await door.texts.get() == b"1"
