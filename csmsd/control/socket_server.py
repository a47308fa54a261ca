"""The Unix socket: one JSON-RPC request a line in, one answer a line out, notifications between them."""

import asyncio
import contextlib
import grp
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from csmsd.control.audit import Audit
from csmsd.control.connection import Connection
from csmsd.control.rights import Access, is_open
from csmsd.control.rpc import Bound
from csmsd.settings.sections import Door

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 200
_READ_AHEAD = 64 * 1024
_BACKLOG = 1024  # more at once would be turned away by the kernel, without a word
_LAST_ANSWERS_SECONDS = 1.0  # at the end of csmsd


class SocketBusy(Exception):
    """Another daemon answers on the socket, or it is no socket at all."""


class ControlServer:
    """Listens for operators on one socket."""

    def __init__(
        self, methods: Mapping[str, Bound], access: Access, audit: Audit, measured: Callable[[], Awaitable[None]]
    ) -> None:
        self._methods = methods
        self._access = access
        self._audit = audit
        self._measured = measured
        self._path = access.door.path
        self._server: asyncio.Server | None = None
        self._clients: set[Connection] = set()

    async def open(self) -> None:
        """Raises SocketBusy when a daemon lives there already, OSError when the socket cannot be made."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        _remove_stale(self._path)
        # Nobody may connect before the mode is right: it is made closed, then opened.
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._accept, self._path, limit=_READ_AHEAD, backlog=_BACKLOG
            )
        finally:
            os.umask(before)
        self._hand_to_group()
        self._path.chmod(self._access.door.mode)

    def _hand_to_group(self) -> None:
        """Where that is not to be, the socket stays with csmsd's own group."""
        group = self._access.door.group
        try:
            os.chown(self._path, -1, grp.getgrnam(group).gr_gid)
        except KeyError:
            log.debug("%s: there is no group %s", self._path, group)
        except PermissionError:
            log.info("%s cannot be given to group %s: csmsd is no member of it", self._path, group)

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        await self._answer_what_was_asked()
        await asyncio.gather(*(client.close() for client in self._clients))
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    async def _answer_what_was_asked(self) -> None:
        """A command that was carried out is worth its answer; what takes longer is told by the task."""
        under_way = [request for client in self._clients for request in client.requests]
        if under_way:
            await asyncio.wait(under_way, timeout=_LAST_ANSWERS_SECONDS)
            await asyncio.gather(*(client.send_what_waits() for client in self._clients))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= MAX_CONNECTIONS:
            idle = [client for client in self._clients if client.idle]
            if not idle:
                writer.close()
                return
            longest = min(idle, key=lambda client: client.heard_at)
            self._clients.discard(longest)
            longest.dismiss("it was idle, and there are too many connections")
        client = Connection(self._methods, self._access, self._audit, self._measured, reader, writer)
        self._clients.add(client)
        try:
            await client.serve()
        finally:
            self._clients.discard(client)


@contextlib.asynccontextmanager
async def control_servers(
    methods: Mapping[str, Bound], doors: Sequence[Door], audit: Audit, measured: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """One for each door that can be opened here, the narrowest of which is named first. Raises as opening one does."""
    there = tuple(filter(is_open, doors))
    servers = [ControlServer(methods, Access(door, there), audit, measured) for door in there]
    try:
        for server in reversed(servers):  # the widest first: where another daemon answers, it is said of that one
            await server.open()
        yield
    finally:
        await asyncio.gather(*(server.close() for server in servers))


def _remove_stale(path: Path) -> None:
    """A socket that a dead daemon left behind is removed; one that answers is not."""
    if not path.exists():
        return
    if not path.is_socket():
        raise SocketBusy(f"{path} is there and is no socket; remove it, or name another --socket")
    probe = socket.socket(socket.AF_UNIX)
    probe.settimeout(1)
    try:
        probe.connect(os.fspath(path))
    except (ConnectionRefusedError, FileNotFoundError):
        path.unlink(missing_ok=True)
    else:
        raise SocketBusy(f"another csmsd answers on {path}")
    finally:
        probe.close()
