"""The URLs of files that csmsd hosts: what a charge point is told, and the token that makes it work once."""

import re
from collections.abc import Callable
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

import msgspec

from csmsd.ocpp.secrets import TOKEN_PREFIX

Protocol = Literal["http", "ftp"]
_OURS = re.compile(rf"/{TOKEN_PREFIX}([A-Za-z0-9_-]{{32}})(?:/|\Z)")


def hosting_token_hash(token: str) -> str:
    """What is kept of a token: the state directory gives nobody a URL."""
    import hashlib  # which loads OpenSSL: csmsctl imports this module and has no token

    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class Host(msgspec.Struct, frozen=True):
    """A file host. Without a name, its charge point is told the address at which it has reached us."""

    port: int
    name: str | None = None
    on_demand: bool = False  # opened when it is needed


class Hosting(msgspec.Struct):
    """The file hosts, those that are always open first. `fallback` is told to those whose address is not known.

    `make_token` gives 32 characters that nobody can guess.
    """

    hosts: dict[Protocol, Host]
    make_token: Callable[[], str]
    fallback: str = "localhost"

    def url(self, protocol: Protocol, reached_at: str | None, name: str = "") -> str:
        """A new URL: `BASE/token-…/NAME`; without a name a directory to upload to."""
        host = self.hosts[protocol]
        base = hosting_base_url(protocol, host.name or reached_at or self.fallback, host.port)
        return f"{base}/{TOKEN_PREFIX}{self.make_token()}/{quote(name, safe='')}"

    def token_in(self, url: str) -> str | None:
        """The token of a URL of ours, whatever it calls this machine."""
        return found[1] if self.protocol_of(url) is not None and (found := _OURS.match(urlsplit(url).path)) else None

    def protocol_of(self, url: str) -> Protocol | None:
        """The host that a URL of ours leads to."""
        try:
            parts = urlsplit(url)
            for protocol, host in self.hosts.items():
                if (parts.scheme, parts.port) == (protocol, host.port) and _OURS.match(parts.path):
                    return protocol
        except ValueError:
            pass
        return None

    def name_in(self, url: str) -> str:
        return unquote(url.rpartition("/")[2])

    def choose(self, wanted: Protocol | None, supported: frozenset[str] | None) -> Protocol | None:
        """The protocol to use: the one asked for, or the first that the charge point says it supports (CE 3.88)."""
        if wanted is not None:
            return wanted if wanted in self.hosts else None
        for protocol in self.hosts:
            if supported is not None and protocol in supported:
                return protocol
        return next(iter(self.hosts), None)


def hosting_base_url(protocol: Protocol, host: str, port: int) -> str:
    return f"{protocol}://[{host}]:{port}" if ":" in host else f"{protocol}://{host}:{port}"
