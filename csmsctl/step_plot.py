"""A step plot of limits over time, in Unicode blocks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from csmsctl.values import plain

_HEIGHT = 8  # lines
_BLOCKS = " ▁▂▃▄▅▆▇█"
_UNLIMITED = "┄"
_NARROWEST = 10


class Step(NamedTuple):
    """From `start` to `end` a limit holds; None: there is none."""

    start: datetime
    end: datetime
    limit: float | None


def step_plot(steps: Sequence[Step], unit: str, width: int) -> list[str]:
    """The lines of the plot. A column shows the lowest limit of its time, so that no dip is lost."""
    begin, end = steps[0].start, steps[-1].end
    top = max((step.limit for step in steps if step.limit is not None), default=None)
    if top is None or begin >= end:
        return []
    labels = [f"{plain(value)} {unit}" for value in (top, round(top / 2, 1), 0)]
    margin = max(map(len, labels))
    columns = max(_NARROWEST, width - margin - 2)
    span = (end - begin) / columns
    limits = [_lowest(steps, begin + span * at, begin + span * (at + 1)) for at in range(columns)]
    eighths = [None if limit is None else _eighths(limit, top) for limit in limits]
    lines = []
    for row in range(_HEIGHT - 1, -1, -1):
        label = {_HEIGHT - 1: labels[0], _HEIGHT // 2 - 1: labels[1]}.get(row, "")
        cells = "".join(
            (_UNLIMITED if row == _HEIGHT - 1 else " ") if filled is None else _BLOCKS[max(0, min(8, filled - 8 * row))]
            for filled in eighths
        )
        lines.append(f"{label:>{margin}} ┤{cells}" if label else f"{'':>{margin}} │{cells}")
    lines.append(f"{labels[2]:>{margin}} ┼{'─' * columns}")
    lines.append(" " * (margin + 2) + _times(begin, end, columns))
    return [line.rstrip() for line in lines]


def _eighths(limit: float, top: float) -> int:
    """How many eighths of a line are filled; what is more than nothing shows."""
    if limit <= 0 or top <= 0:
        return 0
    return max(1, round(limit / top * _HEIGHT * 8))


def _lowest(steps: Sequence[Step], begin: datetime, end: datetime) -> float | None:
    found = [step.limit for step in steps if step.start < end and step.end > begin and step.limit is not None]
    return min(found, default=None)


def _times(begin: datetime, end: datetime, columns: int) -> str:
    """The time axis: as many times as fit, with the day where more than one is shown."""
    pattern = "%a %H:%M" if end - begin > timedelta(hours=24) else "%H:%M"
    if end - begin < timedelta(minutes=10):
        pattern = "%H:%M:%S"
    size = len(begin.strftime(pattern))
    count = max(1, min(6, columns // (size + 4)))
    line = [" "] * columns
    for number in range(count + 1):
        at = min(columns - 1, columns * number // count)
        text = (begin + (end - begin) * at / columns).strftime(pattern)
        place = min(at, columns - size)
        if place >= 0 and (number == 0 or set(line[place - 1 : place + size]) == {" "}):
            line[place : place + size] = text
    return "".join(line)
