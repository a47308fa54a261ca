"""What is known of a transaction's energy: the input of `verdict.reckon_verdict`, whatever order it arrived in.

Times are ms since 1970 UTC, energy is Wh, power is W. To collect it:

- `Start` and `Stop` are what StartTransaction and StopTransaction told. `time` is `read_time(…).time`, `oddity` is
  `read_time(…).oddity`; `register` is None where the message had no register that could be read.
- `readings` are those of all MeterValues and transactionData that are kept with the transaction, in order of arrival:
  `evidence_of_samples` makes them from a kept row's connector, time and samples. Which of them belong to the
  transaction `reckon_verdict` finds out.
- `boots` are the BootNotifications that arrived between start and stop.
- `rating_w` is what the connector can deliver, None where that is not known.
"""

import math

import msgspec

from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.metering import (
    POWER,
    decode_metered_values,
    metered_number,
    metered_numbers,
    shape_of_metering,
    unpack_metered,
)
from csmsd.profiles.record import Milliseconds

REGISTER = "Energy.Active.Import.Register"
INTERVAL = "Energy.Active.Import.Interval"
_UNITS = {REGISTER: "Wh", INTERVAL: "Wh", POWER: "W"}

BEGIN = "Transaction.Begin"
END = "Transaction.End"
CLOCK = "Sample.Clock"
PERIODIC = "Sample.Periodic"
PAUSED = "Interruption.Begin"
RESUMED = "Interruption.End"


class Told(msgspec.Struct, frozen=True, gc=False):
    """A register as StartTransaction or StopTransaction told it (C 4.8, 4.10)."""

    time: Milliseconds
    received_at: Milliseconds
    register: float | None
    oddity: str | None = None  # why `time` is not the charge point's own


class Start(Told, frozen=True, gc=False):
    pass


class Stop(Told, frozen=True, gc=False):
    pass


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One number of a MeterValue (C 7.33, 7.43), with the defaults of the specification filled in."""

    time: Milliseconds
    value: float  # Wh or W
    connector: int
    measurand: str = REGISTER
    context: str = PERIODIC
    phase: str = ""
    location: str = "Outlet"
    step: float = 1.0  # the last decimal place that was written, in Wh or W
    timed: bool = True  # else `time` is a guess: that of its arrival, or of what was told beside it


class Boot(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A BootNotification that arrived at `at`, when nothing later than `after` had been measured.

    Readings may be told late, and by a clock that is not ours: the charge point started anew between the two.
    """

    after: Milliseconds
    at: Milliseconds


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Everything that bears on the energy of one transaction; without `stop` it is running, or was never stopped."""

    connector: int
    start: Start
    stop: Stop | None = None
    readings: list[Reading] = []
    boots: list[Boot] = []
    rating_w: float | None = None


def evidence_of_samples(
    samples: list[SampledValue], *, connector: int, time: Milliseconds, timed: bool = True
) -> list[Reading]:
    """What the samples of one MeterValue say about energy; signed, unreadable and other samples say nothing."""
    found = []
    for sample in samples:
        measurand = sample.measurand or REGISTER
        unit = _UNITS.get(measurand)
        read = metered_number(sample) if unit is not None else None
        if read is None or read[1] != unit or not math.isfinite(read[0]):
            continue
        found.append(
            Reading(
                time=time,
                value=round(read[0], 6),  # 12.345 kWh are 12345 Wh
                connector=connector,
                measurand=measurand,
                context=sample.context or PERIODIC,
                phase=sample.phase or "",
                location=sample.location or "Outlet",
                step=_step_of_evidence(sample.value, 1000.0 if _is_kilo(sample.unit) else 1.0),
                timed=timed,
            )
        )
    return found


def evidence_of_row(
    shape: str | None, samples: str, *, connector: int, time: Milliseconds, timed: bool = True
) -> list[Reading]:
    """As `evidence_of_samples`, of a row as it is kept: what its samples mean is known of all rows of its shape."""
    if shape is None:
        return evidence_of_samples(unpack_metered(None, samples), connector=connector, time=time, timed=timed)
    values = decode_metered_values(samples)
    numbers, _ = metered_numbers(values)
    found = []
    for place, (measurand, context, phase, location), factor in shape_of_metering(shape).telling:
        number = numbers[place]
        if number is None or not math.isfinite(number * factor):
            continue
        step = _step_of_evidence(values[place], factor)
        value = round(number * factor, 6)
        found.append(Reading(time, value, connector, measurand, context, phase, location, step, timed))
    return found


def _is_kilo(unit: str | None) -> bool:
    return (unit or "").strip().casefold().startswith("k")


def _step_of_evidence(value: str, factor: float) -> float:
    """How coarse a number is, as it is written: 12.3 kWh stands for a multiple of 100 Wh."""
    _, _, decimals = value.strip().replace(",", ".").partition(".")
    return factor / 10 ** len(decimals) if not decimals or decimals.isdecimal() else 1.0
