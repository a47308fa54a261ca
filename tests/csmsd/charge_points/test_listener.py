"""Who is let in, at the edges of the handshake, and what watches over those who are in."""

import asyncio
import base64

from tests.support.site import Site
from tests.support.wire import WAIT

KEY = "0123456789abcdef"
HANDSHAKE = (
    "GET /ocpp/{identity} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n{more}\r\n"
)


async def status(listen: str, identity: str, *headers: str) -> int:
    """The HTTP status with which a handshake of these headers is answered."""
    host, _, port = listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    more = "".join(f"{header}\r\n" for header in headers)
    writer.write(HANDSHAKE.format(identity=identity, more=more).encode())
    line = await asyncio.wait_for(reader.readline(), WAIT)
    writer.close()
    return int(line.split()[1])


def authorization(user: str, key: str, *, scheme: str = "Basic") -> str:
    return f"Authorization: {scheme} {base64.b64encode(f'{user}:{key}'.encode()).decode()}"


async def test_of_two_keys_none_is_believed(shared_site: Site) -> None:
    await shared_site.register("TWICE", password=KEY)
    right, wrong = authorization("TWICE", KEY), authorization("TWICE", "wrong" * 4)
    assert await status(shared_site.listen, "TWICE", right) == 101
    for headers in ((right, wrong), (wrong, right), (right, right)):
        assert await status(shared_site.listen, "TWICE", *headers) == 401


async def test_how_a_key_may_be_written(shared_site: Site) -> None:
    """The scheme in any case (RFC 7235), the identity as well; the key to the letter, colons included."""
    key = "a:key:with:colons"
    await shared_site.register("COLON", password=key)
    encoded = base64.b64encode(f"COLON:{key}".encode()).decode()
    for header, answer in (
        (authorization("COLON", key, scheme="basic"), 101),
        (authorization("colon", key), 101),
        (authorization("COLON", key.upper()), 401),
        (authorization("COLON", key + " "), 401),
        (f"Authorization: Basic   {encoded} ", 101),
        (f"Authorization: Basic{encoded}", 401),
        (f"Authorization: Basic {encoded}!", 401),
        (f"Authorization: Basic {base64.b64encode(b'COLON').decode()}", 401),
        ("Authorization: Basic", 401),
    ):
        assert await status(shared_site.listen, "COLON", header) == answer, header


async def test_security_profile_0_asks_for_no_key_and_takes_any(shared_site: Site) -> None:
    await shared_site.register("OPEN")
    assert await status(shared_site.listen, "OPEN") == 101
    assert await status(shared_site.listen, "OPEN", authorization("OTHER", "whatever")) == 101
