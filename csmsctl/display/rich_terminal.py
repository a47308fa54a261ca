"""Tables, styles and the pager on a terminal. The only place besides `watch` and `progress` that imports Rich."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from csmsctl.arguments.global_options import Color
from csmsctl.display.table import Column, Record

_WIDEST = 10_000
_GAP = 2  # between columns
_NARROWEST = 12  # of a column that folds


def rich_console(color: Color, *, stderr: bool = False) -> Console:
    """A Rich console that adds nothing of its own: no markup, no highlighting, no emoji codes."""
    return Console(
        stderr=stderr,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
        force_terminal=True if color == "always" else None,
        no_color=True if color == "never" else None,
    )


def build_rich_table(columns: Sequence[Column], records: Sequence[Record], *, headers: bool, width: int) -> Table:
    """The table. Where it does not fit, columns without content and then the wide ones are left out."""
    cells = [[column.text(record, True) for column in columns] for record in records]
    needed = [
        max([cell_len(column.title), *(cell_len(row[at]) for row in cells)]) + _GAP for at, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    dispensable = [at for at in shown if not any(row[at] for row in cells)]
    dispensable += [at for at in reversed(shown) if columns[at].wide and at not in dispensable]
    for at in dispensable:
        if sum(needed[i] for i in shown) - _GAP > width:
            shown.remove(at)
    # What folds gives way first; identities and numbers are torn apart last.
    room_to_fold = sum(min(needed[at], _NARROWEST) if columns[at].folds else needed[at] for at in shown) - _GAP <= width
    table = Table(box=None, show_header=headers, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    for at in shown:
        column = columns[at]
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=room_to_fold and not column.folds,
        )
    for record, row in zip(records, cells, strict=True):
        table.add_row(*(Text(row[at], style=style(record) if (style := columns[at].style) else "") for at in shown))
    return table


def render_rich_table(
    columns: Sequence[Column], records: Sequence[Record], *, headers: bool, color: Color, wide: bool = False
) -> str:
    """The table as text with its colours; a `wide` one is as wide as it needs to be."""
    screen = rich_console(color)
    if wide:
        screen.width = _WIDEST
    with screen.capture() as captured:
        screen.print(build_rich_table(columns, records, headers=headers, width=screen.width))
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n"))


def rich_styled(text: str, style: str, color: Color) -> str:
    """A line with its colours."""
    screen = rich_console(color)
    with screen.capture() as captured:
        screen.print(Text(text, style=style), soft_wrap=True)
    return captured.get().rstrip("\n")


def show_paged_on_terminal(text: str) -> bool:
    """Shows in the pager what is longer than the screen; False when it was not needed or there is none."""
    if not sys.stdin.isatty() or text.count("\n") + 2 < shutil.get_terminal_size().lines:
        return False
    pager = os.environ.get("PAGER", "less").split()
    if not pager or pager == ["cat"] or shutil.which(pager[0]) is None:
        return False
    environment = {"LESS": "FRX", **os.environ}
    try:
        process = subprocess.Popen(pager, stdin=subprocess.PIPE, env=environment, text=True, errors="backslashreplace")  # noqa: S603
    except OSError:
        return False
    try:
        process.communicate(text + "\n")
    except KeyboardInterrupt:
        process.wait()
    except BrokenPipeError:
        pass
    return True
