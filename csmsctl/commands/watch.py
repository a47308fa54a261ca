"""`watch`: the connectors, live."""

import sys
import time
from collections.abc import Iterator

import typer

from csmsctl.arguments.shared_parameters import Targets
from csmsctl.arguments.targets import expand_targets
from csmsctl.display.table import Record
from csmsctl.invocation import Invocation, invocation
from csmsctl.records.connectors import COLUMNS, connector_rows
from csmsctl.records.watcher import Watcher

_GATHERED = 0.3  # seconds: what comes in a bunch is looked at once
_LONGEST_ANSWER = 5.0  # seconds in which the keys may have no effect


def watch_command(ctx: typer.Context, targets: Targets = None) -> None:
    """Show every connector live, what has problems first; q ends it.

    Keys: s changes the order, / filters, p shows only problems, a shows all again, j and k choose a row, ? tells more.

    Without a terminal a line is printed for every change.
    """
    run = invocation(ctx)
    live = sys.stdout.isatty() and run.output.terminal and not run.options.json and not run.output.csv
    timeout = min(run.options.timeout, _LONGEST_ANSWER) if live else run.options.timeout
    watcher = Watcher(run.options.socket, timeout, expand_targets(targets, globs=run.options.globs) or None)
    try:
        watcher.connect()
        if live:
            from csmsctl.dashboard.live import watch_live

            watch_live(watcher, run.options.color)
        else:
            _watch_lines(run, watcher)
    finally:
        watcher.close()


def _watch_lines(run: Invocation, watcher: Watcher) -> None:
    """Everything as it is, then again what has changed: connectors, with `--json` charge points. Ends with csmsd."""
    known: dict[object, object] = {}
    while True:
        for place, now, line in _lines_to_watch(run, watcher.found["charge_points"]):
            if known.get(place) == now:
                continue
            known[place] = now
            if run.options.json:
                run.output.line({"charge_point": line})
            else:
                run.output.text(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')}  {line}", flush=True)
        while not watcher.wait(60.0):
            pass
        time.sleep(_GATHERED)
        watcher.look()


def _lines_to_watch(run: Invocation, charge_points: list[Record]) -> Iterator[tuple[object, object, object]]:
    """What is watched: a key, the part whose change counts, and what to print then."""
    if run.options.json:
        for charge_point in charge_points:
            yield charge_point["id"], {**charge_point, "last_seen_at": None}, charge_point
        return
    for row in connector_rows(charge_points):
        line = _plain_watch_line(row)
        yield (row["charge_point"], row.get("connector")), line, line


def _plain_watch_line(row: Record) -> str:
    cells = [column.text(row, False) for column in COLUMNS if column.key != "since"]
    return "  ".join(cell or "-" for cell in cells)
