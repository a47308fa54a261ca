"""A daemon made of a script: it answers on a real Unix socket as a test laid out, and keeps what it was asked."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Params = dict[str, Any]
Reply = Callable[["Peer", Params], Any]


class RpcError(Exception):
    """The answer is an error."""

    def __init__(self, code: int, message: str, next_step: str | None = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, "data": {"next": next_step}}


class Silence(Exception):
    """There is no answer."""


class Hangup(Exception):
    """The connection is closed instead of an answer."""


class Peer:
    """One connection; `number` is the id of the request that is being answered."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.number: Any = None

    def send(self, message: Params) -> None:
        with self._lock:
            self._connection.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def send_raw(self, line: bytes) -> None:
        with self._lock:
            self._connection.sendall(line)

    def notify(self, method: str, params: Params) -> None:
        self.send({"method": method, "params": params})

    def hang_up(self) -> None:
        self._connection.shutdown(socket.SHUT_RDWR)

    def progress(self, results: list[Params]) -> None:
        for done, result in enumerate(results, 1):
            params = {"request": self.number, "done": done, "total": len(results), "result": result}
            self.notify("operation.result", params)


class ScriptedDaemon:
    """Listens at `path`. `replies[method]` is the result, or a function of the peer and the parameters.

    Where a client waits for the path already, the replies are given at once: it asks as soon as there is a listener.
    """

    def __init__(self, path: Path, replies: dict[str, Any] | None = None) -> None:
        self.path = path
        self.replies: dict[str, Any] = replies or {}
        self.requests: list[tuple[str, Params]] = []
        self._answered: list[tuple[str, Peer]] = []
        self._asked = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # closed twice
            self._listener.shutdown(socket.SHUT_RDWR)  # or the thread in accept() would take one more
        self._listener.close()

    def params(self, method: str) -> Params:
        """What the method was asked with, last time."""
        return next(params for name, params in reversed(self.requests) if name == method)

    def wait_for(self, method: str, times: int = 1) -> Peer:
        """Until the method was answered so often; the peer that asked last."""

        def peers() -> list[Peer]:
            return [peer for name, peer in self._answered if name == method]

        with self._asked:
            enough = self._asked.wait_for(lambda: len(peers()) >= times, timeout=60)
            assert enough, f"{method} was not asked {times} times: {self.requests}"
            return peers()[-1]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        peer = Peer(connection)
        try:
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    if line.isspace():  # with which a file is handed over
                        continue
                    if not self._answer(peer, json.loads(line)):
                        connection.shutdown(socket.SHUT_RDWR)
                        return
        except OSError:
            pass  # the client has gone

    def _answer(self, peer: Peer, request: Params) -> bool:
        method, params = request["method"], request.get("params", {})
        peer.number = request.get("id")
        self.requests.append((method, params))
        error: Params | None = None
        result: Any = None
        goes_on = True
        try:
            reply = self.replies[method]
            result = reply(peer, params) if callable(reply) else reply
        except KeyError:
            error = {"code": -32601, "message": f"no method {method}"}
        except RpcError as wrong:
            error = wrong.error
        except Silence:
            goes_on = False
        except Hangup:
            return False
        with self._asked:  # whoever has seen the answer finds it here
            if goes_on and "id" in request:
                peer.send({"id": request["id"], **({"error": error} if error else {"result": result})})
            self._answered.append((method, peer))
            self._asked.notify_all()
        return True
