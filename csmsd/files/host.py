"""The file hosts as one: opened as configured or when they are needed, and told to those who make URLs."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Literal

import msgspec

from csmsd.events import EventBus, NumberedEvent
from csmsd.files.grants import Grants
from csmsd.files.limits import Limits
from csmsd.ports.live_site import Teller
from csmsd.profiles.firmware_management.hosting import Host, Hosting, Protocol, hosting_base_url
from csmsd.profiles.record import Data, Event, EventType
from csmsd.runtime.waking import Waker

if TYPE_CHECKING:
    from csmsd.files.ftp import FtpHost
    from csmsd.files.http import HttpHost

log = logging.getLogger(__name__)

LINGER_SECONDS = 5.0  # for which a host that is not needed any more stays open
_BETWEEN_LOOKS = 1.0  # seconds
_STIRRING: tuple[EventType, ...] = ("firmware.status", "diagnostics.status", "diagnostics.received")
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104


def _new_token() -> str:
    return secrets.token_urlsafe(24)


class Listener(msgspec.Struct, frozen=True):
    """Where to listen for a protocol, always or on demand."""

    hosts: list[str]
    port: int
    on_demand: bool = False


class Listeners(msgspec.Struct, kw_only=True):
    """All of them, and the name under which charge points know this machine."""

    by_protocol: dict[Protocol, Listener]
    public_host: str | None = None
    ftp_passive_ports: range | None = None
    ftp_passive_address: str | None = None


class FileHost:
    """Neither library is imported before it is needed, and then beside the loop: together they cost half a second."""

    def __init__(self, grants: Grants, limits: Limits, listeners: Listeners, news: Teller) -> None:
        self._grants = grants
        self._limits = limits
        self._listeners = listeners
        self._news = news
        self._open: dict[Protocol, HttpHost | FtpHost] = {}
        self._bases: dict[Protocol, str] = {}
        self._idle_since: dict[Protocol, float] = {}  # monotonic; of those that nobody needs
        self._changing = asyncio.Lock()
        self._waker = Waker()

    async def open(self, fallback: Callable[[], str]) -> Hosting | None:
        """Opens what is always open, and what is needed still; None when nothing may be. Raises OSError.

        `fallback` names this machine for charge points of which nothing better is known.
        """
        wanted = self._listeners.by_protocol
        hosts: dict[Protocol, Host] = {}
        try:
            for protocol, listener in sorted(wanted.items(), key=lambda item: item[1].on_demand):
                port = listener.port if listener.on_demand else await self._listen(protocol)
                named = listener.hosts[0] if not listener.on_demand and listener.hosts[0] not in WILDCARDS else None
                hosts[protocol] = Host(port, self._listeners.public_host or named, listener.on_demand)
        except OSError:
            await self.close()
            raise
        await self._attend()
        if self._bases:
            log.info("files are hosted at %s", ", ".join(self._bases.values()))
        return Hosting(hosts, _new_token, fallback()) if hosts else None

    @property
    def bases(self) -> list[str]:
        """The URLs of those that are open."""
        return list(self._bases.values())

    @property
    def on_demand(self) -> list[Protocol]:
        """Those that are opened when they are needed."""
        return [protocol for protocol, listener in self._listeners.by_protocol.items() if listener.on_demand]

    async def ready(self, protocol: Protocol) -> str | None:
        """Before a charge point is told a URL: the host is open then, and what to say when it was opened for that.

        Raises OSError, whose text says what to do.
        """
        self._idle_since.pop(protocol, None)
        if protocol in self._open:
            return None
        try:
            return await self._open_on_demand(protocol)
        except OSError as error:
            port = self._listeners.by_protocol[protocol].port
            raise OSError(
                f"csmsd cannot listen on port {port} to host the file ({error.strerror or error}): choose another with "
                f"files.on_demand_{protocol}_port in csmsd.toml, or set files.{protocol}_listen"
            ) from None

    async def run(self) -> None:
        """Opens and closes what is hosted on demand. Never returns."""
        while self.on_demand:
            await self._attend()
            await asyncio.sleep(_BETWEEN_LOOKS)
            await self._waker.rest(LINGER_SECONDS)

    def listen_to(self, bus: EventBus) -> None:
        """After some events a token may be good, or good no more."""
        bus.subscribe(self._told, _STIRRING)

    def _told(self, event: NumberedEvent) -> None:
        self._waker.wake()
        if event.type == "firmware.status" and event.data.get("state") == "cancelled":
            self._grants.cut(event.data.get("update"))

    async def close(self) -> None:
        for protocol in list(self._open):
            await self._open.pop(protocol).close()
            self._bases.pop(protocol, None)

    async def _attend(self) -> None:
        for protocol in self.on_demand:
            if self._grants.needed(protocol):
                self._idle_since.pop(protocol, None)
                if protocol not in self._open:
                    try:
                        await self._open_on_demand(protocol)
                    except OSError as error:
                        log.error("files that charge points may fetch or bring cannot be hosted: %s", error)
            elif protocol not in self._open:
                continue
            elif monotonic() - self._idle_since.setdefault(protocol, monotonic()) >= LINGER_SECONDS:
                await self._close_idle(protocol)

    async def _close_idle(self, protocol: Protocol) -> None:
        async with self._changing:
            if protocol not in self._idle_since:
                return  # a charge point is about to be told of it: somebody had `ready` while this waited
            host, base = self._open.pop(protocol), self._bases.pop(protocol)
            await host.close()
        log.info("files are hosted at %s no longer: nobody needs it any more", base)
        self._tell("files.closed", base)

    async def _open_on_demand(self, protocol: Protocol) -> str | None:
        async with self._changing:
            if protocol in self._open:
                return None
            await self._listen(protocol)
        base = self._bases[protocol]
        log.info("files are hosted at %s while that is needed (files.on_demand)", base)
        self._tell("files.opened", base)
        return f"csmsd hosts files at {base} while that is needed (files.on_demand)."

    def _tell(self, kind: Literal["files.opened", "files.closed"], base: str) -> None:
        data: Data = {"url": base}
        self._news.tell(Event(kind, None, data))

    async def _listen(self, protocol: Protocol) -> int:
        """Returns the port. Raises OSError."""
        wanted = self._listeners
        listener = wanted.by_protocol[protocol]
        await asyncio.to_thread(import_module, f"csmsd.files.{protocol}")
        host = self._make(protocol)
        try:
            port = await host.open(listener.hosts, listener.port)
        except OSError:
            await host.close()
            raise
        self._open[protocol] = host
        self._bases[protocol] = hosting_base_url(protocol, wanted.public_host or listener.hosts[0], port)
        return port

    def _make(self, protocol: Protocol) -> "HttpHost | FtpHost":
        if protocol == "http":
            from csmsd.files.http import HttpHost

            return HttpHost(self._grants, self._limits)
        from csmsd.files.ftp import FtpHost

        wanted = self._listeners
        ports, address = wanted.ftp_passive_ports, wanted.ftp_passive_address
        return FtpHost(self._grants, self._limits, passive_ports=ports, passive_address=address)
