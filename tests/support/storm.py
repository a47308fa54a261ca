"""Thousands of charge points that all connect at once, as a process of its own.

`python -m tests.support.storm HOST PORT SECONDS PATIENCE [PASSWORD]`; on stdin a line of JSON, [[identity, action,
payload], …]. Within SECONDS each connects, boots and sends its message; who is refused or cut tries again after a
second, for PATIENCE seconds in all. The Report is a line of JSON on stdout; the connections last until stdin ends.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import msgspec

from tests.support.plain_websocket import handshake, text_frame, texts
from tests.support.site import ROOT, Site, environment

_BOOT = '[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]'
_AGAIN_SECONDS = 1.0
_ADDRESSES = 100  # that they come from

Message = tuple[str, str, dict[str, Any]]  # identity, action, payload


class Report(msgspec.Struct):
    """`answers` are those to the messages, by identity; how long they took from the first attempt to connect."""

    answers: dict[str, Any]
    at_once: int  # which the first attempt was enough for
    seconds: float  # from the first attempt of all to the last answer
    median: float
    slowest: float


@asynccontextmanager
async def storm(
    site: Site, messages: list[Message], *, within: float, patience: float, password: str | None = None
) -> AsyncIterator["Storm"]:
    """The charge points, which must be registered, with one password; they stay connected as long as the block."""
    host, _, port = site.listen.rpartition(":")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, host, port, str(within), str(patience), *([password] if password else [])),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
        cwd=ROOT,
        env=environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(messages).encode() + b"\n")
    yield Storm(process.stdout)
    process.stdin.close()
    await process.wait()


class Storm:
    """One that is under way."""

    def __init__(self, stdout: asyncio.StreamReader) -> None:
        self._stdout = stdout

    async def report(self) -> Report:
        """Waits until all were answered, or had no more patience."""
        return msgspec.json.decode(await self._stdout.readline(), type=Report)


class _Guest(asyncio.Protocol):
    """One connection of one charge point."""

    def __init__(self, identity: str, password: str | None, request: str) -> None:
        self._identity = identity
        self._password = password
        self._request = request
        self._buffer = bytearray()
        self._open = False
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(handshake(self._identity, self._password))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head:
                self._transport.abort()
                return
            self._open, self._buffer = True, bytearray(rest)
            self._transport.write(text_frame(_BOOT))
        for text in texts(self._buffer):
            frame = json.loads(text)
            if frame[1] == "boot":
                self._transport.write(text_frame(self._request))
            elif frame[1] == "storm" and not self.answer.done():
                self.answer.set_result(frame)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(ConnectionResetError())


async def _comes(
    number: int, address: tuple[str, int], password: str | None, message: Message, within: float, patience: float
) -> Any:
    """(answer or None, seconds, attempts)."""
    identity, action, payload = message
    request = json.dumps([2, "storm", action, payload])
    await asyncio.sleep(within)
    begun = monotonic()
    attempts = 0
    while monotonic() - begun < patience:
        attempts += 1
        try:
            _, guest = await asyncio.get_running_loop().create_connection(
                lambda: _Guest(identity, password, request),
                *address,
                local_addr=(f"127.0.0.{1 + number % _ADDRESSES}", 0),
            )
            answer = await asyncio.wait_for(guest.answer, patience)
            return answer, monotonic() - begun, attempts
        except OSError:
            await asyncio.sleep(_AGAIN_SECONDS)
    return None, monotonic() - begun, attempts


async def _main() -> None:
    host, port, within, patience, *passwords = sys.argv[1:]
    password = passwords[0] if passwords else None
    messages: list[Message] = json.loads(await asyncio.to_thread(sys.stdin.readline))
    begun = monotonic()
    came = await asyncio.gather(
        *(
            _comes(
                number, (host, int(port)), password, message, float(within) * number / len(messages), float(patience)
            )
            for number, message in enumerate(messages)
        )
    )
    taken = sorted(seconds for _, seconds, _ in came)
    report = Report(
        answers={message[0]: answer for message, (answer, _, _) in zip(messages, came, strict=True)},
        at_once=sum(1 for answer, _, attempts in came if answer is not None and attempts == 1),
        seconds=monotonic() - begun,
        median=taken[len(taken) // 2],
        slowest=taken[-1],
    )
    print(msgspec.json.encode(report).decode(), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    import resource

    _hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (_hard, _hard))
    asyncio.run(_main())
