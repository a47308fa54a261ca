"""What holds of every verdict, whatever is sent."""

import math
from itertools import accumulate
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.energy.evidence import Boot, Evidence, Reading, Start, Stop, evidence_of_samples
from csmsd.profiles.core.energy.verdict import Verdict, reckon_verdict
from csmsd.profiles.core.metering import POWER
from tests.csmsd.profiles.core.energy.played import plainly
from tests.csmsd.profiles.scene import HOUR, NOON

MINUTE = 60_000

REGISTERS = st.integers(0, 20_000) | st.sampled_from([0, 1000, 5_000_000, 5_001_500]) | st.integers(-(10**16), 10**16)
CONTEXTS = st.sampled_from(["Sample.Periodic"] * 4 + ["Sample.Clock", "Transaction.Begin", "Transaction.End", "Other"])
MEASURANDS = st.sampled_from(
    ["Energy.Active.Import.Register"] * 5 + ["Energy.Active.Import.Interval", "Power.Active.Import"]
)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    return Reading(
        time=NOON + draw(st.integers(-1500, 90)) * MINUTE,
        value=float(draw(REGISTERS)),
        connector=draw(st.sampled_from([1, 1, 1, 1, 0, 2])),
        measurand=draw(MEASURANDS),
        context=draw(CONTEXTS),
        phase=draw(st.sampled_from(["", "", "", "L1", "L2", "L3", "N", "L1-N"])),
        location=draw(st.sampled_from(["Outlet", "Outlet", "Outlet", "Body", "Inlet", "EV"])),
        step=draw(st.sampled_from([1.0, 1.0, 10.0, 1000.0])),
    )


@st.composite
def told(draw: st.DrawFn, kind: Any, minute: int) -> Any:
    received_at = NOON + minute * MINUTE
    oddity = draw(st.sampled_from([None, None, None, None, "unreadable"]))
    offset = draw(st.sampled_from([0, 0, 0, 0, 120, -300, -4_300_000]))
    return kind(
        time=received_at if oddity else received_at + offset * MINUTE,
        received_at=received_at,
        register=draw(st.none() | REGISTERS.map(float)),
        oddity=oddity,
    )


def _boot(minute: int) -> Boot:
    at = NOON + minute * MINUTE
    return Boot(at - 10 * MINUTE, at)


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    return Evidence(
        connector=1,
        start=draw(told(Start, -60)),
        stop=draw(st.none() | told(Stop, 0)),
        readings=draw(st.lists(readings(), max_size=8)),
        boots=draw(st.lists(st.integers(-60, 0).map(_boot), max_size=2)),
        rating_w=draw(st.sampled_from([None, 11_000.0, 22_000.0])),
    )


@st.composite
def growing(draw: st.DrawFn, *, stop: bool | None = None) -> Evidence:
    """A transaction as it should be: on one register, in order, no faster than 22 kW."""
    start = draw(st.integers(0, 10**7))
    minutes = sorted(draw(st.sets(st.integers(-59, -1), min_size=1, max_size=10)))
    registers = accumulate([draw(st.integers(0, 300)) for _ in minutes], initial=start)
    rows = [
        Reading(NOON + minute * MINUTE, float(register), 1)
        for minute, register in zip(minutes, list(registers)[1:], strict=True)
    ]
    ends = draw(st.booleans()) if stop is None else stop
    end = Stop(NOON, NOON, rows[-1].value + draw(st.integers(0, 300)))
    begin = Start(NOON - HOUR, NOON - HOUR, float(start))
    return Evidence(1, begin, end if ends else None, rows, [], draw(st.sampled_from([None, 22_000.0])))


def span(given_evidence: Evidence) -> float:
    assert given_evidence.stop is not None
    assert given_evidence.stop.register is not None
    assert given_evidence.start.register is not None
    return given_evidence.stop.register - given_evidence.start.register


def with_readings(given_evidence: Evidence, rows: list[Reading]) -> Evidence:
    return msgspec.structs.replace(given_evidence, readings=rows)


# --- whatever is sent


@given(evidence())
def test_the_figure_is_between_its_bounds_never_negative_and_can_be_kept(sent: Evidence) -> None:
    verdict = reckon_verdict(sent)

    assert 0 <= verdict.at_least_wh <= verdict.energy_wh <= verdict.at_most_wh < 2**63


