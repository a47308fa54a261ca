"""The FTP host: passive, anonymous, and without a file system. A path is `/token-…[/name]` and nothing else.

pyftpdlib has a loop of its own; it runs in a thread, and asks the daemon's loop what a token allows.
"""

import asyncio
import errno
import logging
import os
import socket
import threading
from collections.abc import Coroutine
from contextlib import closing, suppress
from stat import S_IFREG
from time import monotonic, sleep
from typing import Any, ClassVar, TypeVar

from pyftpdlib.exceptions import FilesystemError
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import DTPHandler, FTPHandler
from pyftpdlib.handlers.ftp.control import proto_cmds
from pyftpdlib.ioloop import IOLoop, _RetryError
from pyftpdlib.servers import FTPServer

from csmsd.files.arrival import Wire
from csmsd.files.ftp_files import Incoming, Outgoing
from csmsd.files.grants import Delivery, Download, Grant, Grants, Pace, Upload
from csmsd.files.limits import CHUNK, TOKEN_SECONDS, Limits
from csmsd.runtime.gate import NO_DESCRIPTORS

log = logging.getLogger(__name__)

T = TypeVar("T")
_ANSWER_SECONDS = 30.0
_LONGEST_SLEEP_SECONDS = 1.0
_STOP_SECONDS = 2.0
_WITHOUT_DESCRIPTORS_SECONDS = 0.1

# No active mode, no renaming, deleting or making of anything: those commands do not exist here.
COMMANDS = frozenset(
    {"ABOR", "ALLO", "CDUP", "CWD", "EPSV", "FEAT", "LIST", "MODE", "NLST", "NOOP", "OPTS", "PASS", "PASV", "PWD"}
    | {"QUIT", "REST", "RETR", "SIZE", "STAT", "STOR", "STRU", "SYST", "TYPE", "USER", "XCUP", "XCWD", "XPWD"}
)


class FtpHost:
    """One listener and its thread."""

    def __init__(
        self, grants: Grants, limits: Limits, *, passive_ports: range | None, passive_address: str | None
    ) -> None:
        self.grants = grants
        self.limits = limits
        self._passive_ports = passive_ports
        self._passive_address = passive_address
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ftp_loop = IOLoop()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._address = ("", 0)
        # Its lines hold paths, and those hold tokens.
        logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
        logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())

    async def open(self, hosts: list[str], port: int) -> int:
        """Returns the port. Raises OSError."""
        self._loop = asyncio.get_running_loop()
        settings = {
            "host": self,
            "timeout": max(1, int(self.limits.idle)),
            "passive_ports": list(self._passive_ports) if self._passive_ports else None,
            "masquerade_address": self._passive_address,
        }
        handler = type("Handler", (_Handler,), settings)
        for host in hosts:
            server = _Server((host, port), handler, ioloop=self._ftp_loop, backlog=64)
            server.max_cons_per_ip = self.limits.connections_per_address
            server.max_cons = 2 * self.limits.connections + len(hosts)  # each has a connection for its data
            self._address = (server.address[0], int(server.address[1]))
        self._thread = threading.Thread(target=self._serve, name="ftp", daemon=True)
        self._thread.start()
        return self._address[1]

    def _serve(self) -> None:
        wait = _LONGEST_SLEEP_SECONDS
        looked_at = monotonic()
        while not self._stopping.is_set():
            due = self._ftp_loop.loop(timeout=wait, blocking=False)
            wait = _LONGEST_SLEEP_SECONDS if due is None else min(max(due, 0), _LONGEST_SLEEP_SECONDS)
            now = monotonic()
            if now - looked_at >= _LONGEST_SLEEP_SECONDS:
                # Not with timers of that loop: one connection that says something all the time holds up all of them.
                looked_at = now
                for channel in list(self._ftp_loop.socket_map.values()):
                    if isinstance(channel, _Handler | _Data):
                        channel.look(now)
        self._ftp_loop.close()

    async def close(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._wake_and_join, self._thread)
        else:
            self._ftp_loop.close()

    def _wake_and_join(self, thread: threading.Thread) -> None:
        """A connection wakes the loop, which has no other way to be told."""
        with suppress(OSError):
            socket.create_connection(self._address, _STOP_SECONDS).close()
        thread.join(_STOP_SECONDS)

    # --- called in the thread

    def ask(self, work: Coroutine[Any, Any, T]) -> T:
        """Has the daemon's loop do something, and waits for it."""
        assert self._loop is not None
        if self._stopping.is_set():
            work.close()
            raise FilesystemError("Stopping")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_SECONDS)

    def find(self, path: str, channel: "_Handler") -> Grant | None:
        """Notes that the connection knows a token that is good, if so."""

        async def find() -> Grant | None:
            return self.grants.find(path)

        found = self.ask(find())
        if isinstance(found, Download | Upload):
            channel.named_token_at = monotonic()
        return found

    def begin(self, grant: Download, start: int, wire: Wire) -> Delivery:
        """Raises OSError when no more may be fetched."""
        delivery = self.ask(self.grants.begin(grant, start, grant.size, wire))
        if delivery is None:
            raise OSError(errno.EPERM, "This was fetched often enough")
        return delivery

    def end(self, delivery: Delivery) -> None:
        async def end() -> None:
            with closing(delivery.wire):
                await self.grants.end(delivery, self.limits.idle)

        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(end(), self._loop)

    def tell(self, grant: Download | Upload, done: int, total: int | None) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.grants.progress, grant, done, total)


