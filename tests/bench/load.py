"""The load: charge points as one process that costs the machine little.

    python -m tests.bench.load PORT --charge-points 200 --seconds 4 --server-pid PID

Closed loop: every charge point sends its next message as soon as the last one is answered. Open loop (`--rate`): so
many messages a second in all, whatever the server does; a message that is due while the last one of its charge point
is unanswered waits, and that wait counts. `--only` has one kind of message sent in place of whole transactions,
`--manner` has all of them written as some charge points do.

Every answer is checked: it must be the CALLRESULT to what was asked, with idTags accepted and transaction ids that
were never given before. Prints a Report as JSON.
"""

import argparse
import asyncio
import base64
import gc
import ssl
import sys
from collections import Counter, deque
from collections.abc import Coroutine, Iterator
from time import perf_counter, process_time
from typing import cast

import msgspec

from tests.bench.machine import cpu_seconds, resident_kib
from tests.bench.manners import MANNERS
from tests.bench.messages import IDENTITY, KINDS, Clock, Message, Script

CONNECTING_AT_ONCE = 50  # below the backlog of 100 that servers have by default
DRAIN_SECONDS = 15.0
TICK_SECONDS = 0.001

_decode = msgspec.json.Decoder().decode

_HANDSHAKE = (
    "GET /ocpp/{identity} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n{more}\r\n"
)
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class Latency(msgspec.Struct):
    """How long answers took, in ms."""

    count: int
    p50: float
    p99: float
    p999: float


class Memory(msgspec.Struct):
    """What the server had, in KiB: before anybody came, with all connected and booted, and after the traffic."""

    before: int
    connected: int
    afterwards: int


class Report(msgspec.Struct):
    """What came of it. `acknowledged` counts the answers to each action over the whole run, warm-up and all."""

    seconds: float
    messages: int
    rate: float
    cpu_us_per_message: float  # of the server
    cpu_share: float
    load_share: float  # of a core, taken by the load itself: near 1 it is the load that is measured
    memory: Memory
    all: Latency
    actions: dict[str, Latency]
    acknowledged: dict[str, int]
    errors: dict[str, int]


class Load:
    """All charge points together, and what is counted of them."""

    def __init__(
        self,
        *,
        rate: float | None,
        only: str | None = None,
        manner: str = "plain",
        password: str | None = None,
        ca: str | None = None,
    ) -> None:
        self.manner = MANNERS[manner]
        self.password = password
        self._tls = ssl.create_default_context(cafile=ca) if ca is not None else None
        self.only = only
        self.open_loop = rate is not None
        self.running = False
        self.measuring = False
        self.latencies: dict[str, list[float]] = {}
        self.acknowledged: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.transaction_ids: set[int] = set()
        self.charge_points: list[ChargePoint] = []
        self._rate = rate

    async def connect(self, port: int, number: int) -> None:
        """Connects and boots that many charge points."""
        loop = asyncio.get_running_loop()
        clock = Clock()
        for first in range(0, number, CONNECTING_AT_ONCE):
            group = [ChargePoint(self, n, clock) for n in range(first, min(first + CONNECTING_AT_ONCE, number))]
            for charge_point in group:
                await loop.create_connection(lambda one=charge_point: one, "127.0.0.1", port, ssl=self._tls)
            async with asyncio.timeout(30):
                await asyncio.gather(*(charge_point.ready for charge_point in group))
            self.charge_points += group

    def start(self) -> None:
        self.running = True
        if self._rate is None:
            for charge_point in self.charge_points:
                charge_point.send_next(perf_counter())
        else:
            self._begun = perf_counter()
            self._sent = 0
            self._tick()

    def _tick(self) -> None:
        if not self.running:
            return
        assert self._rate is not None
        now = perf_counter()
        while self._sent < (now - self._begun) * self._rate:
            self.charge_points[self._sent % len(self.charge_points)].due(now)
            self._sent += 1
        asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    async def stop(self) -> None:
        """Sends nothing more and waits for the answers; those that do not come are errors."""
        self.running = False
        for _ in range(int(DRAIN_SECONDS / 0.05)):
            if not any(charge_point.waiting for charge_point in self.charge_points):
                break
            await asyncio.sleep(0.05)
        unanswered = sum(charge_point.waiting for charge_point in self.charge_points)
        if unanswered:
            self.errors["never answered"] += unanswered
        for charge_point in self.charge_points:
            charge_point.disconnect()

    def report(self, seconds: float, cpu: float, load_cpu: float, memory: Memory) -> Report:
        everything = [latency for latencies in self.latencies.values() for latency in latencies]
        count = len(everything)
        return Report(
            seconds=seconds,
            messages=count,
            rate=count / seconds,
            cpu_us_per_message=cpu / count * 1e6 if count else 0.0,
            cpu_share=cpu / seconds,
            load_share=load_cpu / seconds,
            memory=memory,
            all=_latency(everything),
            actions={action: _latency(latencies) for action, latencies in sorted(self.latencies.items())},
            acknowledged=dict(self.acknowledged),
            errors=dict(self.errors),
        )


