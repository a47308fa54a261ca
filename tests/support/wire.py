"""A charge point's end of a WebSocket: every frame that csmsd sends is checked on its way in."""

import asyncio
import base64
import json
import ssl
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.schemas import ERROR_CODES, violations

WAIT = 30.0  # seconds: how long a test waits for what must come


def basic_authorization(username: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


class Wire:
    """What passes between a charge point and csmsd; `violations` is what csmsd did wrong."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.violations: list[str] = []
        self.frames: list[Any] = []
        self._asked: dict[str, str] = {}
        self._their_ids: set[str] = set()

    async def send(self, message: str) -> None:
        try:
            frame = json.loads(message)
        except (ValueError, RecursionError):
            frame = None
        if isinstance(frame, list) and len(frame) > 2 and frame[0] == 2 and isinstance(frame[2], str):
            self._asked[str(frame[1])] = frame[2]
        await self.websocket.send(message)

    async def send_bytes(self, message: bytes, **asks: str) -> None:
        """Sends a message of text that need not be UTF-8, nor JSON; `asks` are the CALLs in it, action by unique id."""
        self._asked.update(asks)
        await self.websocket.send(message, text=True)

    async def recv(self) -> str:
        message = await self.websocket.recv()
        if isinstance(message, bytes):
            self.violations.append("a binary frame; OCPP-J is text")
            message = message.decode()
        self._check(message)
        return message

    def _check(self, text: str) -> None:
        frame = json.loads(text)
        self.frames.append(frame)
        if json.dumps(frame, separators=(",", ":"), ensure_ascii=False) != text:
            self.violations.append(f"not compact: {text}")
        if frame[0] == 2 and len(frame) == 4:
            self._check_call(frame)
        elif frame[0] == 3 and len(frame) == 3:
            action = self._asked.get(str(frame[1]))
            if action is None:
                self.violations.append(f"an answer to what was not asked: {text}")
            else:
                self.violations += violations(action, frame[2], response=True)
        elif frame[0] == 4 and len(frame) == 5:  # J 4.2.3: all five, always
            _, _, code, description, details = frame
            if code not in ERROR_CODES or not isinstance(description, str) or len(description) > 255:
                self.violations.append(f"no CALLERROR of the specification: {text}")
            if not isinstance(details, dict):
                self.violations.append(f"errorDetails must be an object: {text}")
        else:
            self.violations.append(f"no frame of the specification: {text}")

    def _check_call(self, frame: list[Any]) -> None:
        _, unique_id, action, payload = frame
        if not isinstance(unique_id, str) or not 0 < len(unique_id) <= 36 or unique_id in self._their_ids:
            self.violations.append(f"unique id {unique_id!r} is none, too long, or used before (J 4.1.4)")
        self._their_ids.add(unique_id)
        self.violations += violations(action, payload, response=False)


async def open_wire(
    url: str,
    *,
    subprotocols: list[str] | None = None,
    password: str | None = None,
    headers: dict[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Wire:
    """Connects as a charge point does. Raises what `websockets.connect` raises."""
    offered = ["ocpp1.6"] if subprotocols is None else subprotocols
    more = dict(headers or {})
    if password is not None:
        more |= basic_authorization(url.rstrip("/").rpartition("/")[2], password)
    websocket = await asyncio.wait_for(
        connect(
            url,
            subprotocols=[Subprotocol(name) for name in offered] or None,
            additional_headers=more,
            compression=None,
            proxy=None,
            ping_interval=None,
            close_timeout=2,
            max_size=None,
            ssl=tls,
        ),
        WAIT,
    )
    return Wire(websocket)
