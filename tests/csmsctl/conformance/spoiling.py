"""A csmsd that does something wrong: its frames are changed on their way to the charge point."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from csmsctl.conformance import charge_point
from csmsctl.link.wire import open_wire

Frame = list[Any]


class SpoiltConnection:
    """A wire whose incoming frames are changed, or never arrive (None); `action` of an answer is that of its CALL."""

    def __init__(self, connection: Any, spoil: Callable[[str, Frame], Frame | str | None]) -> None:
        self._connection = connection
        self._spoil = spoil
        self._asked: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def send(self, text: str) -> None:
        frame = json.loads(text)
        if frame[0] == 2:
            self._asked[frame[1]] = frame[2]
        await self._connection.send(text)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for text in self._connection:
            frame = json.loads(text)
            action = frame[2] if frame[0] == 2 else self._asked.get(frame[1], "")
            spoilt = self._spoil(action, frame)
            if spoilt is not None:
                yield spoilt if isinstance(spoilt, str) else json.dumps(spoilt)


def spoil_connections(monkeypatch: pytest.MonkeyPatch, spoil: Callable[[str, Frame], Frame | str | None]) -> None:
    """From now on every charge point of a case gets spoilt frames."""

    async def open_spoilt(*arguments: Any, **options: Any) -> SpoiltConnection:
        return SpoiltConnection(await open_wire(*arguments, **options), spoil)

    monkeypatch.setattr(charge_point, "open_wire", open_spoilt)


def changed(payload: Any, path: str, value: object) -> Any:
    """A copy with the value at `a.0.b` replaced; ABSENT takes the field away."""
    name, _, rest = path.partition(".")
    copy: Any = list(payload) if isinstance(payload, list) else dict(payload)
    key: Any = int(name) if isinstance(payload, list) else name
    if rest:
        copy[key] = changed(copy[key], rest, value)
    elif value is ABSENT:
        copy.pop(key, None)
    else:
        copy[key] = value
    return copy


ABSENT: Any = object()
