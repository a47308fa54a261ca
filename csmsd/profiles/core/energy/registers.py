"""What a register says about the energy: start, stop and the readings between them, held against each other."""

import msgspec

from csmsd.profiles.core.energy.agreement import Case, Finding, exact_finding
from csmsd.profiles.core.energy.at_the_end import held_against_end
from csmsd.profiles.core.energy.clocks import Clocks
from csmsd.profiles.core.energy.closing import closing_energy
from csmsd.profiles.core.energy.doubts import Doubt
from csmsd.profiles.core.energy.drawn import Drawn
from csmsd.profiles.core.energy.evidence import CLOCK, Boot
from csmsd.profiles.core.energy.plain import LAG_WH, ROUNDING_WH, plain_reach
from csmsd.profiles.core.energy.running import running_energy
from csmsd.profiles.core.energy.streams import Point, Stream, grid_of_stream
from csmsd.profiles.core.energy.units import tells_thousandths, thousandfold_gain


def judge_register(
    stream: Stream,
    *,
    start: float | None,
    stop: float | None,
    stopped: bool,
    clocks: Clocks,
    boots: list[Boot],
    drawn: Drawn,
) -> Finding:
    """What the register that carries the bill says, with what start and stop told."""
    end = stream.end if stream.end is not None and (stream.end.wh or not start) else None  # 0 is not known, there too
    points = stream.points if end is None else [*stream.points, end]
    if start == 0 and stop == 0:
        read = [*([stream.begin] if stream.begin is not None else []), *points]
        untold = Case(0.0, None, read, clocks, boots, ROUNDING_WH, drawn)
        if tells_thousandths(untold, read, sure=True):
            return thousandfold_gain(untold, read).doubted(*(() if end is not None else ("stop_register",)))
        if _register_stands_still(read):
            return exact_finding(0.0)
    shown = [point.wh for point in points]
    doubts: set[Doubt] = set()
    if stop == 0 and (start or any(wh > ROUNDING_WH for wh in shown)):
        # A stop tells 0 where its register is not known; so does a start with it that the readings do not go on from.
        stop = None
        if not start and stream.begin is not None and stream.begin.wh:
            start = None
    if stopped and stop is None and end is None:
        doubts.add("stop_register")
    if stream.absurd:
        doubts.add("readings_disagree")
    slack = _register_slack(start, stop, stream)
    begin = stream.begin
    if begin is not None and start is not None and _register_read_after_start(begin, start, slack, clocks):
        points, begin = sorted([*points, begin], key=lambda point: point.time), None  # a sample with a wrong label
    if start is not None and begin is not None and abs(start - begin.wh) > LAG_WH + slack:
        told_first = Case(start, stop, points, clocks, boots, slack, drawn)
        finding = running_energy(told_first) if stop is None else closing_energy(told_first)
        if 0 < begin.wh < start and points and points[0].wh >= start - slack and not finding.doubts:
            finding = finding.doubted("readings_disagree", more=start - begin.wh)  # all but Begin go on from the start
        elif begin.wh or finding.doubts:  # else the register of the start was not read for it, but is right
            case = Case(begin.wh, None, points, clocks, boots, slack, drawn)
            finding = _on_another_register(case, start, stop, told_end=end)
    elif start is not None or begin is not None:
        told = start if start is not None else begin.wh if begin is not None else 0.0
        case = Case(told, stop, points, clocks, boots, slack, drawn)
        finding = running_energy(case) if stop is None else closing_energy(case)
        if not stream.labelled:
            finding = held_against_end(case, finding)
    elif points:
        case = Case(points[0].wh, stop, points, clocks, boots, slack, drawn)
        finding = running_energy(case) if stop is None else closing_energy(case)
        finding = finding.doubted("start_register", more=clocks.since_start(points[0].time))
    else:
        finding = Finding(0.0, 0.0, clocks.since_start(clocks.ended), frozenset({"start_register"}))
    if "stop_register" in doubts:
        finding = finding.doubted(more=clocks.until_end(points[-1].time if points else clocks.began))
    return finding.doubted(*doubts)


