"""A step plot of limits over time, in Unicode blocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from csmsctl.display.column_plot import columns_of_plot, plot_panel, plot_time_axis, round_top_of_plot
from csmsctl.display.value_texts import plain_text

_HEIGHT = 8  # lines
_UNLIMITED = "┄"


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
    top = round_top_of_plot(top)
    labels = [f"{plain_text(value)} {unit}" for value in (top, round(top / 2, 6), 0)]
    columns = columns_of_plot(width, labels)
    span = (end - begin) / columns
    limits = [_lowest_step(steps, begin + span * at, begin + span * (at + 1)) for at in range(columns)]
    lines = plot_panel(limits, labels, _HEIGHT, top=top, unknown=_UNLIMITED)
    return [*lines, plot_time_axis(begin, end, columns, labels)]


def _lowest_step(steps: Sequence[Step], begin: datetime, end: datetime) -> float | None:
    found = [step.limit for step in steps if step.start < end and step.end > begin and step.limit is not None]
    return min(found, default=None)
