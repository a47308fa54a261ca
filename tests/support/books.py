"""Charge points that keep books of their own: what they did, what was acknowledged; to be compared with the disk."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from websockets.exceptions import WebSocketException

from tests.support.acknowledged import Acknowledged, BooksFound, Comparison, compared
from tests.support.site import Site
from tests.support.wire import WAIT, Wire, open_wire

PATIENCE = 6 * WAIT  # csmsd may be on its way up, or wait for a disk
_EPOCH = "2026-01-01T{:02d}:{:02d}:{:02d}.{:03d}Z"


class Unacknowledged(Exception):
    """csmsd answered with a CALLERROR: the message is to be sent again (C 3.7)."""


@dataclass
class Booking:
    """A transaction as its charge point knows it; None is what was not acknowledged yet."""

    start: dict[str, Any]
    transaction_id: int | None = None
    readings: int = 0
    stopped: bool = False


class DiligentChargePoint:
    """One transaction after the other, as fast as csmsd answers; what is not acknowledged is sent again, for ever.

    `moment` is written beside each acknowledgement. `pause` is how many seconds it rests after each.
    """

    def __init__(
        self,
        site: Site,
        identity: str,
        up: asyncio.Event,
        *,
        moment: Callable[[], int] = lambda: 0,
        pause: float = 0,
    ) -> None:
        self.identity = identity
        self.bookings: list[Booking] = []
        self.acknowledged: list[Acknowledged] = []
        self.refused = 0
        self.violations: list[str] = []
        self.resting = asyncio.Event()  # nothing of it is under way, since it may not send
        self._site = site
        self._up = up
        self._moment = moment
        self._pause = pause
        self._finishing = False
        self._moved = asyncio.Condition()
        self._numbers = count(1)
        self._task = asyncio.create_task(self._run())

    async def acknowledgements(self, more: int) -> None:
        """Waits until that many more messages were acknowledged."""
        wanted = len(self.acknowledged) + more
        async with asyncio.timeout(PATIENCE), self._moved:
            await self._moved.wait_for(lambda: len(self.acknowledged) >= wanted)

    async def refusal(self) -> None:
        """Waits for the next CALLERROR."""
        before = self.refused
        async with asyncio.timeout(PATIENCE), self._moved:
            await self._moved.wait_for(lambda: self.refused > before)

    async def finish(self) -> None:
        """Brings the transaction that is running to its end, and stops."""
        self._finishing = True
        await asyncio.wait_for(self._task, PATIENCE)
        assert self.violations == []

    async def give_up(self) -> None:
        """Leaves its transaction as it is, and stops."""
        while not self._task.done():  # Python 3.11's wait_for may lose a cancellation
            self._task.cancel()
            await asyncio.wait([self._task], timeout=0.1)
        (ended,) = await asyncio.gather(self._task, return_exceptions=True)
        if isinstance(ended, Exception):
            self.violations.append(f"{self.identity} could not go on: {ended!r}")

    async def _run(self) -> None:
        while not (self._finishing and (not self.bookings or self.bookings[-1].stopped)):
            await self._rest()
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

    async def _rest(self) -> None:
        if not self._up.is_set():
            self.resting.set()
            await self._up.wait()
            self.resting.clear()

    async def _work(self, wire: Wire) -> None:
        """After a reconnection without a BootNotification, as OCPP-J 5.4 allows."""
        await self._repeat_a_start(wire)
        while True:
            await self._rest()
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
        number = len(self.bookings) - 1
        if booking.transaction_id is None:
            answer = await self._ask(wire, "StartTransaction", booking.start)
            booking.transaction_id = answer["transactionId"]
            self._note(booking.transaction_id, "StartTransaction", booking.start)
        elif booking.readings < 2:
            step = 1 + booking.readings
            reading = {"timestamp": _time(number, step), "sampledValue": [{"value": str(number * 1000 + 100 * step)}]}
            values = {"connectorId": 1, "transactionId": booking.transaction_id, "meterValue": [reading]}
            await self._ask(wire, "MeterValues", values)
            booking.readings = step
            self._note(booking.transaction_id, "MeterValues", values)
        else:
            stop = {
                "transactionId": booking.transaction_id,
                "meterStop": number * 1000 + 300,
                "timestamp": _time(number, 3),
                "reason": "Local",
            }
            await self._ask(wire, "StopTransaction", stop)
            booking.stopped = True
            self._note(booking.transaction_id, "StopTransaction", stop)
        async with self._moved:
            self._moved.notify_all()
        if self._pause:
            await asyncio.sleep(self._pause)

    def _note(self, transaction_id: int, action: str, payload: dict[str, Any]) -> None:
        start = self.bookings[-1].start
        self.acknowledged.append(
            Acknowledged(self._moment(), self.identity, action, transaction_id, start["timestamp"], payload)
        )

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

    def __init__(
        self,
        site: Site,
        charge_points: int,
        *,
        moment: Callable[[], int] = lambda: 0,
        pause: float = 0,
    ) -> None:
        self._site = site
        self._moment = moment
        self._pause = pause
        self.up = asyncio.Event()
        self.identities = [f"CP{number}" for number in range(charge_points)]
        self.charge_points: list[DiligentChargePoint] = []

    async def join(self) -> None:
        """Registers and boots them, and lets them loose."""
        await self._site.call("tag.add", id="TAG")
        for identity in self.identities:
            booted = await self._site.raw(identity)
            await booted.disconnect()
        self.charge_points = [
            DiligentChargePoint(self._site, identity, self.up, moment=self._moment, pause=self._pause)
            for identity in self.identities
        ]
        self.up.set()

    async def finish(self) -> None:
        """Every transaction comes to its end."""
        async with asyncio.TaskGroup() as group:
            for charge_point in self.charge_points:
                group.create_task(charge_point.finish())

    async def hold(self) -> None:
        """Nothing is sent any more, and all is answered, until `up` is set again."""
        self.up.clear()
        for charge_point in self.charge_points:
            await asyncio.wait_for(charge_point.resting.wait(), PATIENCE)

    async def give_up(self) -> None:
        """Everything stays as it is."""
        for charge_point in self.charge_points:
            await charge_point.give_up()

    @property
    def acknowledged(self) -> list[Acknowledged]:
        """Of all of them, up to now."""
        return [one for charge_point in self.charge_points for one in charge_point.acknowledged]

    def compare(self) -> int:
        """Every acknowledgement must be on disk, and nothing twice. Returns the number of transactions."""
        # The books first: what is acknowledged after this line is not looked for.
        acknowledged = self.acknowledged
        found = BooksFound.on_disk(self._site.database)
        assert compared(acknowledged, found) == Comparison([], [])
        return len(found.transactions)
