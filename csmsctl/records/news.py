"""Waiting for events: subscribed before a look at the records, so that nothing falls between."""

from collections.abc import Sequence
from typing import Any, Self

from csmsctl.invocation import Invocation
from csmsctl.link.client import Client


class News:
    """Events of some types, from now on, of some charge points or all, on a connection of its own."""

    def __init__(self, run: Invocation, types: Sequence[str], targets: Sequence[str] = ()) -> None:
        self._run = run
        self._wanted = {"types": list(types), "targets": list(targets) or None}
        self._client = self._subscribed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next event; None when none came in time, or when some were missed: then the records tell."""
        notification = self._client.next_notification(seconds)
        if notification is None:
            return None
        if notification["method"] == "lagged":
            self._client.close()
            self._client = self._subscribed()
            return None
        event: dict[str, Any] = notification["params"]
        return event

    def _subscribed(self) -> Client:
        client = Client(self._run.options.socket, self._run.options.timeout, trace=self._run.output.detail)
        client.call("event.subscribe", self._wanted)
        return client