def _register_stands_still(points: list[Point]) -> bool:
    """Whether readings, which may be of several registers, prove that nothing was drawn."""
    levels: dict[str, list[float]] = {}
    for point in points:
        levels.setdefault(point.context if point.context == CLOCK else "", []).append(point.wh)
    return len(points) > 1 and all(max(level) - min(level) <= ROUNDING_WH for level in levels.values())


def _register_read_after_start(begin: Point, start: float, slack: float, clocks: Clocks) -> bool:
    """Whether a reading of Transaction.Begin was taken later, on the register of the start."""
    advance = begin.wh - start
    if advance <= LAG_WH + slack or clocks.began is None:
        return False
    return advance <= plain_reach(clocks.likely_watts, begin.time - clocks.began)


def _register_slack(start: float | None, stop: float | None, stream: Stream) -> float:
    told = grid_of_stream([wh for wh in (start, stop) if wh], 2)
    # Round numbers on both sides are just that, and readings that are far off are not so by rounding.
    fine = any(point.wh % (told / 10) for point in stream.points) and all(
        (start or 0) - told / 2 <= point.wh <= (stop or 0) + told for point in stream.points
    )
    step = max(stream.step, told if fine else 1.0)
    return max(ROUNDING_WH, step - 0.5)


def _on_another_register(case: Case, start: float, stop: float | None, *, told_end: Point | None) -> Finding:
    """Transaction.Begin, from which the case begins, tells another register than the start.

    Either start and stop count the transaction, and come to what the readings do; or the start alone is of another
    register, which is no doubt where it told 0; or they contradict each other. What start and stop come to counts
    before more, if the readings are within it: they may be of another meter.
    """
    finding = running_energy(case)
    if stop is None:
        more = case.start - start  # if it is the start that is right
        if start == 0 or finding.doubts or more <= 0:
            return finding
        told = finding.energy + more
        last = case.points[-1].time if case.points else case.clocks.began
        return finding.doubted("start_register", more=more if case.can_have_come(told, last) else 0.0)
    energy = stop - start
    possible = energy >= -case.slack and case.can_have_come(energy, case.clocks.ended)
    if possible and told_end is not None and abs(finding.energy - energy) <= case.slack + LAG_WH:
        return exact_finding(max(0.0, energy))
    if stop >= case.start - case.slack:
        from_begin = closing_energy(msgspec.structs.replace(case, stop=stop))
        less = possible and energy + case.slack < from_begin.energy
        within = finding.energy <= energy + case.slack or not _register_goes_on_to(case, stop)
        other_end = told_end is not None and abs(from_begin.energy - finding.energy) > case.slack + LAG_WH
        if not from_begin.doubts and not other_end and not (less and within):
            more = max(0.0, energy - from_begin.energy) if possible else 0.0
            return from_begin if start == 0 else from_begin.doubted("start_register", more=more)
    if not possible:
        last = case.points[-1].time if case.points else case.clocks.began
        unread = case.clocks.until_end(last) if told_end is None else 0.0
        return finding.doubted("impossible" if energy > 0 else "went_back", more=unread)
    if told_end is None and finding.energy <= energy + case.slack:
        return exact_finding(energy, *finding.doubts)
    energy = max(0.0, energy)
    return Finding(energy, min(energy, finding.low), max(energy, finding.high), finding.doubts | {"readings_disagree"})


def _register_goes_on_to(case: Case, stop: float) -> bool:
    """Whether a wallbox, or what is known of the connector, brings the register from the last reading to the stop."""
    last = case.points[-1] if case.points else None
    since = last.time if last is not None else case.clocks.began
    if since is None or case.clocks.ended is None:
        return True
    told = last.wh if last is not None else case.start
    return stop - told <= plain_reach(case.clocks.likely_watts, case.clocks.ended - since) + case.slack