@given(evidence(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_says_nothing(sent: Evidence, random: Any) -> None:
    rows = list({row.time: row for row in sent.readings}.values())
    shuffled = random.sample(rows, len(rows))

    assert reckon_verdict(with_readings(sent, shuffled)) == reckon_verdict(with_readings(sent, rows))


@given(evidence(), st.data())
def test_a_repeated_reading_changes_nothing(sent: Evidence, data: st.DataObject) -> None:
    if not sent.readings:
        return
    repeated = data.draw(st.lists(st.sampled_from(sent.readings), max_size=3))

    assert reckon_verdict(with_readings(sent, sent.readings + repeated)) == reckon_verdict(sent)


@given(evidence())
def test_readings_of_other_connectors_say_nothing(sent: Evidence) -> None:
    own = [row for row in sent.readings if row.connector == 1]

    assert reckon_verdict(with_readings(sent, own)) == reckon_verdict(sent)


@given(st.lists(st.tuples(st.integers(-59, -1), st.integers(0, 10**7)), max_size=8), st.booleans())
def test_kwh_are_as_good_as_wh(told: list[tuple[int, int]], stops: bool) -> None:
    def verdict(unit: str) -> Verdict:
        rows: list[Reading] = []
        for minute, register in told:
            value = str(register) if unit == "Wh" else f"{register / 1000:.3f}"
            sample = SampledValue(value=value, unit=unit)  # type: ignore[arg-type]
            rows += evidence_of_samples([sample], connector=1, time=NOON + minute * MINUTE)
        stop = Stop(NOON, NOON, 9000.0) if stops else None
        return reckon_verdict(Evidence(1, Start(NOON - HOUR, NOON - HOUR, 1000.0), stop, rows))

    assert verdict("kWh") == verdict("Wh")


# --- what start and stop prove


@given(growing(stop=True))
def test_a_consistent_transaction_is_billed_without_a_mark(sent: Evidence) -> None:
    energy = round(span(sent))

    assert reckon_verdict(sent) == Verdict(energy, energy, energy, "start_and_stop")


@given(growing(stop=True), st.lists(st.tuples(st.integers(-59, -1), REGISTERS), max_size=3))
def test_readings_never_make_more_than_start_and_stop_prove(sent: Evidence, nonsense: list[tuple[int, int]]) -> None:
    if sent.stop is not None and not sent.stop.register:
        return  # 0 is told where the register is not known
    extra = [Reading(NOON + minute * MINUTE + 1, float(value), 1) for minute, value in nonsense[: len(sent.readings)]]

    assert reckon_verdict(with_readings(sent, sent.readings + extra)).energy_wh <= round(span(sent))


@given(growing(stop=False))
def test_stopped_right_after_the_last_reading_the_figure_is_the_one_that_ran(sent: Evidence) -> None:
    last = sent.readings[-1]
    stopped = msgspec.structs.replace(sent, stop=Stop(last.time, last.time, last.value))

    assert reckon_verdict(stopped).energy_wh == reckon_verdict(sent).energy_wh


@given(growing(stop=False), st.data())
def test_the_running_figure_never_falls_while_a_register_grows(sent: Evidence, data: st.DataObject) -> None:
    seen = data.draw(st.integers(0, len(sent.readings)))

    assert reckon_verdict(with_readings(sent, sent.readings[:seen])).energy_wh <= reckon_verdict(sent).energy_wh


@given(evidence())
def test_what_runs_comes_to_what_a_stop_without_a_register_would_prove(sent: Evidence) -> None:
    """Power goes on until the stop, and what is labelled as the end is the end only then."""
    rows = [row for row in sent.readings if row.context != "Transaction.End" and row.measurand != POWER]
    start = msgspec.structs.replace(sent.start, time=sent.start.received_at)
    now = NOON + 2 * HOUR
    runs = msgspec.structs.replace(with_readings(sent, rows), start=start, stop=None)
    stops = msgspec.structs.replace(runs, stop=Stop(now, now, None))

    running, stopped = reckon_verdict(runs), reckon_verdict(stops)

    assert running.energy_wh == stopped.energy_wh
    assert set(running.doubts) == set(stopped.doubts) - {"stop_register"}


# --- the fast path


@given(evidence())
def test_the_fast_path_agrees_or_keeps_silent(sent: Evidence) -> None:
    figure = plainly(sent)

    if figure is not None:
        verdict = reckon_verdict(sent)
        assert (verdict.energy_wh, verdict.at_most_wh, verdict.doubts) == (figure, figure, ())


@given(growing(), st.lists(readings(), max_size=2), st.data())
def test_the_fast_path_agrees_when_something_is_odd(sent: Evidence, odd: list[Reading], data: st.DataObject) -> None:
    rows = list(sent.readings)
    for row in odd:
        rows.insert(data.draw(st.integers(0, len(rows))), row)
    figure = plainly(with_readings(sent, rows))

    if figure is not None:
        verdict = reckon_verdict(with_readings(sent, rows))
        assert (verdict.energy_wh, verdict.at_most_wh, verdict.doubts) == (figure, figure, ())


@given(growing(stop=True), st.lists(st.floats(0, 12), min_size=10, max_size=10), st.floats(-12, 12), st.data())
def test_the_fast_path_agrees_on_registers_that_are_rounded(
    sent: Evidence, parts: list[float], more: float, data: st.DataObject
) -> None:
    """Readings have decimals, and start and stop whole Wh: the last one may be above the stop."""
    rows = [
        msgspec.structs.replace(row, value=round(row.value + part, 1))
        for row, part in zip(sent.readings, parts, strict=False)
    ]
    power = [
        Reading(row.time, data.draw(st.sampled_from([0.0, 700.0, 11_000.0, 40_000.0])), 1, measurand=POWER)
        for row in rows
        if data.draw(st.booleans())
    ]
    assert sent.stop is not None
    rounded = [sent.start.register, 0.0, float(math.ceil(rows[0].value)), float(round(rows[0].value + 9))]
    start = msgspec.structs.replace(sent.start, register=data.draw(st.sampled_from(rounded)))
    stop = msgspec.structs.replace(sent.stop, register=float(round(rows[-1].value + more)))
    told = msgspec.structs.replace(sent, start=start, stop=stop, readings=[*rows, *power])
    figure = plainly(told)

    if figure is not None:
        assert reckon_verdict(told) == Verdict(figure, figure, figure, "start_and_stop")


@given(growing())
def test_the_fast_path_knows_what_is_plain(sent: Evidence) -> None:
    """Readings that advance by next to nothing of what start and stop tell may be in kWh."""
    figure = plainly(sent)
    first, last = sent.readings[0].value, sent.readings[-1].value
    of_the_meter = not sent.start.register and last > first  # as far as can be seen

    if sent.stop is None or (
        span(sent) <= 100 * (last - (sent.start.register or 0)) > 0
        and not (of_the_meter and span(sent) > 100 * (last - first))
    ):
        assert figure == reckon_verdict(sent).energy_wh
