"""The charge point's part: a script of frames on a real WebSocket."""

import asyncio
import json
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from time import monotonic
from typing import Any

from csmsctl.conformance.conditions import (
    POSITIVE,
    Condition,
    Failed,
    Payload,
    condition_about_time,
    condition_if_present,
    differences_from_conditions,
    now_for_condition,
    require_condition,
)
from csmsctl.conformance.inspection import Frame, Inspection, Observations, Oracle
from csmsctl.conformance.limits import SECONDS_ALLOWED
from csmsctl.link.wire import SUBPROTOCOL, Closed, NotOpened, Wire, open_wire

CONNECTORS = 2


@dataclass(frozen=True)
class Asked:
    """A CALL of csmsd that waits for its answer."""

    unique_id: str
    action: str
    payload: Payload


class ChargePoint:
    """Says what the script says, and expects what the script expects; nothing is answered by itself."""

    def __init__(
        self,
        url: str,
        identity: str,
        observations: Observations,
        oracle: Oracle | None = None,
        *,
        key: str | None = None,
        tls: "ssl.SSLContext | None" = None,
    ) -> None:
        self.identity = identity
        self._url = f"{url}/{identity}"
        self._observations = observations
        self._oracle = oracle
        self._ids = count(1)
        self._wire: Wire | None = None
        self._reader: asyncio.Task[None] | None = None
        self._came = asyncio.Event()
        self._calls: deque[Asked] = deque()
        self._answers: dict[str, Frame] = {}
        self._key = None if key is None else key.encode()
        self._tls = tls

    # --- the link

    async def connect(self, *, key: str | bytes | None = None, tls: "ssl.SSLContext | None" = None) -> None:
        """Opens the WebSocket, and expects the subprotocol to be agreed on (J 3.2). Key and TLS are remembered."""
        if key is not None:
            self._key = key.encode() if isinstance(key, str) else key
        if tls is not None:
            self._tls = tls
        try:
            wire = await self._open_wire(self._key, self._tls)
        except NotOpened as error:
            raise Failed(f"csmsd did not let {self.identity} connect: {error}") from None
        self._wire = wire
        if wire.subprotocol != SUBPROTOCOL:
            raise Failed(f"csmsd agreed on the subprotocol {wire.subprotocol!r} instead of {SUBPROTOCOL}")
        inspection = Inspection(self.identity, self._observations, self._oracle)
        self._inspection = inspection
        self._reader = asyncio.create_task(self._read(wire, inspection))
        self._reader.add_done_callback(lambda _: self._came.set())

    async def _open_wire(self, key: bytes | None, tls: "ssl.SSLContext | None") -> Wire:
        headers = {}
        if key is not None:
            headers["Authorization"] = "Basic " + b64encode(self.identity.encode() + b":" + key).decode()
        url = self._url if tls is None else self._url.replace("ws://", "wss://", 1)
        return await open_wire(url, headers=headers, tls=tls, seconds_to_open=SECONDS_ALLOWED)

    async def refused(
        self, *, key: str | bytes | None = None, tls: "ssl.SSLContext | None" = None, plain: bool = False
    ) -> int:
        """The HTTP status with which it is kept out, `plain` without TLS. Raises Failed where it is let in."""
        try:
            wire = await self._open_wire(
                key.encode() if isinstance(key, str) else key, None if plain else tls or self._tls
            )
        except NotOpened as error:
            status = str(error).split()[1:2]
            return int(status[0]) if status and status[0].isdecimal() else 0
        await wire.close()
        raise Failed(f"csmsd let {self.identity} connect")

    async def disconnect(self) -> None:
        """Closes the WebSocket."""
        if self._wire is not None:
            await self._wire.close()
        await self._end_reading()

    async def lose_power(self) -> None:
        """The connection is gone without a word."""
        assert self._wire is not None
        self._wire.abort()
        await self._end_reading()

    async def _end_reading(self) -> None:
        if self._reader is not None:
            await self._reader
            self._reader = None

    async def _read(self, wire: Wire, inspection: Inspection) -> None:
        async for text in wire:
            frame = inspection.received(text)
            if frame is None:
                continue
            if frame[0] == 2:
                self._calls.append(Asked(frame[1], frame[2], frame[3]))
            else:
                self._answers[frame[1]] = frame
            self._came.set()

    async def _until(self, condition: Callable[[], bool]) -> bool:
        """Waits until the condition holds, or the allowed time is over (False)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_ALLOWED):
                while not condition():
                    self._came.clear()
                    await self._came.wait()
                return True
        return False

    @property
    def certificate(self) -> bytes:
        """That of csmsd, in DER. Only over TLS."""
        assert self._wire is not None
        return self._wire.certificate

    @property
    def connected(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def send(self, text: str) -> None:
        """Sends a text, whatever it is."""
        assert self._wire is not None
        self._inspection.sent(text)
        try:
            await self._wire.send(text)
        except Closed as closed:
            raise Failed(f"csmsd closed the connection: {closed}") from None

    # --- CALLs of the charge point

    async def ask(self, action: str, payload: object) -> Frame:
        """Sends a CALL and returns the frame that answers it. The time it takes is measured."""
        unique_id = f"{self.identity}-{next(self._ids)}"[-36:]
        begun = monotonic()
        await self.send(json.dumps([2, unique_id, action, payload]))
        if not await self._until(lambda: unique_id in self._answers or not self.connected):
            raise Failed(f"{action} was not answered within {SECONDS_ALLOWED:g} s")
        if unique_id not in self._answers:
            raise Failed(f"csmsd closed the connection before it answered {action}")
        self._observations.response_times.append((action, monotonic() - begun))
        return self._answers.pop(unique_id)

    async def call(self, action: str, payload: Payload, confirmation: Payload) -> Payload:
        """Sends a CALL that must be answered with this confirmation."""
        frame = await self.ask(action, payload)
        if frame[0] == 4:
            raise Failed(f"{action} was answered with the CALLERROR {frame[2]}: {frame[3]}")
        require_condition(differences_from_conditions(confirmation, frame[2]), f"{action}.conf")
        answer: Payload = frame[2]
        return answer

    # --- CALLs of csmsd

    async def expect(self, action: str, payload: Payload, *, unless: "asyncio.Task[Any] | None" = None) -> Asked:
        """Waits for a CALL of csmsd that must be this one. When `unless` is done first, none will come."""

        def over() -> bool:
            return bool(self._calls) or not self.connected or (unless is not None and unless.done())

        if unless is not None:
            unless.add_done_callback(lambda _: self._came.set())
        if not await self._until(over):
            raise Failed(f"no {action} came from csmsd within {SECONDS_ALLOWED:g} s")
        if not self._calls:
            if not self.connected:
                raise Failed(f"csmsd closed the connection before it sent {action}")
            raise Failed(f"csmsd did not send {action}")
        asked = self._calls.popleft()
        if asked.action != action:
            raise Failed(f"csmsd sent {asked.action} where {action} was expected")
        require_condition(differences_from_conditions(payload, asked.payload), f"{action}.req")
        return asked

    async def answer(self, asked: Asked, confirmation: Payload) -> None:
        await self.send(json.dumps([3, asked.unique_id, confirmation]))

    def must_have_been_asked_nothing_else(self) -> None:
        """After a boot, or an answer, csmsd sends nothing that no operator asked for."""
        if self._calls:
            raise Failed(f"csmsd sent {self._calls[0].action} without being told to")

    # --- what charge points say, and the reusable states of the test-case document

    async def boot(self, *, firmware_version: str = "1.0.0") -> Payload:
        """BootNotification, which must be accepted."""
        return await self.call(
            "BootNotification",
            {"chargePointVendor": "csms", "chargePointModel": "conformance", "firmwareVersion": firmware_version},
            {"status": "Accepted", "currentTime": _time_for_charge_point(), "interval": POSITIVE},
        )

    async def status(self, connector: int, status: str, *, error_code: str = "NoError") -> None:
        """StatusNotification."""
        await self.call(
            "StatusNotification",
            {"connectorId": connector, "errorCode": error_code, "status": status, "timestamp": now_for_condition()},
            {},
        )

    async def statuses(self, status: str = "Available", *, of_others: dict[int, str] | None = None) -> None:
        """StatusNotification for each connector and for connector 0."""
        for connector in range(CONNECTORS + 1):
            await self.status(connector, (of_others or {}).get(connector, status))

    async def booted(self) -> None:
        """Reusable state Booted."""
        await self.boot()
        await self.statuses()

    async def heartbeat(self) -> None:
        """Heartbeat."""
        await self.call("Heartbeat", {}, {"currentTime": _time_for_charge_point()})

    async def authorize(self, id_tag: str, status: str = "Accepted", **info: Any) -> None:
        """Authorize; `info` is what else idTagInfo must have (reusable state Authorized)."""
        await self.call("Authorize", {"idTag": id_tag}, {"idTagInfo": {"status": status} | info})

    async def start(
        self,
        connector: int,
        id_tag: str,
        *,
        status: str = "Accepted",
        meter: int = 1000,
        at: str | None = None,
        reservation: int | None = None,
        **info: Any,
    ) -> int:
        """StartTransaction; returns the id that csmsd gave the transaction."""
        request: Payload = {
            "connectorId": connector,
            "idTag": id_tag,
            "meterStart": meter,
            "timestamp": at or now_for_condition(),
        }
        if reservation is not None:
            request["reservationId"] = reservation
        answer = await self.call(
            "StartTransaction", request, {"idTagInfo": {"status": status} | info, "transactionId": POSITIVE}
        )
        transaction: int = answer["transactionId"]
        return transaction

    async def stop(
        self,
        transaction: int,
        reason: str,
        *,
        meter: int = 3500,
        at: str | None = None,
        id_tag: str | None = None,
        **info: Any,
    ) -> None:
        """StopTransaction; with an idTag, csmsd may say what it knows of it."""
        request: Payload = {
            "transactionId": transaction,
            "meterStop": meter,
            "timestamp": at or now_for_condition(),
            "reason": reason,
        }
        confirmation: Payload = {}
        if id_tag is not None:
            request["idTag"] = id_tag
            expected = {"status": "Accepted"} | info
            confirmation["idTagInfo"] = condition_if_present(
                Condition(f"{expected}", lambda found: not differences_from_conditions(expected, found))
            )
        await self.call("StopTransaction", request, confirmation)

    async def charging(self, id_tag: str, *, connector: int = 1, reservation: int | None = None, **info: Any) -> int:
        """Reusable state Charging, with Authorized before it; returns the transaction's id."""
        await self.authorize(id_tag, **info)
        await self.status(connector, "Preparing")
        transaction = await self.start(connector, id_tag, reservation=reservation, **info)
        await self.status(connector, "Charging")
        return transaction


def _time_for_charge_point() -> Condition:
    """What csmsd says that the time is: this machine's clock is its own, too."""
    return condition_about_time(timedelta(0))
