"""Charge points that keep books of their own: what they did, what was acknowledged; to be compared with the disk."""

import asyncio
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from websockets.exceptions import WebSocketException

from tests.support.site import Site
from tests.support.wire import WAIT, Wire, open_wire

_EPOCH = "2026-01-01T{:02d}:{:02d}:{:02d}.{:03d}Z"


class Unacknowledged(Exception):
    """csmsd answered with a CALLERROR: the message is to be sent again (C 3.7)."""


@dataclass
class Booking:
    """A transaction as its charge point knows it; None is what was not acknowledged yet."""

    start: dict[str, Any]
    transaction_id: int | None = None
    readings: list[str] = field(default_factory=list)
    stop: dict[str, Any] | None = None
    stopped: bool = False


class DiligentChargePoint:
    """One transaction after the other, as fast as csmsd answers; what is not acknowledged is sent again, for ever."""

    def __init__(self, site: Site, identity: str, up: asyncio.Event) -> None:
        self.identity = identity
        self.bookings: list[Booking] = []
        self.acknowledged = 0
        self.refused = 0
        self.violations: list[str] = []
        self._site = site
        self._up = up
        self._finishing = False
        self._moved = asyncio.Condition()
        self._numbers = count(1)
        self._task = asyncio.create_task(self._run())

    async def acknowledgements(self, more: int) -> None:
        """Waits until that many more messages were acknowledged."""
        wanted = self.acknowledged + more
        async with asyncio.timeout(WAIT), self._moved:
            await self._moved.wait_for(lambda: self.acknowledged >= wanted)

    async def refusal(self) -> None:
        """Waits for the next CALLERROR."""
        before = self.refused
        async with asyncio.timeout(WAIT), self._moved:
            await self._moved.wait_for(lambda: self.refused > before)

    async def finish(self) -> None:
        """Brings the transaction that is running to its end, and stops."""
        self._finishing = True
        await asyncio.wait_for(self._task, 3 * WAIT)
        assert self.violations == []

    async def _run(self) -> None:
        while not (self._finishing and (not self.bookings or self.bookings[-1].stopped)):
            await self._up.wait()
            try:
                wire = await open_wire(self._site.url(self.identity))
            except (OSError, WebSocketException):
                await asyncio.sleep(0.01)  # csmsd is just going down
                continue
            try:
                await self._work(wire)
            except (OSError, WebSocketException):
                pass
            finally:
                self.violations += wire.violations
                await wire.websocket.close()

    async def _work(self, wire: Wire) -> None:
        """After a reconnection without a BootNotification, as OCPP-J 5.4 allows."""
        await self._repeat_a_start(wire)
        while True:
            booking = self.bookings[-1] if self.bookings else None
            if booking is None or booking.stopped:
                if self._finishing:
                    return
                booking = self._begin()
            try:
                await self._carry_on(wire, booking)
            except Unacknowledged:
                async with self._moved:
                    self.refused += 1
                    self._moved.notify_all()
                await asyncio.sleep(0.05)

    async def _repeat_a_start(self, wire: Wire) -> None:
        """A start that was acknowledged, once more: it must be the same transaction."""
        known = [booking for booking in self.bookings if booking.transaction_id is not None]
        if known:
            try:
                answer = await self._ask(wire, "StartTransaction", known[-1].start)
            except Unacknowledged:
                return
            assert answer["transactionId"] == known[-1].transaction_id

    def _begin(self) -> Booking:
        number = len(self.bookings)
        booking = Booking(
            {"connectorId": 1, "idTag": "TAG", "meterStart": number * 1000, "timestamp": _time(number, 0)}
        )
        self.bookings.append(booking)
        return booking

    async def _carry_on(self, wire: Wire, booking: Booking) -> None:
        """The next message of a transaction: start, two readings, stop."""
        number = self.bookings.index(booking)
        if booking.transaction_id is None:
            answer = await self._ask(wire, "StartTransaction", booking.start)
            booking.transaction_id = answer["transactionId"]
        elif len(booking.readings) < 2:
            energy = str(number * 1000 + 100 * (1 + len(booking.readings)))
            reading = {"timestamp": _time(number, 1 + len(booking.readings)), "sampledValue": [{"value": energy}]}
            await self._ask(
                wire,
                "MeterValues",
                {"connectorId": 1, "transactionId": booking.transaction_id, "meterValue": [reading]},
            )
            booking.readings.append(energy)
        else:
            booking.stop = {
                "transactionId": booking.transaction_id,
                "meterStop": number * 1000 + 300,
                "timestamp": _time(number, 3),
                "reason": "Local",
            }
            await self._ask(wire, "StopTransaction", booking.stop)
            booking.stopped = True
        async with self._moved:
            self.acknowledged += 1
            self._moved.notify_all()

    async def _ask(self, wire: Wire, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        unique_id = f"{action}-{next(self._numbers)}"
        await wire.send(json.dumps([2, unique_id, action, payload]))
        while True:
            frame = json.loads(await wire.recv())
            if frame[1] != unique_id:
                continue
            if frame[0] == 4:
                assert frame[2] == "InternalError", frame
                raise Unacknowledged
            assert isinstance(frame[2], dict)
            return frame[2]


def _time(number: int, step: int) -> str:
    return _EPOCH.format(number // 3600, number // 60 % 60, number % 60, step)


class Fleet:
    """Several of them at one site, and the comparison of their books with the disk."""

    def __init__(self, site: Site, charge_points: int) -> None:
        self._site = site
        self.up = asyncio.Event()
        self.identities = [f"CP{number}" for number in range(charge_points)]
        self.charge_points: list[DiligentChargePoint] = []

    async def join(self) -> None:
        """Registers and boots them, and lets them loose."""
        await self._site.call("tag.add", id="TAG")
        for identity in self.identities:
            booted = await self._site.raw(identity)
            await booted.disconnect()
        self.charge_points = [DiligentChargePoint(self._site, identity, self.up) for identity in self.identities]
        self.up.set()

    async def finish(self) -> None:
        async with asyncio.TaskGroup() as group:
            for charge_point in self.charge_points:
                group.create_task(charge_point.finish())

    def compare(self) -> int:
        """Every acknowledgement must be on disk, and nothing twice. Returns the number of transactions."""
        # The books first: what is acknowledged after this line is not looked for.
        books = {
            charge_point.identity: [
                Booking(known.start, known.transaction_id, list(known.readings), known.stop, known.stopped)
                for known in charge_point.bookings
            ]
            for charge_point in self.charge_points
        }
        disk: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
        for row in self._site.stored(
            "SELECT charge_point, start_text, id, state, meter_start_wh, meter_stop_wh, energy_wh FROM transactions"
        ):
            disk.setdefault((row[0], row[1]), []).append(row[2:])
        readings: set[tuple[int, str]] = set(
            self._site.stored("SELECT transaction_id, json_extract(samples, '$[0]') FROM meter_value")
        )
        for identity, bookings in books.items():
            for booking in bookings:
                rows = disk.get((identity, booking.start["timestamp"]), [])
                assert len(rows) <= 1, f"{identity}: doubled: {rows}"
                if booking.transaction_id is None:
                    continue
                assert rows, f"{identity}: lost: {booking}"
                number, state, meter_start, meter_stop, energy = rows[0]
                assert (number, meter_start) == (booking.transaction_id, booking.start["meterStart"])
                assert {(number, value) for value in booking.readings} <= readings, f"{identity}: readings lost"
                if booking.stopped:
                    assert (state, meter_stop, energy) == ("stopped", meter_start + 300, 300), f"{identity}: {rows}"
        return sum(map(len, disk.values()))
