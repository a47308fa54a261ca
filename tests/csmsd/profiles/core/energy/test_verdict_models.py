"""Models of charge points that are odd but consistent: what they charge is billed to the Wh, and without a mark."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.energy.evidence import Evidence, Reading, Start, Stop, evidence_of_samples
from csmsd.profiles.core.energy.verdict import reckon_verdict
from tests.csmsd.profiles.scene import HOUR, NOON

MINUTE = 60_000


class Charge(msgspec.Struct, frozen=True):
    """What a car really took: the meter at the start, Wh after each minute, and when it was read."""

    meter: int
    curve: list[int]
    minutes: list[int]

    def at(self, minute: int) -> int:
        return self.curve[min(minute, len(self.curve) - 1)]

    @property
    def energy(self) -> int:
        return self.curve[-1]


@st.composite
def charges(draw: st.DrawFn) -> Charge:
    """Up to 22 kW, with pauses, for 20 minutes to five hours."""
    length = draw(st.integers(20, 300))
    paces = draw(st.lists(st.sampled_from([0, 20, 60, 115, 180, 366]), min_size=1, max_size=4))
    curve = [0]
    for minute in range(length):
        curve.append(curve[-1] + paces[minute * len(paces) // length])
    every = draw(st.sampled_from([1, 5, 10]))
    meter = draw(st.integers(200_000, 10**8))
    return Charge(meter, curve, list(range(every, length + 1, every)))


class Model(msgspec.Struct, frozen=True):
    """How a charge point tells it."""

    samples_from_zero: bool = False
    ends_from_zero: bool = False  # start and stop
    unit: str = "Wh"
    decimals: int = 0
    begin_each_time: bool = False
    location: str | None = None
    phases: tuple[str, ...] = ()
    total_on: str | None = None
    ahead: int = 0  # minutes
    lag: int = 0  # minutes that a reading is old
    newest_first: bool = False
    twice: bool = False
    main_meter: bool = False
    clock_aligned_meter: bool = False  # Sample.Clock tells the meter, whatever the samples tell
    end_after_stop: bool = False
    losses: bool = False  # the inlet beside the outlet


def tell(model: Model, charge: Charge, *, until: int | None = None) -> Evidence:
    """The evidence when the transaction has stopped, or as it runs at a minute."""
    began = NOON - 5 * HOUR
    base = 0 if model.samples_from_zero else charge.meter
    rows: list[Reading] = []

    def told(minute: int, wh: float, *, connector: int = 1, **fields: Any) -> None:
        value = f"{wh / 1000:.{model.decimals}f}" if model.unit == "kWh" else str(round(wh))
        fields.setdefault("location", model.location)
        sample = SampledValue(value=value, unit=model.unit, **fields)  # type: ignore[arg-type]
        time = began + (minute + model.ahead) * MINUTE
        rows.extend(evidence_of_samples([sample], connector=connector, time=time))

    for minute in charge.minutes:
        if until is not None and minute > until:
            break
        wh = base + charge.at(max(0, minute - model.lag))
        if model.phases:
            for phase in model.phases:
                told(minute, wh / len(model.phases), phase=phase)
        else:
            told(minute, wh, phase=model.total_on)
        if model.losses:
            told(minute, wh * 1.04 + 7, location="Inlet")
        if model.begin_each_time:
            told(minute, base, context="Transaction.Begin")
        if model.main_meter:
            told(minute, charge.meter * 3 + minute * 500, connector=0)
        if model.clock_aligned_meter:
            told(minute, charge.meter + charge.at(minute), context="Sample.Clock")
    ends = 0 if model.ends_from_zero else charge.meter
    length = len(charge.curve) - 1
    if model.end_after_stop and until is None:
        told(length, base + charge.energy, context="Transaction.End")
    if model.newest_first:
        rows.reverse()
    if model.twice:
        rows += rows
    start = Start(began + model.ahead * MINUTE, began, float(ends))
    stopped = began + length * MINUTE
    stop = Stop(stopped + model.ahead * MINUTE, stopped, float(ends + charge.energy)) if until is None else None
    return Evidence(1, start, stop, rows, [], 22_000.0)


MODELS = {
    "plain": Model(),
    "kWh": Model(unit="kWh", decimals=3),
    "kWh with two decimals": Model(unit="kWh", decimals=2),
    "kWh with one decimal": Model(unit="kWh", decimals=1),
    "whole kWh": Model(unit="kWh", decimals=0),
    "samples from 0": Model(samples_from_zero=True),
    "samples from 0 in kWh": Model(samples_from_zero=True, unit="kWh", decimals=3),
    "start and stop from 0, samples of the meter": Model(ends_from_zero=True),
    "all from 0": Model(samples_from_zero=True, ends_from_zero=True),
    "Begin in each reading": Model(begin_each_time=True),
    "Begin in each reading, in whole kWh": Model(begin_each_time=True, unit="kWh", decimals=0),
    "Begin of the meter, start and stop from 0": Model(begin_each_time=True, ends_from_zero=True),
    "Begin of 0, start and stop of the meter": Model(begin_each_time=True, samples_from_zero=True),
    "at the body": Model(location="Body"),
    "at the inlet": Model(location="Inlet"),
    "losses": Model(losses=True),
    "phases": Model(phases=("L1", "L2", "L3")),
    "phases to neutral": Model(phases=("L1-N", "L2-N", "L3-N")),
    "phases from 0": Model(phases=("L1", "L2", "L3"), samples_from_zero=True),
    "two phases in kWh": Model(phases=("L1", "L3"), unit="kWh", decimals=3),
    "a total on L1": Model(total_on="L1", location="Body"),
    "a total on N": Model(total_on="N"),
    "two hours ahead": Model(ahead=120),
    "five hours behind": Model(ahead=-300),
    "readings a minute old": Model(lag=1),
    "newest first": Model(newest_first=True),
    "everything twice": Model(twice=True, begin_each_time=True),
    "with the main meter": Model(main_meter=True),
    "clock-aligned readings of the meter, all else from 0": Model(
        samples_from_zero=True, ends_from_zero=True, clock_aligned_meter=True
    ),
    "clock-aligned readings of the meter, samples from 0": Model(samples_from_zero=True, clock_aligned_meter=True),
    "End after the stop": Model(end_after_stop=True),
    "End after the stop, from 0": Model(end_after_stop=True, samples_from_zero=True),
    "ahead, kWh, from 0, twice": Model(ahead=60, unit="kWh", decimals=2, samples_from_zero=True, twice=True),
}


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=20)
@given(charge=charges())
def test_a_consistent_model_is_billed_without_a_mark(name: str, charge: Charge) -> None:
    verdict = reckon_verdict(tell(MODELS[name], charge))

    assert verdict.doubts == ()
    assert verdict.at_least_wh == verdict.energy_wh == verdict.at_most_wh == charge.energy


# What came before the first reading is not known while these run.
BLIND = {"start and stop from 0, samples of the meter"}


@pytest.mark.parametrize("name", [name for name in MODELS if name not in BLIND])
@settings(max_examples=20)
@given(charge=charges(), part=st.floats(0.1, 1))
def test_its_running_figure_is_what_was_read(name: str, charge: Charge, part: float) -> None:
    model = MODELS[name]
    until = math.ceil(part * (len(charge.curve) - 1))
    read = [minute for minute in charge.minutes if minute <= until]
    verdict = reckon_verdict(tell(model, charge, until=until))

    # Rounded up or down, twice where the start is told by a rounded reading as well.
    step = 1000 / 10**model.decimals * max(1, len(model.phases)) if model.unit == "kWh" else len(model.phases)
    taken = charge.at(max(0, read[-1] - model.lag)) if read else 0
    assert verdict.doubts == ()
    assert abs(verdict.energy_wh - taken) <= step + 1