class _Paths(AbstractedFS):  # type: ignore[misc]
    """There is no file system behind it: every path is looked up among the tokens."""

    @property
    def host(self) -> FtpHost:
        host: FtpHost = self.cmd_channel.host
        return host

    def _find(self, path: str) -> Grant | None:
        return self.host.find(path, self.cmd_channel)

    def ftp2fs(self, ftppath: str) -> str:
        return str(self.ftpnorm(ftppath))

    def fs2ftp(self, fspath: str) -> str:
        return fspath

    def validpath(self, path: str) -> bool:
        return True

    def realpath(self, path: str) -> str:
        return path

    def chdir(self, path: str) -> None:
        if path != "/" and self._find(path) is None:
            raise FilesystemError("No such directory")
        self.cwd = path

    def listdir(self, path: str) -> list[str]:
        return []

    def isdir(self, path: str) -> bool:
        return path == "/" or (path.count("/") == 1 and self._find(path) is not None)

    def isfile(self, path: str) -> bool:
        return isinstance(self._find(path), Download)

    def getsize(self, path: str) -> int:
        found = self._find(path)
        if not isinstance(found, Download):
            raise FilesystemError("No such file")
        return found.size

    def lstat(self, path: str) -> os.stat_result:
        """What LIST, NLST and STAT tell of a path; pyftpdlib would look at the files of this machine."""
        return os.stat_result((S_IFREG | 0o400, 0, 0, 1, 0, 0, self.getsize(path), 0, 0, 0))

    stat = lstat

    def open(self, filename: str, mode: str) -> Outgoing | Incoming:
        found = self._find(filename)
        storage = self.host.grants.storage
        if mode == "rb" and isinstance(found, Download):
            return Outgoing(self.host.begin, found, storage.open_for_reading("firmware", found.stored))
        if mode == "wb" and isinstance(found, Upload):
            name = filename.lstrip("/").partition("/")[2].rpartition("/")[2]
            return Incoming(found, storage.begin("diagnostics", self.host.limits.upload), name)
        raise FilesystemError("Not here, or not any more")


class _Server(FTPServer):  # type: ignore[misc]
    """The listener, which stays when there are no descriptors; the library's would be closed for good."""

    def accept(self) -> Any:
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in NO_DESCRIPTORS:
                raise
            sleep(_WITHOUT_DESCRIPTORS_SECONDS)  # who waits goes on waiting
            return None

    def handle_accepted(self, sock: socket.socket, address: tuple[Any, ...]) -> Any:
        self._make_room(str(address[0]))
        return super().handle_accepted(sock, address)

    def _make_room(self, address: str) -> None:
        """Where there are too many, of all or of an address, the oldest goes that has named no token."""
        crowded = self.ip_map.count(address) >= self.max_cons_per_ip
        if not crowded and self._accept_new_cons():
            return
        idle = [
            channel
            for channel in self.ioloop.socket_map.values()
            if isinstance(channel, _Handler)
            and channel.named_token_at is None
            and (not crowded or channel.remote_ip == address)
        ]
        if idle:
            min(idle, key=lambda channel: channel.opened_at).close()