class ChargePoint(asyncio.Protocol):
    """One connection, with as much of WebSocket as it takes."""

    def __init__(self, load: Load, number: int, clock: Clock) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting = False  # for an answer
        self._load = load
        self._number = number
        self._script = Script(number, clock)
        self._messages: Iterator[Message] = self._script.opening()
        self._unique_ids = f"{number:08x}-0000-4000-8000-"
        self._count = 0
        self._unique_id = self._action = ""
        self._since = 0.0
        self._backlog: deque[float] = deque()
        self._received = b""
        self._open = False
        self._leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        identity, password = IDENTITY.format(self._number), self._load.password
        more = ""
        if password is not None:
            more = f"Authorization: Basic {base64.b64encode(f'{identity}:{password}'.encode()).decode()}\r\n"
        self._transport.write(_HANDSHAKE.format(identity=identity, more=more).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._leaving:
            self._load.errors["connection lost"] += 1
            if not self.ready.done():
                self.ready.set_exception(ConnectionError("connection lost"))

    def disconnect(self) -> None:
        self._leaving = True
        self._transport.close()

    # --- sending

    def send_next(self, since: float) -> None:
        """Sends the next message; its latency counts from `since`."""
        self._action, payload = next(self._messages)
        self._count += 1
        self._unique_id = f"{self._unique_ids}{self._count:012x}"
        self._since = since
        self.waiting = True
        text = f'[2,"{self._unique_id}","{self._action}",'.encode() + payload + b"]"
        self._write(_TEXT, self._load.manner(text))

    def due(self, now: float) -> None:
        """Open loop: the next message is to be sent now, or as soon as that is allowed."""
        if self.waiting:
            self._backlog.append(now)
        else:
            self.send_next(now)

    def _write(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        head = bytes((0x80 | opcode, 0x80 | length)) if length < 126 else b"%c\xfe%c%c" % (
            0x80 | opcode, length >> 8, length & 255)  # fmt: skip
        # A masking key of zeros leaves the payload as it is: legal, and the server cannot tell.
        self._transport.write(head + b"\0\0\0\0" + payload)

    # --- receiving

    def data_received(self, data: bytes) -> None:
        data = self._received + data
        if not self._open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._received = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.ready.set_exception(ConnectionError(head.decode()))
                return
            self._open = True
            self._opened()
        at, end_of_data = 0, len(data)
        while end_of_data - at >= 2:
            begin = at + 2
            length = data[at + 1]
            if length == 126:
                begin += 2
                length = int.from_bytes(data[at + 2 : at + 4], "big")
            if begin + length > end_of_data:
                break
            self._frame(data[at] & 15, data[begin : begin + length])
            at = begin + length
        self._received = data[at:]

    def _opened(self) -> None:
        self.send_next(perf_counter())

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self._text(payload)
        elif opcode == _PING:
            self._write(_PONG, payload)
        elif opcode == _CLOSE:
            self._load.errors["closed by the server"] += 1

    def _text(self, text: bytes) -> None:
        now = perf_counter()
        answer = _decode(text)
        if answer[0] == 2:  # a CALL to us: none is expected
            self._load.errors[f"CALL {answer[2]}"] += 1
            return
        self.waiting = False
        if answer[0] != 3 or answer[1] != self._unique_id:
            self._load.errors[f"{self._action}: {text[:120]!r}"] += 1
        else:
            self._check(answer[2])
            self._load.acknowledged[self._action] += 1
        if self._load.measuring:
            self._load.latencies.setdefault(self._action, []).append((now - self._since) * 1000)
        self._go_on(now)

    def _check(self, payload: dict[str, object]) -> None:
        action = self._action
        if action in ("Authorize", "StartTransaction", "StopTransaction"):
            info = payload.get("idTagInfo")
            if not isinstance(info, dict) or info.get("status") != "Accepted":
                self._load.errors[f"{action}: idTag not accepted"] += 1
        if action == "StartTransaction":
            transaction_id = payload.get("transactionId")
            if not isinstance(transaction_id, int) or transaction_id in self._load.transaction_ids:
                self._load.errors["transaction id given twice"] += 1
            else:
                self._load.transaction_ids.add(transaction_id)
                self._script.transaction_id = transaction_id

    def _go_on(self, now: float) -> None:
        if not self.ready.done():
            try:
                self.send_next(now)
            except StopIteration:
                self._messages = (
                    self._script.of_one_kind(self._load.only) if self._load.only else self._script.transactions()
                )
                self.ready.set_result(None)
        elif not self._load.running:
            return
        elif self._backlog:
            self.send_next(self._backlog.popleft())
        elif not self._load.open_loop:
            self.send_next(now)


def _latency(milliseconds: list[float]) -> Latency:
    ordered = sorted(milliseconds) or [0.0]
    return Latency(len(milliseconds), *(ordered[int(len(ordered) * part)] for part in (0.5, 0.99, 0.999)))


async def run(arguments: argparse.Namespace) -> Report:
    load = Load(
        rate=arguments.rate,
        only=arguments.only,
        manner=arguments.manner,
        password=arguments.password,
        ca=arguments.tls,
    )
    before = resident_kib(arguments.server_pid)
    await load.connect(arguments.port, arguments.charge_points)
    connected = resident_kib(arguments.server_pid)
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of ours would look like one of the server
    load.start()
    await asyncio.sleep(arguments.warm_up)
    begun, cpu, own = perf_counter(), cpu_seconds(arguments.server_pid), process_time()
    load.measuring = True
    await asyncio.sleep(arguments.seconds)
    load.measuring = False
    seconds, cpu = perf_counter() - begun, cpu_seconds(arguments.server_pid) - cpu
    own = process_time() - own
    memory = Memory(before, connected, resident_kib(arguments.server_pid))
    await load.stop()
    return load.report(seconds, cpu, own, memory)


def _run_in_loop(main: Coroutine[None, None, Report]) -> Report:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--charge-points", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--rate", type=float, help="messages a second in all: open loop")
    parser.add_argument("--only", choices=KINDS, help="send nothing else, once booted")
    parser.add_argument("--manner", choices=MANNERS, default="plain", help="how they write")
    parser.add_argument("--password", help="of all charge points")
    parser.add_argument("--tls", metavar="CA", help="over TLS, with the root certificate in that file")
    parser.add_argument("--server-pid", type=int, help="the process whose CPU time is measured")
    arguments = parser.parse_args()
    sys.stdout.buffer.write(msgspec.json.encode(_run_in_loop(run(arguments))))


if __name__ == "__main__":
    main()
