"""What a connection opens with: the HTTP request for a WebSocket, and how it may be refused."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

import msgspec

from csmsd.profiles.core.charge_points import Secured

# Bytes of an opening with all its headers, of which one may hold a certificate. The library would take 128 headers of 8
# KiB, and hold them for whoever never ends: with a thousand connections a gigabyte.
LONGEST_OPENING = 32_768
LONGEST_HEAD = 300  # bytes of an opening, in which its path is looked for when it cannot be read
_REQUEST_LINE = re.compile(rb"GET (\S+) HTTP/")


class Headers(Protocol):
    """The headers of a request; names in any case."""

    def __contains__(self, name: object, /) -> bool: ...

    def get_all(self, key: str) -> Sequence[str]: ...


class Opening:
    """The HTTP request for a WebSocket."""

    def __init__(
        self,
        path: str,
        headers: Headers,
        *,
        address: str,
        local: tuple[str, int],
        tls: str | None = None,
        certificate: bytes | None = None,
    ) -> None:
        self.path = path
        self.address = address  # whose it is
        self.local_address, self.local_port = local
        self.tls = tls  # version and suite; None: there is none
        self.certificate = certificate  # that was shown, in DER
        self.secured = Secured(0)  # once it was let in
        self._headers = headers

    def has(self, name: str) -> bool:
        return name in self._headers

    @property
    def asks_for_websocket(self) -> bool:
        return any("websocket" in value.casefold() for value in self._headers.get_all("Upgrade"))

    def header(self, name: str) -> str | None:
        """The header of that name; of several none is believed."""
        values = self._headers.get_all(name)
        return values[0] if len(values) == 1 else None

    def headers(self, name: str) -> list[str]:
        """All headers of that name, in order."""
        return list(self._headers.get_all(name))


class Refusal(msgspec.Struct, frozen=True):
    """The HTTP answer that opens no WebSocket."""

    status: HTTPStatus
    text: str
    headers: dict[str, str] = {}


def path_of_head(head: bytes) -> str:
    """The path of an opening of which no more than its beginning can be read; empty where not even that can."""
    line = _REQUEST_LINE.match(head)
    return line[1].decode(errors="replace") if line is not None else ""
