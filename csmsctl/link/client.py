"""The client of the daemon's socket: JSON-RPC 2.0, one JSON value a line, blocking (docs/control-protocol.md)."""

import contextlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, Self

from csmsctl.failure import DENIED, NOT_THERE, OTHER, REJECTED, TIMED_OUT, USAGE, Failure
from csmsctl.link.connection import Connection

_METHOD_NOT_FOUND = -32601
_BAD_PARAMETERS = (-32602, -32600)

Params = dict[str, Any]
Result = dict[str, Any]


class AnyClient(Protocol):
    """What commands need of a client."""

    path: Path

    def call(
        self,
        method: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        keep_null: bool = False,
        on_progress: Callable[[Params], None] | None = None,
    ) -> Result:
        """The result of a method, or Failure. `on_progress` gets the `operation.result` notifications of this call.

        Parameters that are None are left out unless null has a meaning.

        The time limit counts from the last sign of life: with results still coming nothing has timed out.
        """

    def begin(self, method: str, params: Params | None = None) -> Callable[[], Result]:
        """Asks for the result of a method, which is then had by calling what is returned: csmsd works meanwhile."""

    def send_descriptor(self, descriptor: int) -> None:
        """Hands over a file that is open, which csmsd has said that it waits for."""

    def next_notification(self, timeout: float | None = None) -> Result | None:
        """The next notification (`{"method", "params"}`), or None when none came in time; None waits for ever."""

    def close(self) -> None: ...


class Client:
    """A connection to csmsd of one's own. Notifications that come during a call are kept."""

    def __init__(self, path: Path, timeout: float = 30.0, *, trace: Callable[[str], None] | None = None) -> None:
        self.path = path
        self.timeout = timeout
        self._trace = trace
        self._notifications: deque[Result] = deque()
        self._begun: dict[object, Result | None] = {}  # what was asked for and not had: the answer, once it is there
        self._last_id = 0
        self._connection = Connection(path, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def abort(self) -> None:
        """Ends a call that another thread is waiting in; it fails there."""
        self._connection.abort()

    def fileno(self) -> int:
        """For `select`, together with `next_notification(0)`."""
        return self._connection.fileno()

    def call(
        self,
        method: str,
        params: Params | None = None,
        *,
        timeout: float | None = None,
        keep_null: bool = False,
        on_progress: Callable[[Params], None] | None = None,
    ) -> Result:
        limit = self.timeout if timeout is None else timeout
        self._last_id += 1
        number = self._last_id
        begun = monotonic()
        self._connection.send(request_of_client(number, method, params, keep_null=keep_null), limit)
        try:
            result = self._wait_for(number, method, limit, begun + limit, on_progress)
        except (KeyboardInterrupt, SystemExit):
            if on_progress is not None:
                self._stop(number)
            raise
        if self._trace:
            self._trace(f"{method} took {(monotonic() - begun) * 1000:.0f} ms")
        return result

    def begin(self, method: str, params: Params | None = None) -> Callable[[], Result]:
        self._last_id += 1
        number = self._last_id
        self._connection.send(request_of_client(number, method, params, keep_null=False), self.timeout)
        self._begun[number] = None
        return lambda: self._wait_for(number, method, self.timeout, monotonic() + self.timeout, None)

    def send_descriptor(self, descriptor: int) -> None:
        self._connection.send_descriptor(descriptor, self.timeout)

    def _wait_for(
        self, number: int, method: str, limit: float, deadline: float, on_progress: Callable[[Params], None] | None
    ) -> Result:
        while True:
            message = self._begun.pop(number, None) or self._connection.receive(deadline)
            if message is None:
                raise too_late_for_client(method, limit)
            if message.get("id") == number and "method" not in message:
                return result_for_client(message, method)
            if "method" not in message:
                if message.get("id") in self._begun:
                    self._begun[message["id"]] = message
                continue
            params_of = message.get("params")
            if on_progress and progress_for_client(message) == number and isinstance(params_of, dict):
                on_progress(params_of)
                deadline = monotonic() + limit
            else:
                self._notifications.append(message)

    def _stop(self, number: int) -> None:
        """Asks that no more is begun of an operation, and waits for no answer."""
        request: Params = {"jsonrpc": "2.0", "method": "operation.stop", "params": {"request": number}}
        with contextlib.suppress(Failure):
            self._connection.send(request, 1.0)

    def next_notification(self, timeout: float | None = None) -> Result | None:
        deadline = None if timeout is None else monotonic() + timeout
        while not self._notifications:
            message = self._connection.receive(deadline, as_long_as_read=deadline is None)
            if message is None:
                return None
            if "method" in message:
                self._notifications.append(message)
        return self._notifications.popleft()


def request_of_client(number: int, method: str, params: Params | None, *, keep_null: bool) -> Params:
    """The request, as `AnyClient.call` has it."""
    request: Params = {"jsonrpc": "2.0", "id": number, "method": method}
    given = {key: value for key, value in (params or {}).items() if keep_null or value is not None}
    return request | {"params": given} if given else request


def progress_for_client(message: Result) -> object:
    """The id of the request whose progress a notification tells; None when it tells something else."""
    params = message.get("params")
    return params.get("request") if message["method"] == "operation.result" and isinstance(params, dict) else None


def too_late_for_client(method: str, limit: float) -> Failure:
    """There was no answer in time."""
    return Failure(
        TIMED_OUT,
        f"csmsd did not answer {method} within {limit:g} s.",
        "Give it longer with --timeout SECONDS, or see: systemctl status csmsd",
    )


def result_for_client(message: Result, method: str) -> Result:
    """The result in a response; raises the Failure that an error stands for."""
    error = message.get("error")
    if error is None:
        result = message.get("result")
        return result if isinstance(result, dict) else {"result": result}
    if not isinstance(error, dict):
        error = {}
    code = error.get("code")
    text = str(error.get("message") or "the daemon gave no reason")
    data = error.get("data")
    next_step = data.get("next") if isinstance(data, dict) else None
    if code == _METHOD_NOT_FOUND:
        raise Failure(OTHER, f"csmsd does not know the method {method}.", "Compare versions: csmsctl daemon info")
    if code in _BAD_PARAMETERS:
        raise Failure(USAGE, text, next_step)
    known = code if code in (OTHER, USAGE, NOT_THERE, DENIED, REJECTED) else OTHER
    raise Failure(int(known), text, next_step if isinstance(next_step, str) else None)
