"""`watch`: the connectors, live."""

import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from csmsctl.client import Client
from csmsctl.connectors import COLUMNS, rows
from csmsctl.failure import OTHER, UNREACHABLE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.parameters import Targets
from csmsctl.table import Record
from csmsctl.targets import expand

_AT_MOST_EVERY = 0.3  # seconds between two looks, however many events come
_AT_LEAST_EVERY = 10.0  # durations and ages move without events


class Watcher:
    """Looks at the site again whenever an event says that something has changed."""

    def __init__(self, run: Invocation, targets: list[str] | None) -> None:
        self._run = run
        self._targets = targets
        self._client: Client | None = None
        self.found: Record = {}
        self.lost: str | None = None  # why there is no connection

    def connect(self) -> None:
        """Subscribes first and looks then, so that nothing falls between."""
        self.close()
        options = self._run.options
        self._client = Client(options.socket, options.timeout, trace=self._run.output.detail)
        self._client.call("event.subscribe", {"targets": self._targets})
        self.look()
        self.lost = None

    def look(self) -> None:
        assert self._client is not None
        self.found = self._client.call("status", {"targets": self._targets})

    def wait(self, seconds: float, keyboard: bool) -> tuple[bool, str]:
        """Waits for an event or a key: whether something has changed, and the key."""
        sources = ([sys.stdin] if keyboard else []) + ([self._client] if self._client and not self.lost else [])
        ready, _, _ = select.select(sources, [], [], seconds)
        key = sys.stdin.read(1) if sys.stdin in ready else ""
        changed = False
        if self._client in ready:
            changed = self._drain()
        return changed, key

    def reconnect(self) -> None:
        """Tries once; `lost` keeps the reason when it fails."""
        try:
            self.connect()
        except Failure as failure:
            self.lost = failure.message

    def _drain(self) -> bool:
        assert self._client is not None
        changed = False
        while (notification := self._client.next_notification(0)) is not None:
            if notification.get("method") == "lagged":
                raise Failure(UNREACHABLE, "csmsd cut this off: it was not read fast enough.")
            changed = True
        return changed

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def watch(ctx: typer.Context, targets: Targets = None) -> None:
    """Show every connector live; q or Ctrl-C ends it.

    Without a terminal a line is printed for every change.
    """
    run = invocation(ctx)
    watcher = Watcher(run, expand(targets) or None)
    try:
        watcher.connect()
        if run.output.terminal and not run.options.json and not run.output.csv:
            _watch_live(run, watcher)
        else:
            _watch_lines(run, watcher)
    finally:
        watcher.close()


def _watch_lines(run: Invocation, watcher: Watcher) -> None:
    """Everything as it is, then again what has changed: connectors, with `--json` charge points. Ends with csmsd."""
    known: dict[object, object] = {}
    while True:
        for place, now, line in _lines(run, watcher.found["charge_points"]):
            if known.get(place) == now:
                continue
            known[place] = now
            if run.options.json:
                run.output.line({"charge_point": line})
            else:
                run.output.text(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')}  {line}", flush=True)
        while not watcher.wait(60.0, keyboard=False)[0]:
            pass
        time.sleep(_AT_MOST_EVERY)  # what comes in a bunch is looked at once
        watcher.look()


def _lines(run: Invocation, charge_points: list[Record]) -> Iterator[tuple[object, object, object]]:
    """What is watched: a key, the part whose change counts, and what to print then."""
    if run.options.json:
        for charge_point in charge_points:
            yield charge_point["id"], {**charge_point, "last_seen_at": None}, charge_point
        return
    for row in rows(charge_points):
        line = _plain_line(row)
        yield (row["charge_point"], row.get("connector")), line, line


def _plain_line(row: Record) -> str:
    cells = [column.text(row, False) for column in COLUMNS if column.key != "since"]
    return "  ".join(cell or "-" for cell in cells)


def _watch_live(run: Invocation, watcher: Watcher) -> None:
    from rich.live import Live

    from csmsctl.screen import picture
    from csmsctl.terminal import console

    screen = console(run.options.color)
    keyboard = sys.stdin.isatty()
    with (
        _keys(keyboard),
        Live(picture(watcher, screen), console=screen, screen=True, auto_refresh=False) as live,
    ):
        looked, dirty = time.monotonic(), False
        while True:
            pause = _AT_MOST_EVERY if dirty else 1.0
            try:
                changed, key = watcher.wait(pause, keyboard)
                if key in ("q", "Q", "\x04"):
                    return
                dirty = dirty or changed
                age = time.monotonic() - looked
                if watcher.lost:
                    watcher.reconnect()
                elif (dirty and age >= _AT_MOST_EVERY) or age >= _AT_LEAST_EVERY:
                    watcher.look()
                    looked, dirty = time.monotonic(), False
            except Failure as failure:
                if failure.code == OTHER:
                    raise
                watcher.lost = failure.message
            live.update(picture(watcher, screen), refresh=True)


@contextmanager
def _keys(keyboard: bool) -> Iterator[None]:
    """Keys arrive at once and are not shown, and the terminal is put back whatever happens."""
    if not keyboard:
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
