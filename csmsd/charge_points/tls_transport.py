"""TLS between a socket and the WebSocket on it (W A00.FR.311, A00.FR.411), over memory: for asyncio and uvloop.

Those of both loops tell nobody why a handshake fails, the peer included, hold up to 256 KiB for each connection, and
stand still for a second when a site comes back: here handshakes have a share of each pass of the loop.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from csmsd.charge_points.handshakes import Handshakes
from csmsd.profiles.core.refused_connections import Reason

# What is decrypted or encrypted at once: memory that a BIO has grown to is never given back.
_RECORD = 16_384
_MOST_BEFORE_THE_END = 65_536  # bytes that wait for their step of a handshake
_MOST_UNREAD = 2 * 1024 * 1024  # bytes, when records come that are answered with records
_LAST_WORD_SECONDS = 1.0  # in which a peer may take the alert that tells what was wrong

_HANDSHAKE, _OPEN, _CLOSING = range(3)


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """A protocol to the transport below, and a transport to the protocol above, which is made when TLS stands.

    `opened` is called then, and gives that protocol; or `failed`, with the reason why there is none. Once it has
    failed, `gone` tells when the connection is over.
    """

    __slots__ = (
        "_busy",
        "_failed",
        "_handshakes",
        "_incoming",
        "_opened",
        "_out",
        "_outgoing",
        "_protocol",
        "_raw",
        "_ssl",
        "_state",
        "gone",
        "origin",
    )

    def __init__(
        self,
        raw: asyncio.Transport,
        context: ssl.SSLContext,
        handshakes: Handshakes,
        origin: str,
        opened: Callable[["TlsTransport"], asyncio.Protocol],
        failed: Callable[["Failure"], None],
    ) -> None:
        super().__init__()
        self.origin = origin
        self.gone: Callable[[], None] = lambda: None
        self._raw = raw
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl: ssl.SSLObject | None = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._handshakes = handshakes
        self._opened = opened
        self._failed = failed
        self._protocol: asyncio.Protocol | None = None
        self._state = _HANDSHAKE
        self._out: list[bytes] = []
        self._busy = False  # what is written leaves when what came is taken
        handshakes.begin(self)

    # --- the handshake

    def step(self) -> None:
        """One flight of the handshake."""
        if self._state != _HANDSHAKE or self._ssl is None:
            return
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
        except ssl.SSLError as error:
            self._fail(failure_of(error))
        else:
            self._stand()

    def _stand(self) -> None:
        self._handshakes.over(self)
        self._handshakes.counts["done"] += 1
        self._state = _OPEN
        self._send()
        self._protocol = self._opened(self)
        self._protocol.connection_made(self)
        if self._incoming.pending and self._state == _OPEN:
            self._take(b"")

    def _fail(self, reason: "Failure") -> None:
        """The peer is told with an alert, where TLS has one for it; then it may go."""
        self._handshakes.over(self)
        self._handshakes.counts["failed"] += 1
        self._state = _CLOSING
        self._failed(reason)
        self._send()
        self._ssl = None
        self._end_below()

    def give_up(self, reason: str) -> None:
        """Another one needs its room, or its time is over."""
        if self._state == _HANDSHAKE:
            self._handshakes.over(self)
            self._handshakes.counts["failed"] += 1
            self._state = _CLOSING
            self._failed(Failure("tls", reason))
        self._raw.abort()

    def _end_below(self) -> None:
        """Ends our direction and leaves the peer a moment to read: a closed socket that is still sent to is reset."""
        if self._raw.is_closing():
            return
        with suppress(OSError, RuntimeError):
            if self._raw.can_write_eof():
                self._raw.write_eof()
        with suppress(RuntimeError):
            self._raw.resume_reading()
        asyncio.get_running_loop().call_later(_LAST_WORD_SECONDS, self._raw.abort)

    # --- what comes from below

    def data_received(self, data: bytes) -> None:
        if self._state == _OPEN:
            self._take(data)
        elif self._state == _HANDSHAKE:
            if self._incoming.pending + len(data) > _MOST_BEFORE_THE_END:
                self.give_up("it says too much before the handshake is over")
                return
            self._incoming.write(data)
            self._handshakes.step_soon(self)

    def _take(self, data: bytes) -> None:
        assert self._ssl is not None
        assert self._protocol is not None
        texts: list[bytes] = []
        ended = False
        try:
            if len(data) <= _RECORD:
                if data:
                    self._incoming.write(data)
                ended = self._decrypt(self._ssl, texts)
            else:
                for at in range(0, len(data), _RECORD):
                    self._incoming.write(data[at : at + _RECORD])
                    ended = self._decrypt(self._ssl, texts)
                    if ended:
                        break
        except ssl.SSLError as error:
            self._break_off(error)
            return
        if self._outgoing.pending:  # an answer to what is no text: who never reads it may go
            self._send()
            if self._raw.get_write_buffer_size() > _MOST_UNREAD:
                self._raw.abort()
                return
        self._busy = True
        try:
            if texts:
                self._protocol.data_received(texts[0] if len(texts) == 1 else b"".join(texts))
        finally:
            self._busy = False
        if self._out:
            self.flush()
        if ended:
            self._peer_ended()

    def _decrypt(self, tls: ssl.SSLObject, texts: list[bytes]) -> bool:
        """Takes what is whole of the records that have come; whether the peer has ended its direction."""
        incoming = self._incoming
        while incoming.pending or tls.pending():
            try:
                text = tls.read(_RECORD)
            except ssl.SSLWantReadError:
                return False
            except ssl.SSLZeroReturnError:
                return True
            if not text:
                return True
            texts.append(text)
        return False

    def _break_off(self, error: ssl.SSLError) -> None:
        """What came is no TLS, or is not from the one who shook hands."""
        self._handshakes.tell_of_break(self._peer(), failure_of(error).text)
        self._out.clear()
        self._state = _CLOSING
        self._send()
        self._end_below()

    def _peer_ended(self) -> None:
        if self._state == _OPEN and self._protocol is not None and not self._protocol.eof_received():
            self.close()

    def eof_received(self) -> bool:
        """A peer that says nothing of its end in TLS has ended all the same: WebSockets know where a message ends."""
        if self._state == _OPEN:
            self._peer_ended()
            return True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._state == _HANDSHAKE:
            self._handshakes.over(self)
            self._handshakes.counts["failed"] += 1
            self._failed(Failure("tls", "it left before the handshake was over"))
        self._state = _CLOSING
        if self._protocol is not None:
            self._protocol.connection_lost(exc)
        else:
            self.gone()
        self._ssl = self._protocol = None  # who knows this would stay until the collector comes
        del self.gone, self._opened, self._failed

    # --- what goes

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._state != _OPEN or not data:
            return
        if not self._out and not self._busy:
            self._handshakes.round.soon(self)
        self._out.append(bytes(data))

    def flush(self) -> None:
        """Encrypts and sends what was written since it was done last."""
        out, self._out = self._out, []
        if not out or self._ssl is None or self._raw.is_closing():
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        try:
            if len(data) <= _RECORD:
                self._ssl.write(data)
                self._raw.write(self._outgoing.read())
                return
            sent = []
            for at in range(0, len(data), _RECORD):
                self._ssl.write(data[at : at + _RECORD])
                sent.append(self._outgoing.read())
            self._raw.write(b"".join(sent))
        except ssl.SSLError as error:
            self._break_off(error)

    def _send(self) -> None:
        if self._outgoing.pending and not self._raw.is_closing():
            self._raw.write(self._outgoing.read())

    def get_write_buffer_size(self) -> int:
        return self._raw.get_write_buffer_size() + sum(map(len, self._out))

    # --- reading, and the end

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """The last word to the peer: close_notify, and the end of our direction. What it says from now on is lost."""
        self._say_goodbye()
        if self._raw.can_write_eof() and not self._raw.is_closing():
            self._raw.write_eof()

    def _say_goodbye(self) -> None:
        if self._state != _OPEN or self._ssl is None:
            return
        self.flush()
        if self._state != _OPEN:  # it broke off over that
            return
        self._state = _CLOSING
        with suppress(ssl.SSLError):
            self._ssl.unwrap()
        self._send()

    def close(self) -> None:
        self._say_goodbye()
        self._raw.close()

    def abort(self) -> None:
        self._raw.abort()

    def is_closing(self) -> bool:
        return self._raw.is_closing()

    def get_extra_info(self, name: str, default: object = None) -> object:
        if name == "ssl_object":
            return self._ssl
        return self._raw.get_extra_info(name, default)

    def _peer(self) -> str:
        peer = self._raw.get_extra_info("peername")
        return str(peer[0]) if peer else "unknown"


class Failure(NamedTuple):
    """Why there is no TLS: of which kind it is, and in words."""

    kind: Reason
    text: str


def failure_of(error: ssl.SSLError) -> Failure:
    """What a handshake failed of, as OpenSSL tells it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure("tls_certificate", error.verify_message)
    reason = (error.reason or "").lower()
    _, alert, told = reason.partition("_alert_")
    if alert:
        return Failure("tls", f"it refuses: {told.replace('_', ' ')}")
    return _KNOWN.get(reason) or Failure("tls", reason.replace("_", " ") or str(error))


_TOO_OLD = Failure("tls_version", "it offers no TLS 1.2 and none later")
_NO_SUITE = Failure("tls_suite", "it offers none that there is a certificate for")
_NO_TLS = Failure("tls", "what it sends is no TLS")
_KNOWN = {
    "unsupported_protocol": _TOO_OLD,
    "no_protocols_available": _TOO_OLD,
    "version_too_low": _TOO_OLD,
    "no_shared_cipher": _NO_SUITE,
    "no_suitable_signature_algorithm": _NO_SUITE,
    "peer_did_not_return_a_certificate": Failure("tls_certificate", "it shows none"),
    "wrong_version_number": _NO_TLS,
    "http_request": _NO_TLS,
}
