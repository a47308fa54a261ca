"""A site that comes back: charge points that all connect over TLS at once, as a process of its own.

`python -m tests.bench.tls_storm HOST PORT NUMBER KEY CA`; it says when all are let in, and holds them until standard
input ends.
"""

import asyncio
import ssl
import sys

from tests.bench.messages import IDENTITY
from tests.support.plain_websocket import handshake

_PATIENCE_SECONDS = 120


async def opened(listen: str, number: int, key: str, context: ssl.SSLContext | None) -> asyncio.StreamWriter:
    """A charge point that is let in."""
    host, _, port = listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context, limit=1024)
    writer.write(handshake(IDENTITY.format(number), key))
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE_SECONDS)
    assert b" 101 " in answer, answer
    return writer


async def _come(host: str, port: str, number: str, key: str, ca: str) -> None:
    context = ssl.create_default_context(cafile=ca)
    listen = f"{host}:{port}"
    writers = await asyncio.gather(*(opened(listen, one, key, context) for one in range(int(number))))
    print("all are let in", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for writer in writers:
        writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(_come(*sys.argv[1:]))
