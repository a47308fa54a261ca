"""Power and energy out of the meter values of a transaction, as `transaction.meter` gives them."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from csmsctl.display.table import Record

_POWER = "Power.Active.Import"
_ENERGY = "Energy.Active.Import.Register"
_THOUSANDFOLD = ("kw", "kwh")


class Reading(NamedTuple):
    """At a time (seconds since 1970) the power in W and the energy register in Wh; None: not sent."""

    time: float
    power: float | None
    register: float | None


def readings(meter_values: Sequence[Record]) -> Iterator[Reading]:
    """In the order in which they came."""
    for value in meter_values:
        samples = [sample for sample in value.get("samples") or [] if sample.get("format") != "SignedData"]
        time = datetime.fromisoformat(str(value.get("time"))).timestamp()
        power = _value(samples, _POWER, None)
        if power is None:
            phases = [part for phase in ("L1", "L2", "L3") if (part := _value(samples, _POWER, phase)) is not None]
            power = sum(phases) if phases else None
        yield Reading(time, power, _value(samples, _ENERGY, None))


def _value(samples: Sequence[Record], measurand: str, phase: str | None) -> float | None:
    """In W or Wh, at the outlet, which is where an absent location is (C 7.43)."""
    for sample in samples:
        if (
            sample.get("measurand") != measurand
            or (sample.get("phase") or None) != phase
            or sample.get("location") not in (None, "Outlet")
        ):
            continue
        try:
            number = float(sample.get("value") or "")
        except ValueError:
            continue
        if math.isfinite(number):
            return number * 1000 if str(sample.get("unit")).casefold() in _THOUSANDFOLD else number
    return None
