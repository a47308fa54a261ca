"""One run of simulated charge points: what starts them, what is printed, and what ends them."""

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable

from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.circuits import Circuits
from csmsctl.simulator.connection import Connection, simulator_clock
from csmsctl.simulator.control import NotUnderstood, understand_circuit_line, understand_control_line
from csmsctl.simulator.notice import Notice
from csmsd.profiles.load_management.circuits import Circuit, Member

_MEASURED_EVERY_S = 0.25  # what flows in the circuits


class Simulation:
    """All charge points of one run, until something ends it. `report` and `complain` print."""

    def __init__(
        self,
        charge_points: list[ChargePoint],
        url: str,
        report: Callable[[Notice], None],
        complain: Callable[[str], None],
        *,
        circuits: list[Circuit] | None = None,
        members: list[Member] | None = None,
        speed: float = 1.0,
    ) -> None:
        self._charge_points = {charge_point.identity: charge_point for charge_point in charge_points}
        self._connections = {
            identity: Connection(charge_point, url, self._report)
            for identity, charge_point in self._charge_points.items()
        }
        self._print = report
        self._complain = complain
        self.circuits = Circuits(
            circuits or [],
            members or [],
            charge_points,
            now=simulator_clock(),
            speed=speed,
            act=lambda charge_point, action: self._connections[charge_point.identity].act(action),
            report=self._report,
        )
        self._end = asyncio.Event()
        self._signal: int | None = None
        self._failure: OSError | None = None

    async def run(self, duration: float | None, *, controlled: bool) -> int | None:
        """Returns the number of the signal that ended it, if one did."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._signalled, number)
        if controlled:
            # A thread, since asyncio cannot wait for a file; a daemon one, since nothing can wake it.
            threading.Thread(target=self._read, args=(loop, duration is None), daemon=True).start()
        tasks = [asyncio.create_task(connection.run()) for connection in self._connections.values()]
        if self.circuits.lines:
            tasks.append(asyncio.create_task(self._measure()))
        ended = asyncio.create_task(self._end.wait())
        done, _ = await asyncio.wait([ended, *tasks], timeout=duration, return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, *tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.circuits.sum_up()
        for task in done:
            task.result()  # a charge point never ends by itself, unless something is wrong here
        if self._failure is not None:
            raise self._failure
        return self._signal

    async def _measure(self) -> None:
        while True:
            self.circuits.advance(simulator_clock())
            await asyncio.sleep(_MEASURED_EVERY_S)

    def _report(self, notice: Notice) -> None:
        if self._failure is not None:
            return
        try:
            self._print(notice)
        except OSError as failure:  # the reader has gone, or the disk is full
            self._failure = failure
            self._end.set()

    def _signalled(self, number: int) -> None:
        self._signal = number
        self._end.set()

    def end(self) -> None:
        """Now."""
        self._end.set()

    # --- commands on standard input

    def _read(self, loop: asyncio.AbstractEventLoop, end_with_input: bool) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            for line in sys.stdin:
                loop.call_soon_threadsafe(self.obey, line)
            if end_with_input:
                loop.call_soon_threadsafe(self._end.set)

    def obey(self, line: str) -> None:
        """Does what a line says now; what it does not understand it complains of."""
        if line.strip() == "quit":
            self.end()
            return
        try:
            circuit_action = understand_circuit_line(line, self.circuits)
            if circuit_action is not None:
                circuit_action()
                return
            understood = understand_control_line(line, self._charge_points)
        except NotUnderstood as error:
            self._complain(str(error))
            return
        if understood is not None:
            charge_point, action = understood
            self._connections[charge_point.identity].act(action)
