"""The picture that `watch` shows: a headline, the connectors that fit, a footer."""

import time
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.text import Text

from csmsctl.commands.status import summary
from csmsctl.connectors import COLUMNS, rows
from csmsctl.escape import visible
from csmsctl.terminal import build_table

if TYPE_CHECKING:
    from csmsctl.commands.watch import Watcher


def picture(watcher: "Watcher", screen: Console) -> Group:
    """All of it, cut to the height of the screen."""
    lines = [
        Text(visible(line), style=style, no_wrap=True, overflow="ellipsis")
        for line, style in summary(watcher.found.get("daemon") or {})
    ]
    if watcher.lost:
        lost = f"No connection to csmsd, this is what it said last; trying again. {watcher.lost}"
        lines.insert(0, Text(visible(lost), style="bold red"))
    records = rows(watcher.found.get("charge_points") or [])
    room = max(1, screen.height - len(lines) - 5)
    hidden = len(records) - room
    if hidden > 0:
        # Those that do something are kept on the screen.
        records = sorted(records, key=lambda row: row.get("transaction") is None)[:room]
    columns = [column for column in COLUMNS if column.key != "note" or any(row["note"] for row in records)]
    footer = f"{time.strftime('%H:%M:%S')}  q ends" + (f"  ({hidden} more do not fit)" if hidden > 0 else "")
    return Group(
        *lines,
        Text(""),
        build_table(columns, records, headers=True, width=screen.width),
        Text(footer, style="dim"),
    )
