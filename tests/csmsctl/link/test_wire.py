"""The WebSocket of what plays a charge point, against a server that does what a test wants."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from csmsctl.link.wire import SUBPROTOCOL, Closed, NotOpened, open_wire


@asynccontextmanager
async def server(handle: Callable[[ServerConnection], Awaitable[None]], **options: Any) -> AsyncIterator[str]:
    async with serve(handle, "127.0.0.1", 0, **options) as listening:
        host, port = next(iter(listening.sockets)).getsockname()[:2]
        yield f"ws://{host}:{port}/SIM-1"


async def echo(websocket: ServerConnection) -> None:
    async for text in websocket:
        await websocket.send(f"{type(text).__name__} {text!r}")


async def test_texts_go_and_come() -> None:
    async with server(echo, subprotocols=[SUBPROTOCOL]) as url:
        wire = await open_wire(url)
        assert wire.subprotocol == "ocpp1.6"
        coming = aiter(wire)
        await wire.send("one")
        assert await anext(coming) == "str 'one'"
        await wire.send(b"bytes that are text")  # J 4.1: never a binary frame
        assert await anext(coming) == "str 'bytes that are text'"
        await wire.close()


async def test_a_server_that_speaks_nothing_of_ours_is_told_by_its_subprotocol() -> None:
    async with server(echo) as url:
        wire = await open_wire(url)
        assert wire.subprotocol is None
        await wire.close()


async def test_what_it_says_of_itself() -> None:
    told: list[tuple[str | None, str | None]] = []

    async def look(websocket: ServerConnection) -> None:
        assert websocket.request is not None
        headers = websocket.request.headers
        told.append((headers.get("Authorization"), headers.get("Sec-WebSocket-Extensions")))
        await echo(websocket)

    async with server(look, subprotocols=[SUBPROTOCOL]) as url:
        wire = await open_wire(url, headers={"Authorization": "Basic eDp5"})
        await wire.send("there")
        await anext(aiter(wire))
        await wire.close()
    assert told == [("Basic eDp5", None)]  # J 5.1: no compression


async def test_when_the_other_end_closes_it_nothing_more_comes_and_sending_says_so() -> None:
    async def bye(websocket: ServerConnection) -> None:
        await websocket.send("bye")

    async with server(bye, subprotocols=[SUBPROTOCOL]) as url:
        wire = await open_wire(url)
        assert [text async for text in wire] == ["bye"]
        with pytest.raises(Closed):
            await wire.send("still there?")


async def test_a_connection_that_is_lost_is_an_end_like_another() -> None:
    async def fall(websocket: ServerConnection) -> None:
        websocket.transport.abort()

    async with server(fall, subprotocols=[SUBPROTOCOL]) as url:
        wire = await open_wire(url)
        assert [text async for text in wire] == []


async def test_abort_says_nothing() -> None:
    async with server(echo, subprotocols=[SUBPROTOCOL]) as url:
        wire = await open_wire(url)
        wire.abort()
        assert [text async for text in wire] == []
        with pytest.raises(Closed) as closed:
            await wire.send("one")
        assert closed.value.rcvd is None


async def test_why_it_was_not_opened() -> None:
    def refuse(websocket: ServerConnection, _: Request) -> Response:
        return websocket.respond(HTTPStatus.UNAUTHORIZED, "no")

    async with server(echo, process_request=refuse) as url:
        with pytest.raises(NotOpened, match=r"^HTTP 401 Unauthorized$"):
            await open_wire(url)
    with pytest.raises(NotOpened, match="Connect call failed"):
        await open_wire(url)
