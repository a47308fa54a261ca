"""Whose figure is right: the energy of a transaction by all evidence, with its basis and its doubts.

`reckon(evidence)` is a pure function: of the same evidence it makes the same verdict, in whatever order it arrived
(readings of the same time count in the order of their arrival). A running transaction has a running figure by the same
rules: what is known up to the last reading. See `evidence` for what to give, `doubts` for what may be doubted, and
`plain` for the figure of transactions that need none of this.
"""

from typing import Literal

import msgspec

from csmsd.profiles.core.energy.agreement import Finding, exact_finding
from csmsd.profiles.core.energy.clocks import Clocks, own_readings_by_clocks, read_clocks
from csmsd.profiles.core.energy.doubts import Doubt, ordered_doubts
from csmsd.profiles.core.energy.drawn import Drawn, drawn_by_power
from csmsd.profiles.core.energy.evidence import Evidence, Reading
from csmsd.profiles.core.energy.intervals_and_power import energy_by_intervals, energy_by_power
from csmsd.profiles.core.energy.plain import (
    CHARGING_W,
    HOUR,
    LIMIT_WH,
    OFTEN,
    ROUNDING_WH,
    WALLBOX_W,
    plain_reach,
    too_much_drawn,
    too_much_told,
)
from csmsd.profiles.core.energy.registers import judge_register
from csmsd.profiles.core.energy.streams import Stream, choose_stream

Basis = Literal["start_and_stop", "readings", "phases", "intervals", "power", "nothing"]

BASES: dict[Basis, str] = {
    "start_and_stop": "what the registers of start and stop differ by",
    "readings": "the readings of the register",
    "phases": "the readings of the registers of the phases, together",
    "intervals": "the energy of the intervals, together",
    "power": "the power over time",
    "nothing": "nothing that tells energy",
}


def basis_of_verdict_text(basis: str) -> str:
    """A basis in words, also one that another version knew."""
    known: dict[str, str] = {str(name): text for name, text in BASES.items()}
    return known.get(basis, basis)


_INTERVALS_ARE_ROUGH = 1.2
_INTERVALS_SAY_WH = 200.0


class Verdict(msgspec.Struct, frozen=True):
    """Wh: the figure, and what it is at least and at most. Without doubts it is billed as it is."""

    energy_wh: int
    at_least_wh: int
    at_most_wh: int
    basis: Basis
    doubts: tuple[Doubt, ...] = ()


def reckon_verdict(evidence: Evidence) -> Verdict:
    """The energy of one transaction."""
    clocks = read_clocks(evidence)
    own, clocks = own_readings_by_clocks(evidence, clocks)
    start, stop = _usable_for_verdict(evidence.start.register), None
    if evidence.stop is not None:
        stop = _usable_for_verdict(evidence.stop.register)
    stopped = evidence.stop is not None
    stream = choose_stream(own, start=start, began=clocks.began, stopped=stopped)
    drawn = drawn_by_power(own, clocks)
    shows_nothing = stream is None or (stream.is_dead and not stream.absurd)
    if stream is not None and not (shows_nothing and start is not None and (stop is None or start == stop == 0)):
        finding = judge_register(
            stream, start=start, stop=stop, stopped=stopped, clocks=clocks, boots=evidence.boots, drawn=drawn
        )
        basis = _basis_of_verdict(finding, stream, start, stop)
    else:
        finding, basis = _verdict_without_register(own, drawn, start, stop, evidence, clocks)
    if not finding.doubts - {"stop_register"} and (stop is None or basis == "start_and_stop"):
        if stop is None:
            own, clocks_then = _up_to_register(own, stream, clocks)
            finding = _held_against(finding, own, drawn_by_power(own, clocks_then), clocks_then)
        else:
            finding = _held_against(finding, own, drawn, clocks)
    energy = max(0, round(finding.energy))  # registers that are rounded may seem to go back a little
    return Verdict(
        energy,
        max(0, min(energy, round(finding.low))),
        max(energy, round(finding.high)),
        basis,
        ordered_doubts(set(finding.doubts | clocks.doubts)),
    )


def verdict_of_evidence(evidence: Evidence) -> Verdict:
    """As `reckon_verdict`; where that fails, which is a mistake in it, what start and stop tell, in doubt.

    A stop is to be stored whatever was read (C 4.10).
    """
    try:
        return reckon_verdict(evidence)
    except Exception:
        return _verdict_of_ends(evidence)


def _verdict_of_ends(evidence: Evidence) -> Verdict:
    start = _usable_for_verdict(evidence.start.register)
    stop = _usable_for_verdict(evidence.stop.register) if evidence.stop is not None else None
    if start is None or stop is None:
        return Verdict(0, 0, 0, "nothing", ("unjudged",))
    energy = round(max(0.0, stop - start))
    return Verdict(energy, 0, energy, "start_and_stop", ("unjudged",))


def _usable_for_verdict(register: float | None) -> float | None:
    return register if register is not None and 0 <= register < LIMIT_WH else None  # some tell -1 for unknown


def _basis_of_verdict(finding: Finding, stream: Stream, start: float | None, stop: float | None) -> Basis:
    if start is not None and stop is not None and stop >= start and abs(finding.energy - (stop - start)) < 1:
        return "start_and_stop"
    return "phases" if stream.phases else "readings"


