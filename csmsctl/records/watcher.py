"""The site as `watch` sees it: asked again whenever csmsd told that something happened."""

import select
from pathlib import Path

from csmsctl.failure import UNREACHABLE, Failure
from csmsctl.link.client import Client, Params, Result


class Watcher:
    """A subscription to all events of the targets, and the last `status`."""

    def __init__(self, socket: Path, timeout: float, targets: list[str] | None) -> None:
        self._socket = socket
        self._timeout = timeout
        self._targets = targets
        self._client: Client | None = None
        self.found: Result = {}

    def connect(self) -> None:
        """Subscribes first and looks then, so that nothing falls between."""
        self.close()
        self._client = Client(self._socket, self._timeout)
        self._client.call("event.subscribe", {"targets": self._targets})
        self.look()

    def call(self, method: str, params: Params) -> Result:
        assert self._client is not None
        return self._client.call(method, params)

    def look(self) -> None:
        self.found = self.call("status", {"targets": self._targets})

    def fileno(self) -> int:
        """For `select`; then `drain`."""
        assert self._client is not None
        return self._client.fileno()

    def wait(self, seconds: float) -> bool:
        """Whether something happened within that time."""
        if self.drain():  # while somebody looked
            return True
        ready, _, _ = select.select([self], [], [], seconds)
        return bool(ready) and self.drain()

    def drain(self) -> bool:
        """Takes the events that have come; whether there were any."""
        assert self._client is not None
        changed = False
        while (notification := self._client.next_notification(0)) is not None:
            if notification.get("method") == "lagged":
                raise Failure(UNREACHABLE, "csmsd cut this off: it was not read fast enough.")
            changed = True
        return changed

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
