"""The URLs of files that csmsd hosts: what a charge point is told, and the token that makes it work once."""

import hashlib
import secrets
from collections.abc import Callable
from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from csmsd.ocpp.secrets import TOKEN_PREFIX

Protocol = Literal["http", "ftp"]
TOKEN_BYTES = 24


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What is kept of a token: the state directory gives nobody a URL."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class Hosting(msgspec.Struct):
    """Where charge points reach the file hosts, e.g. `{"http": "http://csms.example:9080"}`."""

    bases: dict[Protocol, str]
    make_token: Callable[[], str] = new_token

    def url(self, protocol: Protocol, name: str = "") -> str:
        """A new URL: `BASE/token-…/NAME`; without a name a directory to upload to."""
        return f"{self.bases[protocol]}/{TOKEN_PREFIX}{self.make_token()}/{quote(name, safe='')}"

    def token_in(self, url: str) -> str | None:
        """The token of a URL of ours."""
        for base in self.bases.values():
            if url.startswith(f"{base}/{TOKEN_PREFIX}"):
                return url.removeprefix(f"{base}/{TOKEN_PREFIX}").partition("/")[0]
        return None

    def name_in(self, url: str) -> str:
        return unquote(url.rpartition("/")[2])

    def choose(self, wanted: Protocol | None, supported: str | None) -> Protocol | None:
        """The protocol to use: the one asked for, or the first that the charge point says it supports (CE 3.88)."""
        if wanted is not None:
            return wanted if wanted in self.bases else None
        known = {name.strip().casefold() for name in (supported or "").split(",")}
        for protocol in self.bases:
            if protocol in known:
                return protocol
        return next(iter(self.bases), None)