def _verdict_without_register(
    own: list[Reading], drawn: Drawn, start: float | None, stop: float | None, evidence: Evidence, clocks: Clocks
) -> tuple[Finding, Basis]:
    """Start and stop alone, or intervals, or power."""
    told = start is not None and stop is not None
    if told and not start == stop == 0:
        finding = judge_register(
            Stream(), start=start, stop=stop, stopped=True, clocks=clocks, boots=evidence.boots, drawn=Drawn()
        )
        return finding, "start_and_stop"
    summed = energy_by_intervals(own, clocks.began)
    if summed is not None and summed.counts_on:
        return Finding(summed.largest, summed.largest, summed.energy, frozenset({"readings_disagree"})), "intervals"
    if summed is not None:
        return exact_finding(summed.energy), "intervals"
    estimate = energy_by_power(drawn, clocks)
    if estimate is not None and estimate.likely > ROUNDING_WH:
        energy = estimate.likely
        until = clocks.ended if clocks.ended is not None else own[-1].time
        return Finding(energy, 0.0, max(energy, clocks.since_start(until)), frozenset({"estimate"})), "power"
    if told:
        return exact_finding(0.0), "start_and_stop"
    doubts: set[Doubt] = set()
    if start is None:
        doubts.add("start_register")
    if evidence.stop is None:
        return exact_finding(0.0, *doubts), "nothing"
    if stop is None:
        doubts.add("stop_register")
    return Finding(0.0, 0.0, clocks.since_start(clocks.ended), frozenset(doubts)), "nothing"


def _up_to_register(own: list[Reading], stream: Stream | None, clocks: Clocks) -> tuple[list[Reading], Clocks]:
    """What was read until the register was, which may be read seldom, or stand still for a while; no stop tells it."""
    points = stream.points if stream is not None else []
    if not points:
        return [], clocks
    advanced = next(point.time for point in points if point.wh >= points[-1].wh)
    until = max(advanced, points[-1].time - OFTEN)
    return [reading for reading in own if reading.time <= until], msgspec.structs.replace(clocks, ended=until)


def _held_against(finding: Finding, own: list[Reading], drawn: Drawn, clocks: Clocks) -> Finding:
    """What registers tell without a doubt, against power and intervals."""
    ends = finding.doubts
    finding = Finding(finding.energy, finding.low, finding.high)
    held = _verdict_against_intervals(_verdict_against_power(finding, drawn, clocks), own, clocks)
    return _told_too_much(held, drawn, clocks).doubted(*ends)


def _verdict_against_power(finding: Finding, drawn: Drawn, clocks: Clocks) -> Finding:
    """Power cannot tell a figure where registers do, but that they tell nearly nothing while much is drawn."""
    estimate = energy_by_power(drawn, clocks)
    if estimate is None or estimate.least < too_much_drawn(finding.energy):
        return finding
    kilo = _verdict_in_unit_of_power(finding, drawn, clocks)
    if kilo.doubts:
        return Finding(kilo.energy, finding.energy, kilo.energy + 1000, kilo.doubts)
    return Finding(finding.energy, finding.low, max(finding.high, estimate.likely), frozenset({"readings_disagree"}))


def _told_too_much(finding: Finding, drawn: Drawn, clocks: Clocks) -> Finding:
    """More than a wallbox delivers, and many times what the power, which was read all the while, leaves room for."""
    began, ended = clocks.began, clocks.ended
    if finding.doubts or began is None or ended is None or finding.energy <= plain_reach(WALLBOX_W, ended - began):
        return finding
    if ended - began < OFTEN:
        return finding  # too short for power to tell energy
    estimate = energy_by_power(drawn, clocks)
    if estimate is None or finding.energy < too_much_told(estimate.most):
        return finding
    if estimate.likely * HOUR < CHARGING_W * (ended - began):
        return finding
    return finding.doubted("readings_disagree", low=min(finding.low, estimate.likely))


def _verdict_in_unit_of_power(finding: Finding, drawn: Drawn, clocks: Clocks) -> Finding:
    """A thousandfold, where the power says that it is kWh that were told as Wh."""
    estimate = energy_by_power(drawn, clocks)
    kilo = finding.energy * 1000
    if estimate is None or not kilo or estimate.least < too_much_drawn(finding.energy):
        return finding
    if not estimate.least / 2 <= kilo <= 2 * estimate.likely or kilo > clocks.since_start(clocks.ended):
        return finding
    return exact_finding(kilo, "unit")


def _verdict_against_intervals(finding: Finding, own: list[Reading], clocks: Clocks) -> Finding:
    """Intervals, too, contradict registers that tell much less; some count on where they should begin anew."""
    summed = energy_by_intervals(own, clocks.began)
    if summed is None or finding.doubts:
        return finding
    least = summed.energy if not summed.grows else summed.largest
    if least <= finding.energy * _INTERVALS_ARE_ROUGH + _INTERVALS_SAY_WH:
        return finding
    return Finding(finding.energy, finding.low, max(finding.high, least), frozenset({"readings_disagree"}))
