"""The WebSocket of what plays a charge point: the one shell around the library. What is said on it, others decide."""

import ssl
from collections.abc import AsyncIterator, Mapping

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

SUBPROTOCOL = Subprotocol("ocpp1.6")
_CLOSE_SECONDS = 2.0

Closed = ConnectionClosed  # what `Wire.send` raises when it is over


class NotOpened(Exception):
    """Why the Central System opened no WebSocket."""


class Wire:
    """An open WebSocket. Iterating brings what comes, text or bytes, until it is over; sending then raises Closed."""

    __slots__ = ("_websocket",)

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket

    @property
    def subprotocol(self) -> str | None:
        """That which was agreed on (J 3.2)."""
        return self._websocket.subprotocol

    @property
    def certificate(self) -> bytes:
        """That of the Central System, in DER. Only over TLS."""
        shown: bytes = self._websocket.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return shown

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            async for text in self._websocket:
                yield text
        except Closed:
            return

    async def send(self, text: str | bytes) -> None:
        await self._websocket.send(text, text=True)

    async def close(self) -> None:
        """The closing handshake."""
        await self._websocket.close()

    def abort(self) -> None:
        """Without a word."""
        self._websocket.transport.abort()


async def open_wire(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    tls: "ssl.SSLContext | None" = None,
    seconds_to_open: float = 10.0,
    ping_interval: float | None = None,
) -> Wire:
    """Connects and offers ocpp1.6; pings every so many seconds. `tls` is what wss:// goes by.

    Raises NotOpened, whose text says why.
    """
    try:
        websocket = await connect(
            url,
            subprotocols=[SUBPROTOCOL],
            compression=None,  # J 5.1
            proxy=None,
            additional_headers=headers,
            ssl=tls,
            open_timeout=seconds_to_open,
            ping_interval=ping_interval,
            close_timeout=_CLOSE_SECONDS,
            max_size=None,
        )
    except InvalidStatus as error:
        raise NotOpened(f"HTTP {error.response.status_code} {error.response.reason_phrase}") from None
    except (OSError, TimeoutError, WebSocketException) as error:
        raise NotOpened(str(error) or type(error).__name__) from None
    return Wire(websocket)
