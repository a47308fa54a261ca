"""Power and energy of a transaction over time, as a plot for terminals."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from csmsctl.display.column_plot import columns_of_plot, plot_panel, plot_time_axis, round_top_of_plot
from csmsctl.display.table import Record
from csmsctl.records.readings import Reading, readings

_POWER_LINES = 8
_ENERGY_LINES = 6
# A reading holds until the next one; after so many intervals without any nobody knows what flowed.
_MISSED = 3


class Stretch(NamedTuple):
    """From `start` to `end` (seconds since 1970) so many W flowed."""

    start: float
    end: float
    watts: float


def meter_plot(transaction: Record, meter_values: Iterable[Record], width: int) -> list[str]:
    """The lines; none where fewer than two moments are known."""
    found = sorted(set(readings(meter_values)), key=lambda reading: reading.time)
    registers = _meter_plot_registers(transaction, found)
    times = [*(reading.time for reading in found), *(time for time, _ in registers)]
    if not times or min(times) >= max(times):
        return []
    begin, end = min(times), max(times)
    measured = any(reading.power is not None for reading in found)
    stretches = _measured_for_meter_plot(found, end) if measured else _derived_for_meter_plot(registers)
    start = transaction.get("meter_start_wh") or 0
    limit = float(transaction.get("energy_wh") or 0) or max((wh - start for _, wh in registers), default=0.0)
    # A register that was misread for a while must not flatten all the rest.
    energy = [(time, min(max(0.0, wh - start), limit)) for time, wh in registers]

    # An axis of nothing has a scale, too.
    top = round_top_of_plot(max((stretch.watts for stretch in stretches), default=0.0)) or 1000.0
    most = round_top_of_plot(limit) or 1000.0
    labels = _meter_plot_labels(top, "kW"), _meter_plot_labels(most, "kWh")
    margin = max(len(label) for pair in labels for label in pair)
    power_labels, energy_labels = ([f"{label:>{margin}}" for label in pair] for pair in labels)
    columns = columns_of_plot(width, power_labels)
    edges = [begin + (end - begin) * at / columns for at in range(columns + 1)]
    lines = []
    if stretches:
        lines.append("Power" if measured else "Power: none was sent, this is the mean between readings of the energy")
        power = [_mean_in_meter_plot(stretches, left, right) for left, right in pairwise(edges)]
        lines += plot_panel(power, power_labels, _POWER_LINES, top=top)
        lines.append("")
    if energy:
        lines.append("Energy")
        lines += plot_panel(
            [_meter_plot_energy_at(energy, edge) for edge in edges[1:]], energy_labels, _ENERGY_LINES, top=most
        )
    return [*lines, plot_time_axis(_meter_plot_time(begin), _meter_plot_time(end), columns, power_labels)]


def _meter_plot_registers(transaction: Record, found: Sequence[Reading]) -> list[tuple[float, float]]:
    """(time, Wh): what start and stop say, and the readings between."""
    registers = {reading.time: reading.register for reading in found if reading.register is not None}
    for time, register in (("start_time", "meter_start_wh"), ("stop_time", "meter_stop_wh")):
        if transaction.get(time) is not None and transaction.get(register) is not None:
            registers[datetime.fromisoformat(transaction[time]).timestamp()] = float(transaction[register])
    return sorted(registers.items())


def _measured_for_meter_plot(found: Sequence[Reading], end: float) -> list[Stretch]:
    """Each power that was sent, for as long as it may be taken to have flowed."""
    sent = [(reading.time, reading.power) for reading in found if reading.power is not None]
    times = [time for time, _ in sent]
    usual = median([later - earlier for earlier, later in pairwise(times)] or [end - times[0]])
    stretches = []
    for (time, watts), after in zip(sent, [*times[1:], end], strict=True):
        until = after if after - time <= _MISSED * usual else time + usual
        stretches.append(Stretch(time, until, watts))
    return stretches


def _derived_for_meter_plot(registers: Sequence[tuple[float, float]]) -> list[Stretch]:
    """The mean between two readings of the register; one that fell says nothing."""
    return [
        Stretch(earlier, later, (after - before) * 3600 / (later - earlier))
        for (earlier, before), (later, after) in pairwise(registers)
        if after >= before
    ]


def _mean_in_meter_plot(stretches: Sequence[Stretch], left: float, right: float) -> float | None:
    """Over the part of a column's time of which something is known."""
    weighted = seconds = 0.0
    for stretch in stretches[bisect_right(stretches, left, key=lambda stretch: stretch.end) :]:
        if stretch.start >= right:
            break
        common = min(right, stretch.end) - max(left, stretch.start)
        if common > 0:
            weighted += stretch.watts * common
            seconds += common
    return weighted / seconds if seconds else None


def _meter_plot_energy_at(energy: Sequence[tuple[float, float]], time: float) -> float | None:
    """The energy at a moment, between two readings on the straight line; None where there is no reading yet."""
    place = bisect_right(energy, time, key=lambda known: known[0])
    if not place:
        return None
    when, wh = energy[place - 1]
    if place == len(energy):
        return wh
    later = energy[place]
    return wh + (later[1] - wh) * (time - when) / (later[0] - when)


def _meter_plot_time(time: float) -> datetime:
    return datetime.fromtimestamp(time).astimezone()


def _meter_plot_labels(top: float, unit: str) -> list[str]:
    return [f"{value / 1000:g} {unit}" for value in (top, top / 2, 0)]
