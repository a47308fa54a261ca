"""Executables that measure: what each says line by line is what else draws on a circuit."""

import asyncio
import contextlib
import logging

import msgspec

from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import fold
from csmsd.profiles.load_management.circuits import reading_of_amperes
from csmsd.profiles.policies import CircuitMeter, LoadPolicies
from csmsd.profiles.record import Event
from csmsd.runtime.executables import Failed, lines_of_executable
from csmsd.runtime.waking import Waker

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 10.0
_LONGEST_LINE = 4096
_PHASES = ("l1", "l2", "l3")


class CircuitMeters:
    """Keeps the executables of the settings running. One that ends is started again; meanwhile its readings grow old,
    and the reserve of its circuit counts."""

    def __init__(self, settings: LoadPolicies, live: LiveSite) -> None:
        self._settings = settings  # a reload changes it in place
        self._live = live
        self._waker = Waker()
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}

    def configure(self) -> None:
        """To be called when the settings have changed."""
        self._waker.wake()

    async def run(self) -> None:
        """Never returns."""
        try:
            while True:
                self._follow_settings()
                await self._waker.rest(None)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _follow_settings(self) -> None:
        wanted = {(meter.circuit, meter.command): meter for meter in self._settings.meters}
        for place in [place for place in self._running if place not in wanted]:
            self._running.pop(place).cancel()
        for place, meter in wanted.items():
            if place not in self._running:
                self._running[place] = asyncio.create_task(self._read(meter), name=f"meter of {meter.circuit}")

    async def _read(self, meter: CircuitMeter) -> None:
        told = ""
        while True:
            why = "ended"
            try:
                async with contextlib.aclosing(lines_of_executable(meter.command, _LONGEST_LINE)) as lines:
                    async for line in lines:
                        wrong = self._take(meter.circuit, line)
                        if wrong is not None and wrong != told:
                            log.warning("meter %s: %s", meter.command, wrong)
                        told = wrong or ""
            except Failed as failure:
                why = str(failure)
            log.warning("meter %s %s; again in %g s", meter.command, why, _AGAIN_SECONDS)
            await asyncio.sleep(_AGAIN_SECONDS)

    def _take(self, name: str, line: bytes) -> str | None:
        """What is wrong with it; None: nothing."""
        load = self._live.site.smart_charging.load
        circuit = load.circuit(name)
        if circuit is None:
            return f"there is no circuit {name}"
        try:
            told = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return "a line that is no JSON"
        if not isinstance(told, dict) or set(told) - set(_PHASES) or None in told.values() or not told:
            return 'a line that is not like {"l1": 12.4, "l2": 8, "l3": 9.1}'
        amperes = [told.get(phase) for phase in _PHASES]
        reading = reading_of_amperes(circuit, amperes, self._live.now())
        if reading is None:
            return "a line with what is no current"
        load.readings[fold(name)] = reading
        self._live.tell(Event("circuit.measured", None, {"circuit": circuit.name}))
        return None
