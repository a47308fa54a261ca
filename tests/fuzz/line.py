"""A charge point's end of a connection that sends whatever bytes it is told, and counts who owes what."""

import json
import re
import socket
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tests.fuzz.frames import SECOND_ID, UNIQUE_ID, Frame, call
from tests.fuzz.payloads import OF_ANOTHER, TRANSACTION
from tests.support.schemas import ERROR_CODES, violations

PATIENCE_SECONDS = 60.0
MOST_GARBAGE = 45  # of a connection, which is closed at 60 a minute
_REMEMBERED = 20
_HANDSHAKE = (
    "GET /ocpp/{identity} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
_BARRIER = (
    b'{"connectorId":1,"meterValue":[{"timestamp":"2026-03-01T12:00:00Z",'
    b'"sampledValue":[{"value":"7","measurand":"SoC"}]}]}'
)
_DIGITS = re.compile(rb"\d")


class WrongAnswer(AssertionError):
    """What csmsd must not do, and after which the connection is of no use."""


class Owed(msgspec.Struct):
    """What one unique id has to be answered, so many times at least and at most."""

    frame: Frame
    text: bytes
    least: int
    most: int
    got: int = 0


class Line:
    """One connection. `exchange` sends frames in one go and returns when all that was owed has come."""

    def __init__(self, address: tuple[str, int], identity: str, *, strict: bool = False) -> None:
        self.identity = identity
        self.strict = strict
        self.transactions: deque[int] = deque(maxlen=_REMEMBERED)
        self.refusals: dict[str, int] = {}  # CALLERRORs, by code
        self.answers = 0
        self.wrong: dict[tuple[str, bytes], str] = {}  # what csmsd must not do, each kind once
        self._address = address
        self._garbage = 0
        self._sent = 0
        self._owed: dict[object, Owed] = {}
        self._uncertain = 0  # frames of which nobody can tell under which id they are answered
        self._latest: list[tuple[Frame, bytes, object]] = []
        self._known_good: set[tuple[str, bytes]] = set()
        self._connect()
        self._boot()

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address)
        self._socket.settimeout(PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(_HANDSHAKE.format(identity=self.identity).encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._read()
        head, _, self._received = received.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise WrongAnswer(f"{self.identity} was not let in: {head.decode()}")
        self._garbage = 0

    def _boot(self) -> None:
        boot = Frame("boot", call("BootNotification", b'{"chargePointVendor":"v","chargePointModel":"m"}'))
        boot.action = "BootNotification"
        self.exchange([boot])

    def reconnect(self, *, properly: bool = False) -> None:
        """Anew, beside what is left of the old connection or after its end."""
        old = self._socket
        if properly:
            old.close()
        self._connect()
        old.close()
        self._owed.clear()
        self._latest.clear()
        self._uncertain = 0

    def close(self) -> None:
        self._socket.close()

    # --- what it sends

    def exchange(self, frames: list[Frame]) -> None:
        """Raises WrongAnswer."""
        self.send(frames, (), ())
        self.settle()

    def send(self, frames: list[Frame], again: Iterable[int], others: Sequence[int]) -> None:
        """`again`: which of the latest CALLs are said once more; `others` are transactions of other charge points."""
        if self._garbage + sum(frame.garbage for frame in frames) > MOST_GARBAGE:
            self.reconnect(properly=self._sent % 2 == 0)
        parts = [self._prepared(frame, others) for frame in frames]
        parts += [self._repeated(number) for number in again if self._latest]
        barrier = Frame("barrier", call("MeterValues", _BARRIER), "MeterValues", strict=True)
        parts.append(self._prepared(barrier, others))
        self._barrier = self._latest[-1][2]
        self._socket.sendall(b"".join(parts))

    def _repeated(self, number: int) -> bytes:
        """One of the latest CALLs to the letter: it is answered again, or its answer is on its way."""
        frame, text, key = self._latest[number % len(self._latest)]
        self._owed.setdefault(key, Owed(frame, text, 0, 0)).most += 1
        return _message(text)

    def _prepared(self, frame: Frame, others: Sequence[int]) -> bytes:
        self._garbage += frame.garbage
        text, own = self._filled(frame.text, UNIQUE_ID), self._id
        if frame.most:
            key = json.loads(own)
            self._owed[key] = Owed(frame, text, frame.least, frame.most)
        if frame.least == 0 and frame.most:
            self._uncertain += 1
        if SECOND_ID in text:
            text = self._filled(text, SECOND_ID)
            self._owed[json.loads(self._id)] = Owed(Frame("second", text, "Heartbeat", codes=frame.codes), text, 1, 1)
        if str(TRANSACTION).encode() in text:
            text = text.replace(str(TRANSACTION).encode(), str(_pick(self.transactions, self._sent)).encode())
        if str(OF_ANOTHER).encode() in text:
            text = text.replace(str(OF_ANOTHER).encode(), str(_pick(others, self._sent)).encode())
        if frame.least and frame.kind != "two in one":
            self._latest.append((frame, text, key))
            del self._latest[:-8]
        return _message(text, binary=self._sent % 97 == 0, pieces=self._sent % 53 == 0)

    def _filled(self, text: bytes, placeholder: bytes) -> bytes:
        self._sent += 1
        number = self._sent
        match number % 11:
            case 0:
                self._id = b"%d" % number
            case 1:
                self._id = b"-%d.5" % number
            case 2:
                self._id = f'"é\\u0000\\"{number}"'.encode()
            case 3:
                self._id = b'"%0255d"' % number
            case _:
                self._id = b'"%x"' % number
        return text.replace(placeholder, self._id)

    # --- what it is answered

    def settle(self) -> None:
        """Reads until the barrier is answered, whose commit comes after all others', and looks what came."""
        while self._owed[self._barrier].got == 0:
            self._take(self._next())
        for owed in self._owed.values():
            if owed.got < owed.least:
                self._note("it was not answered", b"", owed)
        self._owed.clear()
        self._uncertain = 0

    def _take(self, text: bytes) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            frame = [None]
        if frame[0] not in (3, 4):
            self._note("it was sent what it did not ask for", text, None)
            return
        self.answers += 1
        owed = self._owed.get(frame[1]) if not isinstance(frame[1], list | dict) else None
        if owed is None or owed.got >= owed.most:
            self._uncertain -= 1
            if self._uncertain < 0:
                self._note("an answer too many", text, owed)
                self._uncertain = 0
            return
        owed.got += 1
        problem = self._result(owed, frame, text) if frame[0] == 3 else self._error(owed, frame)
        if problem is not None:
            self._note(problem, text, owed)

    def _note(self, problem: str, text: bytes, owed: Owed | None) -> None:
        meant = b"" if owed is None else owed.frame.text
        shown = "" if owed is None else f" to {owed.frame.kind} {owed.text[:600]!r}"
        self.wrong.setdefault((problem, meant), f"{self.identity}: {problem}: {text[:300]!r}{shown}")

    def _result(self, owed: Owed, frame: list[Any], text: bytes) -> str | None:
        wanted = owed.frame
        if len(frame) != 3 or not wanted.result or wanted.action is None:
            return "a CALLRESULT"
        if self.strict and wanted.strict is False:
            return "confirmed although it is strict"
        shape = (wanted.action, _DIGITS.sub(b"0", text[text.index(b"{") :]))
        if shape not in self._known_good:
            found = violations(wanted.action, frame[2], response=True)
            if found:
                return str(found)
            self._known_good.add(shape)
        if wanted.action == "StartTransaction" and frame[2]["transactionId"] not in (0, *self.transactions):
            self.transactions.append(frame[2]["transactionId"])
        return None

    def _error(self, owed: Owed, frame: list[Any]) -> str | None:
        wanted = owed.frame
        if len(frame) != 5 or frame[2] not in ERROR_CODES or not isinstance(frame[3], str) or len(frame[3]) > 255:
            return "no CALLERROR of the specification"
        if frame[4] != {}:
            return "errorDetails that say something"
        self.refusals[frame[2]] = self.refusals.get(frame[2], 0) + 1
        if frame[2] not in wanted.codes:
            return "a CALLERROR of another code"
        if self.strict and wanted.strict is True:
            return "refused although the schema allows it"
        return None

    # --- WebSocket

    def _read(self) -> bytes:
        try:
            received = self._socket.recv(65536)
        except TimeoutError:
            raise WrongAnswer(f"{self.identity}: nothing came for {PATIENCE_SECONDS:g} s") from None
        if not received:
            raise WrongAnswer(f"{self.identity}: the connection was cut")
        return received

    def _next(self) -> bytes:
        """The next text that csmsd sends."""
        while True:
            length, begin = _length(self._received)
            if begin and len(self._received) >= begin + length:
                opcode = self._received[0] & 15
                payload = self._received[begin : begin + length]
                self._received = self._received[begin + length :]
                if opcode == 1:
                    return payload
                if opcode != 9:
                    raise WrongAnswer(f"{self.identity}: a frame of opcode {opcode}: {payload!r}")
                self._socket.sendall(_frame(0x8A, payload))
                continue
            self._received += self._read()


def _length(received: bytes) -> tuple[int, int]:
    """Of a WebSocket frame: (bytes of payload, where it begins); (0, 0) while too little is there."""
    if len(received) < 2:
        return 0, 0
    length = received[1] & 127
    if length < 126:
        return length, 2
    size = 2 if length == 126 else 8
    return (int.from_bytes(received[2 : 2 + size], "big"), 2 + size) if len(received) >= 2 + size else (0, 0)


def _message(text: bytes, *, binary: bool = False, pieces: bool = False) -> bytes:
    opcode = 2 if binary else 1
    if not pieces or len(text) < 2:
        return _frame(0x80 | opcode, text)
    middle = len(text) // 2
    return _frame(opcode, text[:middle]) + _frame(0x80, text[middle:])


def _frame(head: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        size = bytes((0x80 | length,))
    elif length < 65536:
        size = b"\xfe" + length.to_bytes(2, "big")
    else:
        size = b"\xff" + length.to_bytes(8, "big")
    return bytes((head,)) + size + b"\0\0\0\0" + payload  # a masking key of zeros leaves the payload as it is


def _pick(transactions: Sequence[int], number: int) -> int:
    return transactions[number % len(transactions)] if transactions else 1
