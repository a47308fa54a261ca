"""Who does not answer as a server of TLS would."""

import asyncio
import socket

import pytest

from csmsd.pki.scan import SUITES, TLS_1_2, NotTls, ask, client_hello


async def test_who_is_not_there_or_says_nothing() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(NotTls, match="refused"):
            await ask("127.0.0.1", bound.getsockname()[1], [*SUITES])
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(NotTls, match=r"no answer within 0\.1 s"):
            await ask("127.0.0.1", silent.getsockname()[1], [*SUITES], timeout=0.1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00",
        b"\x17\x03\x03\x00\x01x",
        b"\x16\x03\x03\xff\xff",
    ],
)
async def test_what_is_broken_is_no_tls(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)  # what is left unread makes a reset of the end
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        with pytest.raises(NotTls):
            await ask("127.0.0.1", server.sockets[0].getsockname()[1], [*SUITES])


def test_an_address_is_no_name_that_a_server_is_told() -> None:
    assert b"csms.local" in client_hello([*SUITES], TLS_1_2, "csms.local")
    assert b"192.168.1.10" not in client_hello([*SUITES], TLS_1_2, "192.168.1.10")


async def test_one_that_hangs_up_refuses() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        offer = await ask("127.0.0.1", server.sockets[0].getsockname()[1], [*SUITES])
    assert offer.refusal == "it closed the connection without a word"
