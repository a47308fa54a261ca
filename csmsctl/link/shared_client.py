"""One connection to csmsd for many threads: the daemon answers each request when it is done, and `id` tells whose."""

import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, sleep

from csmsctl.failure import TIMED_OUT, UNREACHABLE, USAGE, Failure
from csmsctl.link.client import (
    Params,
    Result,
    progress_for_client,
    request_of_client,
    result_for_client,
    too_late_for_client,
)
from csmsctl.link.connection import Connection

_AGAIN = 0.1  # seconds, until csmsd is back


class SharedClient:
    """A connection that threads call through at the same time. When csmsd comes back, so does the connection.

    A csmsd that went away is waited for, as long as for an answer; what it was asked before is not asked again.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        """Raises Failure when csmsd cannot be reached."""
        self._path = path
        self._timeout = timeout
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._back_by = 0.0  # until when it is waited for
        self._closed = False
        self._wire: _Wire | None = _Wire(path, timeout, self._lost)

    def part(self, timeout: float) -> "Part":
        """For one command, which has a time limit of its own."""
        return Part(self, self._path, timeout)

    def close(self) -> None:
        """Whoever waits for an answer fails."""
        self._closed = True
        if self._wire is not None:
            self._wire.connection.abort()

    def call(
        self,
        method: str,
        params: Params | None,
        *,
        timeout: float,
        keep_null: bool,
        on_progress: Callable[[Params], None] | None,
    ) -> Result:
        """As `AnyClient.call`."""
        number = next(self._numbers)
        wire = self._sent(request_of_client(number, method, params, keep_null=keep_null), timeout)
        messages = wire.waiting[number]
        try:
            while True:
                message = messages.get(timeout=timeout)
                if isinstance(message, Failure):
                    raise Failure(message.code, message.message, message.next_step)
                if "method" not in message:
                    return result_for_client(message, method)
                if on_progress:
                    on_progress(message["params"])
        except Empty:
            raise too_late_for_client(method, timeout) from None
        finally:
            wire.waiting.pop(number, None)

    def send_descriptor(self, descriptor: int, timeout: float) -> None:
        """As `AnyClient.send_descriptor`."""
        wire = self._connected()
        with wire.sending:
            wire.connection.send_descriptor(descriptor, timeout)

    def _sent(self, request: Params, timeout: float) -> "_Wire":
        """The connection by which all of the request went; one that broke before has carried out nothing of it."""
        number = request["id"]
        failed = False
        while True:
            wire = self._connected()
            wire.waiting[number] = SimpleQueue()
            if wire.lost:  # before it could tell those who wait
                continue
            try:
                with wire.sending:
                    wire.connection.send(request, timeout)
            except Failure as failure:
                wire.waiting.pop(number, None)
                if failure.code == TIMED_OUT:
                    wire.connection.abort()  # a part of it may have been sent: what follows would be nonsense
                if failure.code != UNREACHABLE or failed:
                    raise
                failed = True
                self._lost(wire, failure)
            else:
                return wire

    def _connected(self) -> "_Wire":
        with self._lock:
            while self._wire is None:
                try:
                    self._wire = _Wire(self._path, self._timeout, self._lost)
                except Failure as failure:
                    if failure.code != UNREACHABLE or self._closed or monotonic() >= self._back_by:
                        raise
                    sleep(_AGAIN)
            return self._wire

    def _lost(self, wire: "_Wire", failure: Failure) -> None:
        with self._lock:
            wire.lost = True
            if self._wire is wire:
                self._wire = None
                self._back_by = monotonic() + self._timeout
        for messages in list(wire.waiting.values()):
            messages.put(failure)


class _Wire:
    """A connection, who waits for answers on it, and the thread that hands them out."""

    def __init__(self, path: Path, timeout: float, lost: "Callable[[_Wire, Failure], None]") -> None:
        self.connection = Connection(path, timeout)
        self.sending = threading.Lock()
        self.waiting: dict[object, SimpleQueue[Result | Failure]] = {}
        self.lost = False
        self._tell = lost
        threading.Thread(target=self._read, daemon=True, name="answers").start()

    def _read(self) -> None:
        try:
            while (message := self.connection.receive(None)) is not None:
                # What has no id of its own and tells no progress is a notification for nobody here.
                messages = self.waiting.get(progress_for_client(message) if "method" in message else message.get("id"))
                if messages is not None:
                    messages.put(message)
        except Failure as failure:
            self._tell(self, failure)
        finally:
            self.connection.close()


class Part:
    """What one command has of the connection."""

    def __init__(self, shared: SharedClient, path: Path, timeout: float) -> None:
        self.path = path
        self._shared = shared
        self._timeout = timeout

    def call(
        self,
        method: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        keep_null: bool = False,
        on_progress: Callable[[Params], None] | None = None,
    ) -> Result:
        if method.endswith(".subscribe"):
            raise _no_stream_on_shared_client()  # one that nobody reads would have the connection cut
        limit = self._timeout if timeout is None else timeout
        return self._shared.call(method, params, timeout=limit, keep_null=keep_null, on_progress=on_progress)

    def begin(self, method: str, params: Params | None = None) -> Callable[[], Result]:
        return lambda: self.call(method, params)  # others are at work on this connection anyway

    def send_descriptor(self, descriptor: int) -> None:
        self._shared.send_descriptor(descriptor, self._timeout)

    def next_notification(self, timeout: float | None = None) -> Result | None:
        raise _no_stream_on_shared_client()

    def close(self) -> None:
        """The connection stays, for the others."""


def _no_stream_on_shared_client() -> Failure:
    return Failure(USAGE, "A batch cannot follow what is to come.", "Leave out -f, or use a csmsctl of its own for it.")
