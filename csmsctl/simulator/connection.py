"""The asyncio edge: one charge point, its WebSocket and its clock. All that it does is decided elsewhere."""

import asyncio
import base64
import contextlib
import time
from collections.abc import Callable
from urllib.parse import quote

from csmsctl.link.wire import SUBPROTOCOL, Closed, NotOpened, Wire, open_wire
from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.notice import Notice
from csmsctl.simulator.transfers import Transfer, TransferFailed, carry_out_transfer

FIRST_BACK_OFF = 1.0
LONGEST_BACK_OFF = 60.0
LONGEST_SLEEP = 3600.0

_started_at = time.time() - time.monotonic()


def simulator_clock() -> int:
    """Ms since 1970 UTC that never go backwards."""
    return int((_started_at + time.monotonic()) * 1000)


class Connection:
    """Runs one charge point against a Central System; `report` is given every notice."""

    def __init__(
        self,
        charge_point: ChargePoint,
        url: str,
        report: Callable[[Notice], None],
        *,
        first_back_off: float = FIRST_BACK_OFF,
    ) -> None:
        self.charge_point = charge_point
        self._url = f"{url.rstrip('/')}/{quote(charge_point.identity, safe='')}"
        self._report = report
        self._first_back_off = first_back_off
        self._changed = asyncio.Event()
        self._link_wish = asyncio.Condition()
        self._wire: Wire | None = None
        self._transfers: set[asyncio.Task[None]] = set()

    def act(self, action: Callable[[], None]) -> None:
        """Lets something happen to the charge point now (a driver, a fault), and sends what follows from it."""
        self.charge_point.advance(simulator_clock())
        action()
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled; then the WebSocket is closed properly."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_time())
                tasks.create_task(self._keep_link())
        finally:
            self._report_notices()

    # --- the clock: timers, notices, and all that is sent

    async def _keep_time(self) -> None:
        charge_point = self.charge_point
        while True:
            self._changed.clear()
            charge_point.advance(simulator_clock())
            await self._flush()
            deadline = charge_point.next_deadline()
            wait = LONGEST_SLEEP if deadline is None else max(0.0, (deadline - simulator_clock()) / 1000)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(wait, LONGEST_SLEEP)):
                    await self._changed.wait()

    def _report_notices(self) -> None:
        for notice in self.charge_point.notices():
            self._report(notice)

    async def _flush(self) -> None:
        self._report_notices()
        self._begin_transfers()
        wire = self._wire
        if wire is not None:
            if self.charge_point.link == "cut":
                wire.abort()
                return
            with contextlib.suppress(Closed):
                for message in self.charge_point.data_to_send():
                    await wire.send(message)
                if self.charge_point.link == "closed":
                    await wire.close()
        async with self._link_wish:
            self._link_wish.notify_all()

    # --- files

    def _begin_transfers(self) -> None:
        while self.charge_point.transfers:
            task = asyncio.create_task(self._transfer(self.charge_point.transfers.pop(0)))
            self._transfers.add(task)
            task.add_done_callback(self._transfers.discard)

    async def _transfer(self, transfer: Transfer) -> None:
        try:
            size = await asyncio.to_thread(carry_out_transfer, transfer)
        except TransferFailed as error:
            reason = str(error)
            self.act(lambda: transfer.failed(reason))
        else:
            self.act(lambda: transfer.then(size))

    # --- the link

    async def _keep_link(self) -> None:
        back_off = self._first_back_off
        while True:
            async with self._link_wish:
                await self._link_wish.wait_for(lambda: self.charge_point.link == "up")
            problem = None
            try:
                wire = await open_wire(
                    self._link_url(),
                    headers=self._credentials(),
                    tls=self.charge_point.tls.context(),
                    ping_interval=self.charge_point.configuration.integer("WebSocketPingInterval") or None,
                )
            except NotOpened as error:
                problem = str(error)
                if self.charge_point.not_connected(problem):
                    self._changed.set()
                    continue
            else:
                if wire.subprotocol == SUBPROTOCOL:
                    back_off = self._first_back_off
                    await self._talk(wire)
                else:
                    await wire.close()
                    problem = f"the Central System does not speak {SUBPROTOCOL}"
            if problem is None and self.charge_point.link != "up":
                continue
            # JE 3.3: a refused charge point tries again, with a back-off; the jitter keeps a fleet out of step.
            wait = back_off * self.charge_point.jitter.uniform(0.75, 1.25)
            back_off = min(back_off * 2, LONGEST_BACK_OFF)
            self.charge_point.tell("reconnects", seconds=round(wait, 1), problem=problem)
            self._changed.set()
            await asyncio.sleep(wait)

    async def _talk(self, wire: Wire) -> None:
        self._wire = wire
        self.act(self.charge_point.connected)
        try:
            async for message in wire:
                self.charge_point.advance(simulator_clock())
                self.charge_point.receive(message)
                self._changed.set()
        finally:
            self._wire = None
            await wire.close()
            self.act(self.charge_point.disconnected)

    def _link_url(self) -> str:
        """With wss:// where its security profile wants TLS (whitepaper 2.1); host, port and path stay."""
        return self._url.replace("ws://", "wss://", 1) if self.charge_point.tls.wanted else self._url

    def _credentials(self) -> dict[str, str]:
        """Basic authentication (J 6.2): the identity and the password; in profile 3 the certificate does it."""
        password = self.charge_point.faults.password(self.charge_point.password)
        if password is None or self.charge_point.configuration.integer("SecurityProfile") == 3:
            return {}
        pair = f"{self.charge_point.identity}:{password}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
