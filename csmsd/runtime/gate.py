"""Listening sockets whose connections are counted before a byte of them is read.

Whoever connects costs a descriptor, and without descriptors nothing works, the store and the control socket included.
So there are caps below RLIMIT_NOFILE, in all and for each address, for what has not even asked for anything.
"""

import asyncio
import errno
import logging
import resource
import socket
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network, ip_address
from pathlib import Path
from time import monotonic
from typing import cast

from csmsd.runtime.pace import Pace

log = logging.getLogger(__name__)

KEPT_BACK = 32  # descriptors, at least, for the control socket, the store and files
_MOST_KEPT_BACK = 512
_MOST_SILENT_AT_ADDRESS = 2_048
_AT_ONCE = 32  # accepted before others have their turn
_RETRY_SECONDS = 0.1
_TELL_EVERY_SECONDS = 60.0
_BACKLOG = 4096  # asyncio's default of 100 makes a site's reconnect storm after a power cut last minutes
NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def raise_descriptor_limit() -> None:
    """As far as it may be raised: a soft limit of 1024 is made for select(2), which nobody uses here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_descriptors() -> int:
    """How many connections there may be beside what is open already, and what is kept back."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        limit = 1_048_576
    try:
        used = sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        used = KEPT_BACK
    kept_back = min(_MOST_KEPT_BACK, max(KEPT_BACK, limit // 8))
    return max(1, limit - used - kept_back)


def origin_of(address: str) -> str:
    """What counts as one address where there are limits: of IPv6 a /64, in which everybody has as many as he likes."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, 64), strict=False))


class Place:
    """What one connection takes up: it is silent until it was let in, and counts until it is gone."""

    __slots__ = ("_gate", "_transport", "origin", "shared", "unwanted")

    def __init__(self, gate: "Gate", origin: str, shared: bool = False) -> None:
        self._gate = gate
        self._transport: asyncio.Transport | None = None
        self.unwanted = False
        self.origin = origin
        self.shared = shared  # by many: a proxy's

    def made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        if self.unwanted:
            transport.abort()

    def let_in(self) -> None:
        """What it asks for is given: it is silent no more."""
        self._gate.heard(self)

    def idle(self) -> None:
        """What it asked for is done: it is silent again."""
        self._gate.quiet(self)

    def in_turn(self, work: Callable[[], None]) -> None:
        """Has it done soon, and not with that of all others who came through the same gate at once."""
        self._gate.pace.take(work)

    def gone(self) -> None:
        self._gate.left(self)

    def give_up(self) -> None:
        """Its room is needed."""
        self.unwanted = True
        if self._transport is not None:
            self._transport.abort()


class Guest(asyncio.Protocol):
    """A protocol that knows of no place, on one."""

    def __init__(self, protocol: asyncio.Protocol, place: Place, lost: Callable[[], None] = lambda: None) -> None:
        self._place = place
        self._lost = lost
        self._protocol = protocol
        self.data_received = protocol.data_received  # type: ignore[method-assign]
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._protocol.connection_made(transport)
        self._place.made(cast(asyncio.Transport, transport))  # uvloop's is none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
        self._place.gone()
        self._lost()


class Gate:
    """Accepts connections and has a protocol made for each, which tells its place how it fares.

    `most` is how many there may be, None what RLIMIT_NOFILE leaves; `most_at_address` how many of one address.
    """

    def __init__(
        self,
        make: Callable[[Place], asyncio.Protocol],
        most: int | None = None,
        most_at_address: int | None = None,
    ) -> None:
        self._make = make
        self._most = most
        self._most_at_address = most_at_address
        self._at: Counter[str] = Counter()  # places, by address
        self._sockets: list[socket.socket] = []
        self._makes: dict[socket.socket, Callable[[Place], asyncio.Protocol]] = {}
        self._shared: set[socket.socket] = set()
        self._places = 0
        self._leaving = 0  # of them: given up, and not gone yet
        self._silent: dict[Place, None] = {}  # the oldest first
        self._silent_at: dict[str, dict[Place, None]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._told: dict[str, float] = {}
        self._untold: Counter[str] = Counter()
        self._open = False
        self.pace = Pace()
        self.turned_away = 0

    async def listen(
        self,
        host: str,
        port: int,
        make: Callable[[Place], asyncio.Protocol] | None = None,
        *,
        shared: bool = False,
    ) -> list[socket.socket]:
        """With a protocol of its own for those who come there, where `make` is given. Raises OSError.

        An address that is `shared` by many, as a proxy's is, may have as many connections as there may be in all.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        made: list[socket.socket] = []
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listening = socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol)
            made.append(listening)
            try:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listening.bind(address)
                listening.listen(_BACKLOG)
            except OSError as error:
                for one in made:
                    one.close()
                raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from None
        self._open = True
        self._sockets += made
        if self._most is None:
            self._most = free_descriptors()
        for one in made:
            self._makes[one] = make or self._make
            if shared:
                self._shared.add(one)
            loop.add_reader(one, self._accept, one)
        return made

    def close(self) -> None:
        """Accepts nobody any more; who is there stays."""
        self._open = False
        for one in self._sockets:
            asyncio.get_running_loop().remove_reader(one)
            one.close()
        self._sockets.clear()
        self._makes.clear()
        self._shared.clear()

    @property
    def is_open(self) -> bool:
        return self._open

    # --- who comes

    def _accept(self, listening: socket.socket) -> None:
        assert self._most is not None
        if self._places >= self._most and self._silent:
            # Somebody waits. The descriptor is free in the next turn; until then he waits where he is.
            if self._places - self._leaving >= self._most:
                self._give_up(next(iter(self._silent)), "all")
            return
        for _ in range(_AT_ONCE):
            if self._places >= self._most and self._silent:
                return
            try:
                accepted, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in NO_DESCRIPTORS:
                    raise
                self._pause(listening, error)
                return
            place = Place(self, origin_of(str(address[0])), listening in self._shared)
            self._take(accepted, place, self._makes.get(listening, self._make))

    def _take(self, accepted: socket.socket, place: Place, make: Callable[[Place], asyncio.Protocol]) -> None:
        assert self._most is not None
        origin = place.origin
        silent_here = self._silent_at.get(origin, {})
        crowded = not place.shared and self._most_at_address is not None and self._at[origin] >= self._most_at_address
        if silent_here and (crowded or len(silent_here) >= min(_MOST_SILENT_AT_ADDRESS, max(1, self._most // 2))):
            self._give_up(next(iter(silent_here)), origin)
        elif crowded:
            self.turned_away += 1
            self._tell(
                "crowded", "%d connections of %s are open, which is all that there may be", self._at[origin], origin
            )
            accepted.close()
            return
        if self._places >= self._most:
            self.turned_away += 1
            self._tell(
                "full", "%d connections are open, which is all that there may be; others are turned away", self._most
            )
            accepted.close()
            return
        accepted.setblocking(False)
        self._places += 1
        if not place.shared:
            self._at[origin] += 1
        self.quiet(place)
        loop = asyncio.get_running_loop()
        task: asyncio.Task[object] = loop.create_task(self._connect(place, accepted, make))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, place: Place, accepted: socket.socket, make: Callable[[Place], asyncio.Protocol]) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: make(place), accepted)
        except OSError:
            accepted.close()
            self.left(place)

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        self._tell("descriptors", "nobody can be accepted for a moment: %s", error.strerror)
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(_RETRY_SECONDS, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    # --- who is there

    def heard(self, place: Place) -> None:
        """It is silent no more."""
        if place not in self._silent:
            return
        del self._silent[place]
        here = self._silent_at[place.origin]
        del here[place]
        if not here:
            del self._silent_at[place.origin]

    def quiet(self, place: Place) -> None:
        """It is silent from now on."""
        self._silent[place] = None
        self._silent_at.setdefault(place.origin, {})[place] = None

    def left(self, place: Place) -> None:
        """Its descriptor is free."""
        self.heard(place)
        self._places -= 1
        self._leaving -= place.unwanted
        if place.shared:
            return
        self._at[place.origin] -= 1
        if not self._at[place.origin]:
            del self._at[place.origin]

    def _give_up(self, place: Place, whose: str) -> None:
        self.heard(place)
        self.turned_away += 1
        self._tell("silent", "connections that ask for nothing are given up for newer ones (of %s)", whose)
        self._leaving += 1
        place.give_up()

    def _tell(self, what: str, text: str, *details: object) -> None:
        """One line a minute, however often it is so."""
        self._untold[what] += 1
        if monotonic() - self._told.get(what, -_TELL_EVERY_SECONDS) < _TELL_EVERY_SECONDS:
            return
        self._told[what] = monotonic()
        times = self._untold.pop(what)
        log.warning(text + ("" if times == 1 else f" ({times} times since the last such line)"), *details)
