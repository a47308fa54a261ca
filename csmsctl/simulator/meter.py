"""The energy meter of a connector, with the car that draws from it. Pure: the same times give the same readings.

The register is the car's power, summed up over time. With `speed` 60 a second counts as a minute for energy, battery
and the car's manners, so that a demonstration of minutes shows a transaction of hours.
"""

import math
from collections.abc import Callable, Iterable
from typing import cast, get_args

from csmsctl.simulator.car import LEAST_OFFERED_A, NOMINAL_VOLTAGE, Car
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import Measurand, MeterValue, Phase, ReadingContext, SampledValue, UnitOfMeasure

_JUST_BELOW_A = LEAST_OFFERED_A - 1e-6
_MOST_STEPS = 3600

_PHASES: tuple[Phase, ...] = ("L1", "L2", "L3")
_PHASES_TO_NEUTRAL: tuple[Phase, ...] = ("L1-N", "L2-N", "L3-N")


class Meter:
    """Register and momentary values of one connector."""

    def __init__(
        self, *, rating_w: float = 22_000.0, register_wh: float = 0.0, speed: float = 1.0, ripple: float = 0.0
    ) -> None:
        self.rating_w = rating_w
        self.register_wh = register_wh
        self.limit_w: float | None = None  # what the charge point allows; 0 stops the energy
        self.limit_phases = len(_PHASES)
        self.paused = False  # the car has stopped drawing, for whatever reason of its own
        self.car: Car | None = None
        self._speed = speed
        self._ripple = ripple  # shifts the small swing of the voltage, so that connectors differ
        self._read_at = 0

    # --- what happens to it

    def begin(self, car: Car, now: int) -> None:
        """The car begins to draw power."""
        self.advance(now)
        self.car = car
        self.limit_w, self.limit_phases = None, len(_PHASES)
        self.paused = False

    def end(self, now: int) -> None:
        """The contactor opens."""
        self.advance(now)
        self.car = None
        self.limit_w, self.limit_phases = None, len(_PHASES)
        self.paused = False

    def pause(self, paused: bool, now: int) -> None:
        """The car stops drawing power, or goes on."""
        self.advance(now)
        self.paused = paused
        self._draw(0.0)

    def limit(self, limit_w: float | None, now: int, phases: int = 3) -> None:
        """From now on the charge point offers that much, on so many phases; None is as much as it has."""
        self.advance(now)
        self.limit_w, self.limit_phases = limit_w, phases
        self._draw(0.0)

    def advance(self, now: int) -> None:
        """Adds up the energy until now."""
        elapsed = max(0, now - self._read_at) / 1000 * self._speed
        self._read_at = max(now, self._read_at)
        if self.car is None or elapsed == 0:
            return
        steps = max(1, min(math.ceil(elapsed), _MOST_STEPS))
        for _ in range(steps):
            self._draw(elapsed / steps)

    def real_seconds(self, seconds: float) -> float:
        """How long that takes of the car's seconds."""
        return seconds / self._speed

    def _draw(self, seconds: float) -> None:
        if self.car is not None:
            self.register_wh += self.car.draw(0.0 if self.paused else self._offered_to(self.car), seconds, self.phases)

    def _offered_to(self, car: Car) -> float:
        """One that is greedy takes what it can get, unless the contactor is open."""
        return self.rating_a if car.greedy and not self.withheld else self.offered_a

    # --- what it shows

    @property
    def wh(self) -> int:
        """The register as it is displayed: whole Wh, never more than has flowed."""
        return int(self.register_wh)

    @property
    def phases(self) -> int:
        """Those that are used, or could be."""
        return min(self.limit_phases, len(_PHASES) if self.car is None else self.car.phases)

    @property
    def rating_a(self) -> float:
        """On each phase."""
        return self.rating_w / NOMINAL_VOLTAGE / len(_PHASES)

    @property
    def withheld(self) -> bool:
        """Whether the limit is so low that the charge point offers nothing."""
        return self.limit_w is not None and self.limit_w / NOMINAL_VOLTAGE / self.phases < _JUST_BELOW_A

    @property
    def offered_a(self) -> float:
        """On each of the phases."""
        if self.limit_w is None:
            return self.rating_a
        return 0.0 if self.withheld else min(self.rating_a, self.limit_w / NOMINAL_VOLTAGE / self.phases)

    @property
    def suspended(self) -> bool:
        """Whether the car draws nothing of what it is offered: it is full, asleep, or still to begin."""
        return self.paused or (self.car is not None and not self.car.awake_with(self._offered_to(self.car)))

    @property
    def current_a(self) -> float:
        """What flows on each of the phases."""
        return 0.0 if self.car is None else self.car.current_a

    @property
    def power_w(self) -> float:
        return self.current_a * NOMINAL_VOLTAGE * self.phases

    @property
    def full(self) -> bool:
        return self.car is not None and self.car.full

    def sample(self, measurands: Iterable[str], context: ReadingContext, now: int, timestamp: int) -> MeterValue:
        """The readings that are configured, all of the same moment."""
        self.advance(now)
        values = [value for name in measurands for value in self._read(name, context)]
        return MeterValue(timestamp=format_timestamp(timestamp), sampled_value=values)

    def _read(self, name: str, context: ReadingContext) -> list[SampledValue]:
        measurand, phase = split_meter_measurand(name)
        reading = _READINGS.get(measurand)
        if reading is None:
            return []
        unit, phases, read = reading
        wanted: tuple[Phase | None, ...] = (phase,) if phase is not None else phases or (None,)
        values = []
        for one in wanted:
            number = read(self, int(one[1]) - 1 if one else 0)
            if number is not None:
                values.append(SampledValue(value=number, context=context, measurand=measurand, phase=one, unit=unit))
        return values

    @property
    def frequency(self) -> float:
        return 50 + 0.02 * math.sin(self._read_at / 30_000 + self._ripple)

    def voltage(self, phase: int) -> float:
        swing = math.sin(self._read_at / 60_000 + self._ripple + phase * 2)
        return NOMINAL_VOLTAGE + 0.9 * swing  # so little that power is still current times nominal voltage

    def current(self, phase: int) -> float:
        """On one phase, in A."""
        return 0.0 if phase >= self.phases else self.current_a


