"""What goes to an operator: answers at once, notifications as fast as they are read and no faster."""

import asyncio
import json
from collections import deque

import msgspec

from csmsd.control.rpc import Json

# A subscriber that reads slower than things happen is cut at this many notifications, and can resume.
MAX_WAITING = 5_000
MAX_WAITING_BYTES = 16 * 1024 * 1024
MAX_UNREAD = 32 * 1024 * 1024  # bytes of answers; who asks more without reading them is let go
_HIGH_WATER = 1024 * 1024


class Outbox:
    """Of one connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._waiting: deque[tuple[bytes, int | None]] = deque()  # lines, and the number of the event in each
        self._waiting_bytes = 0
        self._allowance = 0  # what a resumed subscription has to catch up on, and may
        self._allowed_bytes = 0
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._last_event: int | None = None
        self._lagged = False

    def close(self) -> None:
        """Nothing that waits is sent any more."""
        if self._sender is not None:
            self._sender.cancel()

    # --- answers

    def send(self, message: object) -> None:
        """Now, before what waits."""
        self._send_line(_line(message))

    def send_in_turn(self, answer: Json | list[Json]) -> None:
        """An answer comes after the notifications that were made for it."""
        line = _line(answer)
        if not self._waiting:
            self._send_line(line)
            return
        self._allowed_bytes += len(line)
        self._put(line, None)

    async def send_what_waits(self) -> None:
        """Lets the sender go through what waits for it."""
        while self._waiting and self._sender is not None and not self._sender.done():
            if self._writer.transport.get_write_buffer_size() > _HIGH_WATER:
                return  # it is not read
            self._wake.set()
            await asyncio.sleep(0)

    def _send_line(self, line: bytes) -> None:
        if self._writer.is_closing():
            return
        # However long one answer is, it is no sign that nobody reads.
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
            self._writer.transport.abort()
            return
        self._writer.write(line)

    # --- notifications

    def notify(self, method: str, parameters: Json) -> None:
        """In its turn. Events and messages are what a subscriber that does not keep up is cut for."""
        if self._lagged or self._writer.is_closing():
            return
        full = (
            len(self._waiting) >= MAX_WAITING + self._allowance
            or self._waiting_bytes > MAX_WAITING_BYTES + self._allowed_bytes
        )
        if full and method in ("event", "message"):
            self._cut()
            return
        self._queue(method, parameters)

    def catch_up(self, events: list[Json], after: int) -> None:
        """Events that a resumed subscription missed: however many they are, they do not make it a laggard."""
        if self._last_event is None:
            self._last_event = after
        self._allowance += len(events)
        before = self._waiting_bytes
        for event in events:
            self._queue("event", event)
        self._allowed_bytes += self._waiting_bytes - before

    def _queue(self, method: str, parameters: Json) -> None:
        number = parameters["number"] if method == "event" else None
        self._put(_line({"jsonrpc": "2.0", "method": method, "params": parameters}), number)
        self._wake.set()
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._deliver())

    def _put(self, line: bytes, number: int | None) -> None:
        self._waiting.append((line, number))
        self._waiting_bytes += len(line)

    async def _deliver(self) -> None:
        """Sends notifications as fast as the other side reads them, and no faster."""
        try:
            while not self._writer.is_closing():
                while self._waiting:
                    line, number = self._waiting.popleft()
                    self._waiting_bytes -= len(line)
                    self._send_line(line)
                    if number is not None:
                        self._last_event = number
                    if len(self._waiting) < MAX_WAITING:
                        self._allowance = 0
                    if self._waiting_bytes <= MAX_WAITING_BYTES:
                        self._allowed_bytes = 0
                    if self._writer.transport.get_write_buffer_size() > _HIGH_WATER:
                        await self._writer.drain()
                self._wake.clear()
                await self._wake.wait()
        except ConnectionError:
            pass

    def _cut(self) -> None:
        """The subscriber does not keep up: it is told which event was the last that it was sent, and let go."""
        self._lagged = True
        self._waiting.clear()
        self._waiting_bytes = 0
        self.send({"jsonrpc": "2.0", "method": "lagged", "params": {"last": self._last_event}})
        self._writer.close()


def _line(message: object) -> bytes:
    try:
        return msgspec.json.encode(message) + b"\n"
    except (ValueError, TypeError):  # half a character, say, which a client may have sent as its id
        return json.dumps(message, separators=(",", ":")).encode() + b"\n"
