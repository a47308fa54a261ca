"""What a server offers over TLS, asked one suite at a time: as charge points would that know no other.

Nothing of this needs a TLS library: a ClientHello is written, and what comes is read up to the certificate, which TLS
1.2 sends in the clear. So also what OpenSSL here would not speak any more is found.
"""

import asyncio
import contextlib
import os
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple

TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0301, 0x0302, 0x0303, 0x0304
VERSIONS = {TLS_1_0: "TLS 1.0", TLS_1_1: "TLS 1.1", TLS_1_2: "TLS 1.2", TLS_1_3: "TLS 1.3"}

# Whitepaper 2.5, and the two of RSA with forward secrecy, by their numbers (IANA).
SUITES = {
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
}
# What nobody should offer (A00.FR.319, 423): without encryption, RC4, DES, 3DES, anonymous, CBC.
WEAK = {
    0x0001: "TLS_RSA_WITH_NULL_MD5",
    0x0002: "TLS_RSA_WITH_NULL_SHA",
    0x0004: "TLS_RSA_WITH_RC4_128_MD5",
    0x0005: "TLS_RSA_WITH_RC4_128_SHA",
    0x0009: "TLS_RSA_WITH_DES_CBC_SHA",
    0x000A: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    0x0018: "TLS_DH_anon_WITH_RC4_128_MD5",
    0x0034: "TLS_DH_anon_WITH_AES_128_CBC_SHA",
    0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
    0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
    0x003C: "TLS_RSA_WITH_AES_128_CBC_SHA256",
    0xC007: "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    0xC011: "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    0xC012: "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
}
_TLS_1_3_SUITES = (0x1301, 0x1302, 0x1303)

_ALERT, _HANDSHAKE = 21, 22
_SERVER_HELLO, _CERTIFICATE = 2, 11
_ALERTS = {
    40: "handshake_failure",
    47: "illegal_parameter",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    112: "unrecognized_name",
}
_MOST_BYTES = 256 * 1024


class Offer(NamedTuple):
    """What a server chose, and the certificates that it showed (DER, leaf first); or why it chose nothing."""

    version: int | None = None
    suite: int | None = None
    certificates: tuple[bytes, ...] = ()
    refusal: str | None = None


class NotTls(Exception):
    """There is nobody, or nobody who speaks TLS; the text says what came."""


async def ask(
    host: str,
    port: int,
    suites: Sequence[int],
    version: int = TLS_1_2,
    *,
    timeout: float = 5.0,
    name: str | None = None,
) -> Offer:
    """What a server chooses among the suites, in that version or an older one. `name` is the one that it is told (SNI).

    Raises NotTls.
    """
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(client_hello(suites, version, name or host))
                return await _read_offer(reader, version)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        raise NotTls(f"no answer within {timeout:g} s") from None
    except OSError as error:
        number = error.errno or 0  # of a name that is not found it is negative
        raise NotTls(os.strerror(number) if number > 0 else error.strerror or str(error)) from None
    except (IndexError, ValueError):
        raise NotTls("what comes is no TLS") from None


