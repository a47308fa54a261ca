"""Plots in Unicode blocks: columns over time, and the two axes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import floor, log10

_ROUND = (1, 1.2, 1.6, 2, 2.4, 3, 3.2, 4, 5, 6, 8, 10)
_STEPS = [
    *(timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 4, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 14, 28)),
]
_BLOCKS = " ▁▂▃▄▅▆▇█"


def round_top_of_plot(value: float) -> float:
    """The next number from there on that is round, and so is its half: where an axis may end."""
    if value <= 0:
        return value
    power = 10.0 ** floor(log10(value))
    return next(round(step * power, 9) for step in _ROUND if step * power >= value * (1 - 1e-9))


def columns_of_plot(width: int, labels: Sequence[str]) -> int:
    """How many columns of values fit beside the labels."""
    return max(10, width - max(map(len, labels)) - 2)


def plot_panel(
    values: Sequence[float | None], labels: Sequence[str], height: int, *, top: float, unknown: str = " "
) -> list[str]:
    """`height` lines of columns from 0 to `top` above an axis; labels stand at the top, in the middle and at the axis.

    Where there is no value, `unknown` stands in the top line.
    """
    margin = max(map(len, labels))
    eighths = [None if value is None else _plot_eighths(value, top, height) for value in values]
    lines = []
    for row in range(height - 1, -1, -1):
        label = {height // 2 - 1: labels[1], height - 1: labels[0]}.get(row, "")
        cells = "".join(
            (unknown if row == height - 1 else " ") if filled is None else _BLOCKS[max(0, min(8, filled - 8 * row))]
            for filled in eighths
        )
        lines.append(f"{label:>{margin}} ┤{cells}" if label else f"{'':>{margin}} │{cells}")
    lines.append(f"{labels[2]:>{margin}} ┼{'─' * len(values)}")
    return [line.rstrip() for line in lines]


def _plot_eighths(value: float, top: float, height: int) -> int:
    """How many eighths of a line are filled; what is more than nothing shows."""
    if value <= 0 or top <= 0:
        return 0
    return max(1, round(value / top * height * 8))


def plot_time_axis(begin: datetime, end: datetime, columns: int, labels: Sequence[str]) -> str:
    """The line below the axis: as many times as fit, with the day where more than one is shown."""
    return (" " * (max(map(len, labels)) + 2) + _plot_times(begin, end, columns)).rstrip()


def _plot_times(begin: datetime, end: datetime, columns: int) -> str:
    pattern = "%a %H:%M" if end - begin > timedelta(hours=24) else "%H:%M"
    if end - begin < timedelta(minutes=10):
        pattern = "%H:%M:%S"
    size = len(begin.strftime(pattern))
    count = max(1, min(6, columns // (size + 4)))
    step = next((step for step in _STEPS if step >= (end - begin) / count), _STEPS[-1])
    line = [" "] * columns
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight + -((midnight - begin) // step) * step  # the first round one that is not before the begin
    while moment <= end:
        place = min(round((moment - begin) / (end - begin) * columns), columns - size)
        if place >= 0 and set(line[max(0, place - 1) : place + size]) == {" "}:
            line[place : place + size] = moment.strftime(pattern)
        moment += step
    if set(line) == {" "} and size <= columns:  # no round one fits
        line[:size] = begin.strftime(pattern)
    return "".join(line)
