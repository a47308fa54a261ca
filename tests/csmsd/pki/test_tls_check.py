"""`tls check`, against servers of OpenSSL that offer this or that."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from csmsd.pki.contexts import Pair, TlsFiles, server_context
from csmsd.pki.scan import SUITES, WEAK, NotTls
from csmsd.pki.tls_check import check_context, check_server
from tests.csmsd.pki.issuing import authority, distinguished, issue, rsa_key

NOW = datetime.now(UTC)
CA = authority("Root", key=rsa_key())
NAMES = [x509.DNSName("csms.local")]
RSA = issue(distinguished("csms.local"), CA, key=rsa_key(), names=NAMES)
ECDSA = issue(distinguished("csms.local"), CA, names=NAMES)


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def offered(checked: dict[str, Any]) -> list[str]:
    return [one["suite"] for one in checked["suites"] if one["offered"]]


async def test_what_csmsd_offers(tmp_path: Path) -> None:
    pairs = [Pair(*RSA.written(tmp_path, "rsa")), Pair(*ECDSA.written(tmp_path, "ec"))]
    async with serving(server_context(TlsFiles(pairs))) as port:
        checked = await check_server("127.0.0.1", port, ["csms.local"], NOW)
    assert checked["address"] == f"127.0.0.1:{port}"
    assert await check_context(server_context(TlsFiles(pairs)), ["csms.local"], NOW) == {**checked, "address": None}
    assert offered(checked) == list(SUITES.values())
    assert [(one["version"], one["offered"]) for one in checked["versions"]] == [
        ("TLS 1.3", True),
        ("TLS 1.2", True),
        ("TLS 1.1", False),
        ("TLS 1.0", False),
    ]
    assert {one["kind"]: one["fingerprint"] for one in checked["certificates"]} == {
        "RSA": RSA.certificate.fingerprint(hashes.SHA256()).hex(),
        "ECDSA": ECDSA.certificate.fingerprint(hashes.SHA256()).hex(),
    }
    assert [one["certificate"] for one in checked["suites"]] == ["ECDSA secp256r1"] * 2 + ["RSA 2048"] * 4
    assert {one["text"] for one in checked["findings"]} == {
        "RSA: it has no authority key identifier",
        "ECDSA: it has no authority key identifier",
    }


async def test_modern_suites_alone_lack_some_of_the_whitepaper(tmp_path: Path) -> None:
    """What Python chooses itself, unless a distribution has it choose otherwise."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_ciphers("ECDHE+AESGCM")
    context.load_cert_chain(*RSA.written(tmp_path, "rsa"))
    async with serving(context) as port:
        checked = await check_server("127.0.0.1", port, ["csms.local"], NOW)
    missing = {text for one in checked["findings"] if "is not offered" in (text := one["text"])}
    assert missing == {f"{name} is not offered" for name in SUITES.values() if not name.startswith("TLS_ECDHE_RSA")}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_what_is_old_and_weak_is_found(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("AES128-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*RSA.written(tmp_path, "rsa"))
    async with serving(context) as port:
        checked = await check_server("127.0.0.1", port, [], NOW)
    texts = {one["text"] for one in checked["findings"]}
    assert {"TLS 1.0 is offered", "TLS 1.1 is offered"} <= texts
    assert any(name in text for text in texts for name in WEAK.values())
    assert "none of the suites of the whitepaper is offered with TLS 1.2" in texts
    assert offered(checked) == []


async def test_another_name_than_the_certificate_s(tmp_path: Path) -> None:
    async with serving(server_context(TlsFiles([Pair(*ECDSA.written(tmp_path, "ec"))]))) as port:
        checked = await check_server("127.0.0.1", port, ["other.local"], NOW)
    assert {"severity": "refused", "who": "every client", "text": "ECDSA: it is not for other.local"} in checked[
        "findings"
    ]


EC_KEY = bytes.fromhex("06072a8648ce3d0201")  # id-ecPublicKey
ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
NAMES_EXTENSION = bytes.fromhex("0603551d11")  # subjectAltName


@pytest.mark.parametrize("oid", [EC_KEY, ECDSA_SHA256, NAMES_EXTENSION, b"csms.local"])
async def test_a_hostile_server_s_certificate_is_told_of_or_cannot_be_read(oid: bytes) -> None:
    """Whatever stands in it, it is no fault of ours."""
    der = ECDSA.certificate.public_bytes(Encoding.DER)
    for byte in range(len(oid)):
        for value in (0x00, 0x7F, 0xFF):
            damaged = der.replace(oid, oid[:byte] + bytes([value]) + oid[byte + 1 :])
            async with pretending(damaged) as port:
                try:
                    checked = await check_server("127.0.0.1", port, [], NOW)
                    outcome = [str(one["kind"]) for one in checked["certificates"]]
                except NotTls as refused:
                    outcome = [str(refused)]
            assert outcome == ["ECDSA"] or "its certificate cannot be read" in outcome[0]


@asynccontextmanager
async def pretending(certificate: bytes) -> AsyncIterator[int]:
    """A server that takes ECDSA's first suite and shows that certificate."""

    def handshake(kind: int, body: bytes) -> bytes:
        message = bytes([kind]) + len(body).to_bytes(3, "big") + body
        return b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message

    one = len(certificate).to_bytes(3, "big") + certificate
    hello = handshake(2, b"\x03\x03" + bytes(33) + b"\xc0\x2b\x00")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(65536)
        # The suites come first after the random number and the id of the session, and no others are asked for.
        if b"\xc0\x2b" in asked[44:]:
            writer.write(hello + handshake(11, len(one).to_bytes(3, "big") + one))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
