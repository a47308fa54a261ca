"""A connection to the control socket of csmsd, written by hand: lines of JSON and nothing else."""

import asyncio
import json
from collections import deque
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Self

from tests.support.wire import WAIT

MAX_LINE = 8 * 1024 * 1024


class ControlError(Exception):
    """An error that the daemon answered."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]


class ControlConnection:
    """Requests one after the other; notifications that come meanwhile wait in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._notifications: deque[dict[str, Any]] = deque()
        self._ids = count(1)

    @classmethod
    async def open(cls, path: Path) -> Self:
        return cls(*await asyncio.open_unix_connection(path, limit=MAX_LINE * 2))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    async def line(self, text: str | bytes) -> None:
        """Sends a line as it is."""
        self.writer.write((text.encode() if isinstance(text, str) else text) + b"\n")
        await self.writer.drain()

    async def receive(self) -> Any:
        """The next line; None when the daemon has closed the connection."""
        line = await asyncio.wait_for(self.reader.readline(), WAIT)
        return json.loads(line) if line else None

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        await self.line(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while True:
            message = await self.receive()
            if message is None:
                raise ConnectionResetError("csmsd closed the connection")
            if "method" in message:
                self._notifications.append(message)
            elif message["id"] == number:
                if "error" in message:
                    raise ControlError(message["error"])
                result = message["result"]
                assert isinstance(result, dict)
                return result

    async def notification(self) -> Any:
        """The next notification; None when the daemon has closed the connection."""
        return self._notifications.popleft() if self._notifications else await self.receive()

    async def event(self, kind: str, charge_point: str | None = None) -> dict[str, Any]:
        """The next event of that type, of that charge point; others are passed over."""
        while True:
            notification = await self.notification()
            assert notification is not None, f"no {kind} came"
            assert notification["method"] == "event", notification
            event = notification["params"]
            if event["type"] == kind and charge_point in (None, event["charge_point"]):
                assert isinstance(event, dict)
                return event