def split_meter_measurand(name: str) -> tuple[Measurand, Phase | None]:
    """`Voltage.L1` is a measurand of one phase (C 9.1.17); `SoC` has none."""
    head, _, tail = name.rpartition(".")
    if head and tail in get_args(Phase):
        return cast(Measurand, head), cast(Phase, tail)
    return cast(Measurand, name), None


def is_measurable_by_meter(name: str) -> bool:
    """Whether this meter knows the measurand, and its phases if one is named."""
    measurand, phase = split_meter_measurand(name)
    if measurand not in _READINGS:
        return False
    return phase is None or (bool(_READINGS[measurand][1]) and phase in _PHASES + _PHASES_TO_NEUTRAL)


_Reader = Callable[[Meter, int], str | None]

# Measurand: unit, the phases it is reported for, and how it is read.
_READINGS: dict[Measurand, tuple[UnitOfMeasure | None, tuple[Phase, ...], _Reader]] = {
    "Energy.Active.Import.Register": ("Wh", (), lambda meter, _: str(meter.wh)),
    "Power.Active.Import": ("W", (), lambda meter, _: f"{meter.power_w:.1f}"),
    "Power.Offered": ("W", (), lambda meter, _: f"{meter.offered_a * NOMINAL_VOLTAGE * meter.phases:.1f}"),
    "Current.Import": ("A", _PHASES, lambda meter, phase: f"{meter.current(phase):.2f}"),
    "Current.Offered": ("A", (), lambda meter, _: f"{meter.offered_a:.2f}"),
    "Voltage": ("V", _PHASES_TO_NEUTRAL, lambda meter, phase: f"{meter.voltage(phase):.1f}"),
    "SoC": ("Percent", (), lambda meter, _: None if meter.car is None else f"{meter.car.soc:.1f}"),
    "Temperature": ("Celsius", (), lambda meter, _: f"{24 + meter.power_w / 1000:.1f}"),
    # CE 3.84: OCPP 1.6 has no unit for hertz, so none is sent.
    "Frequency": (None, (), lambda meter, _: f"{meter.frequency:.2f}"),
}
