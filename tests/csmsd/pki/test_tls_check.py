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

from csmsd.pki.contexts import Pair, TlsFiles, server_context
from csmsd.pki.scan import SUITES, WEAK
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


async def test_python_s_own_choice_lacks_suites_of_the_whitepaper(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
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
