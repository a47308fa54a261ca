"""What a connection is, its first byte tells: TLS, or a WebSocket that is plain, on one port (W A05).

OCPP 1.6 cannot tell a charge point another URL, and many keep host and port when their security profile is raised: with
a port for each they could not come back.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from csmsd.charge_points.handshakes import Handshakes
from csmsd.charge_points.tls_transport import TlsTransport
from csmsd.charge_points.wire import Wire
from csmsd.profiles.core.refused_connections import Reason
from csmsd.runtime.gate import Place
from csmsd.settings.sections import ListenerAt

log = logging.getLogger(__name__)

_TLS_HANDSHAKE = 0x16  # the type of the record in which a ClientHello comes (RFC 8446, 5.1)
_HANDSHAKE_FAILURE = b"\x15\x03\x01\x00\x02\x02\x28"  # a fatal alert, where there is no TLS that would make one
_PLAIN_HERE = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: 26\r\n\r\nThis port takes TLS only.\n"
)

NO_TLS = "no TLS is set up for this listener: a certificate, or the CA of those that it wants"
PLAIN_ONLY = "this listener takes no TLS"


class Contexts(Protocol):
    """The TLS contexts that are in use: others after a reload."""

    def context(self, client_certificate: str) -> ssl.SSLContext | None:
        """None while there is no TLS."""
        ...


class Entrance:
    """A listener for charge points, as those who come through it know it.

    `refused` is told of those who come no further: address, reason and detail.
    """

    def __init__(
        self,
        kind: ListenerAt,
        contexts: Contexts,
        handshakes: Handshakes,
        seconds: float,
        make: Callable[[Place, float], Wire],
        refused: Callable[[str, Reason, str | None], None],
    ) -> None:
        self.kind = kind
        self.contexts = contexts
        self.handshakes = handshakes
        self.seconds = seconds  # from accept to the end of the opening, whatever is in between
        self.make = make
        self.refused = refused


class Arrival(asyncio.Protocol):
    """A connection of which nothing has come yet, or whose TLS does not stand yet."""

    __slots__ = ("_deadline", "_entrance", "_over", "_place", "_tls", "_transport", "_until")

    def __init__(self, entrance: Entrance, place: Place) -> None:
        loop = asyncio.get_running_loop()
        self._entrance = entrance
        self._place = place
        self._transport: asyncio.Transport
        self._tls: TlsTransport | None = None
        self._over = False  # nothing that comes is looked at
        self._until = loop.time() + entrance.seconds
        self._deadline = loop.call_at(self._until, self._too_slow)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._place.made(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        kind = self._entrance.kind.transport
        if data[0] == _TLS_HANDSHAKE:
            context = None
            if kind != "plain":
                context = self._entrance.contexts.context(self._entrance.kind.client_certificate)
            if context is not None:
                self._begin_tls(context, data)
                return
            self._entrance.refused(self._address, "tls", PLAIN_ONLY if kind == "plain" else NO_TLS)
            self._refuse(_HANDSHAKE_FAILURE)
        elif kind == "tls":
            self._entrance.refused(self._address, "plain", None)
            self._refuse(_PLAIN_HERE)
        else:
            self._deadline.cancel()
            wire = self._entrance.make(self._place, self._until)
            self._transport.set_protocol(wire)
            wire.connection_made(self._transport)
            wire.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        self._tls = None  # they know each other, and would stay until the collector comes
        self._place.gone()

    def _begin_tls(self, context: ssl.SSLContext, data: bytes) -> None:
        def opened(transport: TlsTransport) -> Wire:
            self._deadline.cancel()
            self._tls = None
            return self._entrance.make(self._place, self._until)

        address = self._address
        tls = TlsTransport(
            self._transport,
            context,
            self._entrance.handshakes,
            self._place.origin,
            opened,
            lambda failure: self._entrance.refused(address, failure.kind, failure.text),
        )
        tls.gone = lambda: self.connection_lost(None)
        self._tls = tls
        self._transport.set_protocol(tls)
        tls.data_received(data)

    def _refuse(self, word: bytes) -> None:
        self._over = True
        self._transport.write(word)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(1.0, self._transport.abort)

    def _too_slow(self) -> None:
        if self._tls is not None:
            self._tls.give_up(f"the handshake was not over within {self._entrance.seconds:g} s")
        else:
            self._transport.abort()

    @property
    def _address(self) -> str:
        peer = self._transport.get_extra_info("peername")
        return str(peer[0]) if peer else "unknown"
