"""A charge point that writes its frames by hand: odd ones, late ones, or none at all."""

import asyncio
import json
import ssl
from contextlib import suppress
from itertools import count
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.support.wire import WAIT, Wire, open_wire

Frame = list[Any]


class RawChargePoint:
    """Answers nothing by itself: what csmsd asks waits in `calls`."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.calls: asyncio.Queue[Frame] = asyncio.Queue()
        self._answers: dict[object, asyncio.Queue[Frame]] = {}
        self._ids = count(1)
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        subprotocols: list[str] | None = None,
        password: str | None = None,
        headers: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> "RawChargePoint":
        return cls(await open_wire(url, subprotocols=subprotocols, password=password, headers=headers, tls=tls))

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                frame = json.loads(await self.wire.recv())
                if frame[0] == 2:
                    self.calls.put_nowait(frame)
                else:
                    self._answers_to(frame[1]).put_nowait(frame)

    def _answers_to(self, unique_id: object) -> "asyncio.Queue[Frame]":
        return self._answers.setdefault(unique_id, asyncio.Queue())

    async def send(self, text: str) -> None:
        """Sends a text, whatever it is."""
        await self.wire.send(text)

    async def frame(self, *parts: object) -> None:
        """Sends a frame."""
        await self.wire.send(json.dumps(parts))

    async def answer_to(self, unique_id: object) -> Frame:
        """The next answer that comes under that id."""
        return await asyncio.wait_for(self._answers_to(unique_id).get(), WAIT)

    async def ask(self, action: str, payload: object = None, *, unique_id: object = None) -> Frame:
        """Sends a CALL and returns the whole frame that answers it."""
        own = f"cp-{next(self._ids)}" if unique_id is None else unique_id
        await self.frame(2, own, action, {} if payload is None else payload)
        return await self.answer_to(own)

    async def nearly(self, unique_id: str, action: str, text: str | bytes) -> Frame:
        """Sends text that is nearly the CALL it is meant as, and returns the whole frame that answers it."""
        raw = text.encode() if isinstance(text, str) else text
        await self.wire.send_bytes(raw, **{unique_id: action})
        return await self.answer_to(unique_id)

    async def boot(self) -> Frame:
        return await self.ask("BootNotification", {"chargePointVendor": "raw", "chargePointModel": "frames"})

    async def asked(self, action: str) -> Frame:
        """The next CALL of csmsd, which must be of that action."""
        frame = await asyncio.wait_for(self.calls.get(), WAIT)
        assert frame[2] == action, frame
        return frame

    async def answer(self, request: Frame, payload: object) -> None:
        await self.frame(3, request[1], payload)

    async def heartbeat(self) -> Frame:
        """Asks for the time: what was sent before it has been taken in by then."""
        return await self.ask("Heartbeat")

    async def closed(self) -> tuple[int, str]:
        """Waits until csmsd has closed the connection: (code, reason)."""
        await asyncio.wait_for(self._task, WAIT)
        received = self.wire.websocket.protocol.close_rcvd
        return (received.code, received.reason) if received is not None else (1006, "")

    async def disconnect(self) -> None:
        """Closes the connection and reports what csmsd did wrong on it."""
        await self.wire.websocket.close()
        await asyncio.wait_for(self._task, WAIT)
        assert self.wire.violations == []

    async def vanish(self) -> None:
        """Cuts the connection without a word, as a power failure does."""
        self.wire.websocket.transport.abort()
        await asyncio.wait_for(self._task, WAIT)