class _Data(DTPHandler):  # type: ignore[misc]
    """A data connection. `_cut` is set when it was reset: what came then is not the whole file."""

    ac_in_buffer_size = CHUNK
    ac_out_buffer_size = CHUNK

    def __init__(self, sock: Any, cmd_channel: "_Handler") -> None:
        self._cut = False
        self._pace = Pace()
        self._opened_at = monotonic()
        self.timeout = max(1, int(cmd_channel.host.limits.idle))
        super().__init__(sock, cmd_channel)

    @property
    def file_obj(self) -> Any:
        return self._file

    @file_obj.setter
    def file_obj(self, file: Any) -> None:
        self._file = file
        if isinstance(file, Outgoing):
            file.channel = self

    def look(self, now: float) -> None:
        """Ends what takes too long."""
        if now - self._opened_at >= self.cmd_channel.host.limits.transfer:
            self._resp = ("426 This took too long.", log.debug)
            self.close()

    def recv(self, buffer_size: int) -> bytes:
        try:
            data: bytes = self.socket.recv(buffer_size)
        except BlockingIOError as error:
            raise _RetryError from error
        except OSError:
            self._cut = True
            data = b""
        if not data:
            self.handle_close()
        elif isinstance(self.file_obj, Incoming) and self.file_obj.due:
            self.cmd_channel.host.tell(self.file_obj.grant, self.file_obj.size, None)
        return data

    def send(self, data: bytes) -> int:
        sent: int = super().send(data)
        if isinstance(self.file_obj, Outgoing) and self.file_obj.delivery is not None:
            delivery = self.file_obj.delivery
            delivery.at = delivery.start + self.tot_bytes_sent
            if self._pace.due():
                self.cmd_channel.host.tell(delivery.grant, delivery.at, delivery.grant.size)
        return sent

    def close(self) -> None:
        if self._closed:
            return
        file = self.file_obj
        if self._cut:
            self.transfer_finished = False
        if isinstance(file, Incoming) and not file.closed:
            self._conclude(file)
        delivery = file.delivery if isinstance(file, Outgoing) else None
        if isinstance(file, Outgoing) and file.refused:
            self._resp = ("550 This was fetched often enough.", log.debug)
        if delivery is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)  # the wire would keep the end of the file from being told
        super().close()
        if delivery is not None:
            self.cmd_channel.host.end(delivery)

    def _conclude(self, file: Incoming) -> None:
        """226 is said only when the file and its record are on disk."""
        host = self.cmd_channel.host
        if file.failure is not None:
            self._resp = (file.failure, log.debug)
        elif not self.transfer_finished:
            if self._cut or not self._resp:
                self._resp = ("426 Transfer aborted.", log.debug)
        else:
            try:
                if not host.ask(host.grants.received(file.grant, file.name, file.finish())):
                    self._resp = ("550 Another upload was faster.", log.debug)
            except Exception as error:
                log.error("diagnostics of %s could not be kept: %s", file.grant.charge_point, error)
                self._resp = ("451 It cannot be kept at the moment.", log.debug)


class _Anyone:
    """Whoever knows a token may use it; a login adds nothing, and many charge points send one."""

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        pass

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        return perm in "elrw"

    def has_user(self, username: str) -> bool:
        return True

    def get_home_dir(self, username: str) -> str:
        return "/"

    def get_msg_login(self, username: str) -> str:
        return "Welcome."

    def get_msg_quit(self, username: str) -> str:
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None:
        pass

    def terminate_impersonation(self, username: str) -> None:
        pass


class _Handler(FTPHandler):  # type: ignore[misc]
    """A control connection."""

    host: ClassVar[FtpHost]
    authorizer = _Anyone()
    abstracted_fs = _Paths
    dtp_handler = _Data
    proto_cmds: ClassVar[dict[str, Any]] = {name: proto_cmds[name] for name in COMMANDS}
    banner = "csmsd"
    use_sendfile = False  # it needs a real file object; ours knows the grant

    opened_at = 0.0  # monotonic seconds, as the next one
    named_token_at: float | None = None

    def handle(self) -> None:
        self.opened_at = monotonic()
        super().handle()

    def look(self, now: float) -> None:
        """One that names no token that is good, or has not done so for long, is closed, whatever else it says."""
        if self.named_token_at is None:  # a data connection is of no use to it, either
            late = now - self.opened_at >= TOKEN_SECONDS
        else:
            patience = max(TOKEN_SECONDS, self.host.limits.idle)
            late = self.data_channel is None and now - self.named_token_at >= patience
        if late:
            self.respond("421 Closed: no token was named.")
            self.close_when_done()

    @property
    def _current_type(self) -> str:
        """Always image: a charge point that forgets TYPE I must not get firmware with other line ends."""
        return "i"

    @_current_type.setter
    def _current_type(self, value: str) -> None:
        pass
