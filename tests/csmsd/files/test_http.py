"""The HTTP host of a real csmsd: what is there for nobody, and how many may come."""

import asyncio
import socket
from asyncio import to_thread
from contextlib import closing
from http.client import BadStatusLine, HTTPConnection
from time import monotonic
from urllib.parse import urlsplit

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import (
    FIRMWARE,
    add_firmware,
    diagnose,
    hosting,
    http,
    http_base,
    update,
)
from tests.support.site import Site

NOWHERE = [
    ("GET", "/"),
    ("GET", "/token-x/acme-2.1.bin"),
    ("GET", "/token-/acme-2.1.bin"),
    ("GET", "/../csms.db"),
    ("GET", "/token-x/../../../../etc/passwd"),
    ("GET", "/%2e%2e/%2e%2e/etc/passwd"),
    ("GET", "//etc/passwd"),
    ("PUT", "/token-x/file"),
    ("DELETE", "/token-x/file"),
    ("GET", "/" + "a" * 5000),
]


async def test_nothing_else_is_there(hosts: Site) -> None:
    await add_firmware(hosts)
    point = await hosts.raw("CP1")
    down = await update(hosts, point, retries=1)
    up = await diagnose(hosts, point)
    parts = urlsplit(down)

    def ask(method: str, path: str) -> tuple[int, bytes]:
        with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
            connection.putrequest(method, path)
            connection.endheaders()
            response = connection.getresponse()
            return response.status, response.read()

    for method, path in NOWHERE:
        assert (await to_thread(ask, method, path))[0] == 404, path
    for text in (b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with socket.create_connection((parts.hostname, parts.port or 0), 10) as connection:
            connection.sendall(text)
            answer = await to_thread(connection.recv, 1000)
            assert b" 400 " in answer.split(b"\r\n")[0]
    base = parts.path.rpartition("/")[0]
    _, body = await to_thread(ask, "GET", f"{base}/../../../../etc/passwd")
    assert b"root" not in body
    for method, url, allowed in (("PUT", down, "GET, HEAD"), ("GET", up, "PUT, POST"), ("DELETE", up, "PUT, POST")):
        response, _ = await to_thread(http, method, url)
        assert (response.status, response.headers["Allow"]) == (405, allowed)


async def test_an_address_has_its_share_and_no_more(make_site: MakeSite) -> None:
    site = await make_site(hosting(max_transfers_per_address=2))
    await add_firmware(site)
    point = await site.raw("CP1")
    url = await update(site, point)
    up, parts = urlsplit(await diagnose(site, point)), urlsplit(url)

    uploading = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(2)]
    for reader, writer in uploading:
        begun = f"PUT {up.path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        writer.write(begun.encode())
        assert b" 100 " in await asyncio.wait_for(reader.readline(), 10)
    with pytest.raises((ConnectionError, BadStatusLine)):
        await to_thread(http, "GET", url)
    with closing(HTTPConnection(parts.hostname or "", parts.port, 10, source_address=("127.0.0.2", 0))) as other:
        other.request("GET", parts.path)
        response = await to_thread(other.getresponse)
        assert (response.status, await to_thread(response.read)) == (200, FIRMWARE)
    for _, writer in uploading:
        writer.close()
        await writer.wait_closed()


@pytest.mark.slow
async def test_who_knows_no_token_gets_one_answer_and_little_time(impatient: Site) -> None:
    parts = urlsplit(await http_base(impatient))
    await add_firmware(impatient)
    known = urlsplit(await update(impatient, await impatient.raw("CP1")))

    async def told(*paths: str) -> tuple[bytes, float]:
        """What comes until csmsd closes the connection, and when it does."""
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        begun = monotonic()
        for path in paths:
            writer.write(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answers = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return answers, monotonic() - begun

    (nothing, late), (once, soon), (known_twice, later) = await asyncio.gather(
        told(), told("/token-x/a", "/token-x/b"), told(known.path, known.path)
    )
    assert (nothing, once.count(b"404 Not Found"), known_twice.count(b"200 OK")) == (b"", 1, 2)
    assert soon < 5 < late < 15
    assert 5 < later < 15


async def test_one_that_asks_for_nothing_gives_way(hosts: Site) -> None:
    base = await http_base(hosts)
    parts = urlsplit(base)
    opened = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(8)]

    assert (await to_thread(http, "GET", base + "/x"))[0].status == 404
    # Of the eight that there may be in all, those of one address that ask for nothing have half.
    for oldest, _ in opened[:5]:
        assert await asyncio.wait_for(oldest.read(), 10) == b""
    for _, writer in opened[5:]:
        writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for reader, _ in opened[5:]:
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 404 ")
    for _, writer in opened:
        writer.close()
