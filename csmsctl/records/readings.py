"""Power and energy out of the meter values of a transaction, as `transaction.meter` gives them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from csmsctl.display.table import Record
from csmsd.ocpp.measurands import over_phases
from csmsd.ocpp.numbers import parse_number

_POWER = "Power.Active.Import"
_ENERGY = "Energy.Active.Import.Register"
_THOUSANDFOLD = ("kw", "kwh")


class Reading(NamedTuple):
    """At a time (seconds since 1970) the power in W and the energy register in Wh; None: not sent."""

    time: float
    power: float | None
    register: float | None


def readings(meter_values: Iterable[Record]) -> Iterator[Reading]:
    """In the order in which they came."""
    for value in meter_values:
        samples = [sample for sample in value.get("samples") or [] if sample.get("format") != "SignedData"]
        time = datetime.fromisoformat(str(value.get("time"))).timestamp()
        power = [sample for sample in samples if sample.get("measurand") == _POWER and sample.get("location") != "EV"]
        # Elsewhere in the charge point it is nearly the same, where a register may be another one.
        power = [sample for sample in power if _reading_at_outlet(sample)] or power
        energy = [sample for sample in samples if sample.get("measurand") == _ENERGY and _reading_at_outlet(sample)]
        yield Reading(time, over_phases(_readings_by_phase(power)), _readings_by_phase(energy).get(""))


def _reading_at_outlet(sample: Record) -> bool:
    return sample.get("location") in (None, "", "Outlet")  # an absent location means Outlet (C 7.43)


def _readings_by_phase(samples: Sequence[Record]) -> dict[str, float]:
    """In W or Wh; the total is that of no phase."""
    found: dict[str, float] = {}
    for sample in samples:
        number = parse_number(str(sample.get("value") or ""))
        if number is not None:
            factor = 1000 if str(sample.get("unit")).casefold() in _THOUSANDFOLD else 1
            found.setdefault(str(sample.get("phase") or ""), number * factor)
    return found