async def ask_context(context: ssl.SSLContext, suites: Sequence[int], version: int = TLS_1_2, *, name: str) -> Offer:
    """The same of a context of ours, without a connection."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(client_hello(suites, version, name))
    with contextlib.suppress(ssl.SSLError):  # it waits for more, or has written its alert
        server.do_handshake()
    answer = asyncio.StreamReader()
    answer.feed_data(outgoing.read())
    answer.feed_eof()
    return await _read_offer(answer, version)


def client_hello(suites: Sequence[int], version: int, name: str) -> bytes:
    """The record in which a client begins (RFC 5246, 7.4.1.2; RFC 8446, 4.1.2)."""
    modern = version >= TLS_1_3
    chosen = _TLS_1_3_SUITES if modern else suites
    extensions = b"".join(
        (
            _server_name(name),
            _extension(0x000A, _list(b"".join(_two(group) for group in (0x001D, 0x0017, 0x0018, 0x0019)))),
            _extension(0x000B, b"\x01\x00"),
            _extension(0x000D, _list(b"".join(_two(one) for one in _SIGNATURES))) if version >= TLS_1_2 else b"",
            _extension(0xFF01, b"\x00"),
            # No key is offered: the server asks for one, in a hello of its own (HelloRetryRequest).
            _extension(0x002B, b"\x02" + _two(TLS_1_3)) + _extension(0x0033, _two(0)) if modern else b"",
        )
    )
    body = (
        _two(min(version, TLS_1_2))
        + os.urandom(32)
        + b"\x00"
        + _list(b"".join(_two(suite) for suite in chosen))
        + b"\x01\x00"
        + _list(extensions)
    )
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return bytes([_HANDSHAKE]) + _two(TLS_1_0) + _list(handshake)


_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0201, 0x0203)


def _server_name(name: str) -> bytes:
    """An address is none (RFC 6066, 3)."""
    with contextlib.suppress(ValueError):
        ip_address(name)
        return b""
    return _extension(0x0000, _list(b"\x00" + _list(name.encode("idna"))))


def _extension(kind: int, content: bytes) -> bytes:
    return _two(kind) + _list(content)


def _list(content: bytes) -> bytes:
    return _two(len(content)) + content


def _two(number: int) -> bytes:
    return number.to_bytes(2, "big")


async def _read_offer(reader: asyncio.StreamReader, asked: int) -> Offer:
    """Up to the certificate, or to the hello where that is all there is in the clear. Raises ValueError."""
    handshake = b""
    hello: Offer | None = None
    seen = 0
    while seen < _MOST_BYTES:
        header = await reader.read(5)
        if not header and hello is None:
            return Offer(refusal="it closed the connection without a word")
        try:
            header += await reader.readexactly(5 - len(header))
            content = await reader.readexactly(int.from_bytes(header[3:5], "big"))
        except asyncio.IncompleteReadError:
            raise ValueError from None
        seen += 5 + len(content)
        if header[0] == _ALERT:
            return Offer(refusal=f"alert {_ALERTS.get(content[1], content[1])}")
        if header[0] != _HANDSHAKE or header[1] != 3:
            raise ValueError
        handshake += content
        while len(handshake) >= 4 and len(handshake) >= 4 + int.from_bytes(handshake[1:4], "big"):
            end = 4 + int.from_bytes(handshake[1:4], "big")
            kind, body, handshake = handshake[0], handshake[4:end], handshake[end:]
            if kind == _SERVER_HELLO:
                hello = _server_hello(body)
                if hello.version == TLS_1_3 or asked == TLS_1_3:
                    return hello
            elif kind == _CERTIFICATE and hello is not None:
                return hello._replace(certificates=tuple(_certificates(body)))
            else:
                # With an anonymous suite there is no certificate.
                return hello or Offer(refusal="it did not begin with a hello")
    raise ValueError


def _server_hello(body: bytes) -> Offer:
    version = int.from_bytes(body[:2], "big")
    after = 35 + body[34]
    suite = int.from_bytes(body[after : after + 2], "big")
    extensions = body[after + 5 :]
    while len(extensions) >= 4:
        kind, length = int.from_bytes(extensions[:2], "big"), int.from_bytes(extensions[2:4], "big")
        if kind == 0x002B:
            version = int.from_bytes(extensions[4:6], "big")
        extensions = extensions[4 + length :]
    return Offer(version, suite)


def _certificates(body: bytes) -> list[bytes]:
    found: list[bytes] = []
    rest = body[3 : 3 + int.from_bytes(body[:3], "big")]
    while rest:
        length = int.from_bytes(rest[:3], "big")
        found.append(rest[3 : 3 + length])
        if not length or len(found[-1]) != length:
            raise ValueError
        rest = rest[3 + length :]
    return found
