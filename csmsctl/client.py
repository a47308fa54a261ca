"""The one client of the daemon's socket: JSON-RPC 2.0, one JSON value a line, blocking (docs/control-protocol.md)."""

import contextlib
import json
import select
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Self

from csmsctl.failure import DENIED, NOT_THERE, OTHER, TIMED_OUT, UNREACHABLE, USAGE, Failure

MAX_LINE = 8 * 1024 * 1024
_METHOD_NOT_FOUND = -32601
_BAD_PARAMETERS = (-32602, -32600)

Params = dict[str, Any]
Result = dict[str, Any]


class Client:
    """A connection to csmsd. `call` waits for the answer; notifications that come meanwhile are kept."""

    def __init__(self, path: Path, timeout: float = 30.0, *, trace: Callable[[str], None] | None = None) -> None:
        self.path = path
        self.timeout = timeout
        self._trace = trace
        self._received = bytearray()
        self._searched = 0
        self._notifications: deque[Result] = deque()
        self._last_id = 0
        self._socket = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """For `select`, together with `next_notification(0)`."""
        return self._socket.fileno()

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
        limit = self.timeout if timeout is None else timeout
        self._last_id += 1
        number = self._last_id
        request: Params = {"jsonrpc": "2.0", "id": number, "method": method}
        given = {key: value for key, value in (params or {}).items() if keep_null or value is not None}
        if given:
            request["params"] = given
        begun = monotonic()
        self._send(request, limit)
        deadline = begun + limit
        while True:
            message = self._receive(deadline)
            if message is None:
                raise Failure(
                    TIMED_OUT,
                    f"csmsd did not answer {method} within {limit:g} s.",
                    "Give it longer with --timeout SECONDS, or see: systemctl status csmsd",
                )
            if message.get("id") == number and "method" not in message:
                if self._trace:
                    self._trace(f"{method} took {(monotonic() - begun) * 1000:.0f} ms")
                return _result(message, method)
            if "method" not in message:
                continue
            params_of = message.get("params")
            if (
                on_progress
                and message["method"] == "operation.result"
                and isinstance(params_of, dict)
                and params_of.get("request") == number
            ):
                on_progress(params_of)
                deadline = monotonic() + limit
            else:
                self._notifications.append(message)

    def next_notification(self, timeout: float | None = None) -> Result | None:
        """The next notification (`{"method", "params"}`), or None when none came in time; None waits for ever."""
        deadline = None if timeout is None else monotonic() + timeout
        while not self._notifications:
            message = self._receive(deadline)
            if message is None:
                return None
            if "method" in message:
                self._notifications.append(message)
        return self._notifications.popleft()

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self.timeout)
        try:
            connection.connect(str(self.path))
        except OSError as error:
            connection.close()
            raise _unreachable(self.path, error) from error
        return connection

    def _send(self, request: Params, limit: float) -> None:
        line = json.dumps(request).encode() + b"\n"
        if len(line) > MAX_LINE:
            raise Failure(USAGE, f"This is {len(line)} bytes long; the daemon takes at most {MAX_LINE} at once.")
        self._socket.settimeout(limit)
        try:
            self._socket.sendall(line)
        except TimeoutError as error:
            raise Failure(TIMED_OUT, "csmsd did not take the request in time.") from error
        except OSError as error:
            raise self._gone() from error

    def _receive(self, deadline: float | None) -> Result | None:
        """The next message; None when the deadline passed before it was complete."""
        while (end := self._received.find(b"\n", self._searched)) < 0:
            self._searched = len(self._received)
            if self._searched > MAX_LINE:
                raise Failure(OTHER, "csmsd sent a line that is longer than the protocol allows.")
            # A deadline that has passed still takes what has arrived (select said so).
            remaining = None if deadline is None else max(0.0, deadline - monotonic())
            if deadline is None:
                self._wait_while_somebody_reads()
            self._socket.settimeout(remaining)
            try:
                received = self._socket.recv(262_144)
            except (TimeoutError, BlockingIOError):
                return None
            except OSError as error:
                raise self._gone() from error
            if not received:
                raise self._gone()
            self._received += received
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        self._searched = 0
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Failure(OTHER, f"{self.path} does not speak the protocol of csmsd.") from error
        if not isinstance(message, dict):
            raise Failure(OTHER, f"{self.path} does not speak the protocol of csmsd.")
        return message

    def _wait_while_somebody_reads(self) -> None:
        """Until something arrives. Raises BrokenPipeError as soon as nobody reads our output any more (`| head`)."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        output = 1
        with contextlib.suppress(OSError, ValueError):
            waiting.register(output, 0)  # an error or the end of a pipe is reported without being asked for
        for descriptor, _ in waiting.poll():
            if descriptor == output:
                raise BrokenPipeError

    def _gone(self) -> Failure:
        return Failure(
            UNREACHABLE,
            f"csmsd closed the connection at {self.path} before it answered.",
            "See why: systemctl status csmsd, or the log of csmsd. What was asked for may have been carried out: "
            "csmsctl task list",
        )


def _unreachable(path: Path, error: OSError) -> Failure:
    start = (
        "Is csmsd running? See: systemctl status csmsd, or start csmsd. Another socket: --socket PATH or CSMS_SOCKET"
    )
    match error:
        case PermissionError():
            return Failure(
                DENIED,
                f"You may not open {path}.",
                'Members of group csms may: sudo usermod -aG csms "$USER", then log in again.',
            )
        case FileNotFoundError() | NotADirectoryError():
            return Failure(UNREACHABLE, f"There is no socket at {path}.", start)
        case ConnectionRefusedError():
            return Failure(UNREACHABLE, f"Nobody listens at {path}; csmsd has ended.", start)
        case TimeoutError() | BlockingIOError():
            return Failure(TIMED_OUT, f"csmsd does not take connections at {path}.", start)
        case _:
            return Failure(UNREACHABLE, f"Cannot reach csmsd at {path}: {error.strerror or error}.", start)


def _result(message: Result, method: str) -> Result:
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
    known = code if code in (OTHER, USAGE, NOT_THERE, DENIED) else OTHER
    raise Failure(int(known), text, next_step if isinstance(next_step, str) else None)
