"""`watch` on a terminal: looks at the site when something changed, follows the keys, outlives a restart of csmsd."""

import select
import time
from collections.abc import Callable

from csmsctl.arguments.global_options import Color
from csmsctl.dashboard.keys_and_screen import Screen
from csmsctl.dashboard.picture import Seen, picture
from csmsctl.dashboard.sparkline import SLOT_SECONDS, SPAN_SECONDS, History
from csmsctl.dashboard.view import View
from csmsctl.display.rich_terminal import rich_console
from csmsctl.display.table import Record
from csmsctl.failure import DENIED, TIMED_OUT, UNREACHABLE, Failure
from csmsctl.records.readings import readings
from csmsctl.records.watcher import Watcher

_AT_MOST_EVERY = 0.5  # seconds between two looks, however many events come
_AT_LEAST_EVERY = 10.0  # what no event tells
_TICK = 1.0  # ages grow
_LOST = (UNREACHABLE, TIMED_OUT, DENIED)  # what a csmsd that starts again puts right
_SEEDS_A_TICK = 5
_SEED_READINGS = SPAN_SECONDS // SLOT_SECONDS


class Live:
    """The dashboard while it runs."""

    def __init__(self, watcher: Watcher, screen: Screen, now: Callable[[], float] = time.time) -> None:
        self._watcher = watcher
        self._screen = screen
        self._now = now
        self._view = View()
        self._history = History()
        self._seen = Seen(watcher.found)
        self._looked = self._tried = time.monotonic()
        self._changed = False
        self._take_in(watcher.found)
        # Charge point, connector, transaction: what ran already, so that there are readings from before we looked.
        self._unseeded: list[tuple[object, object, int]] = [
            (charge_point.get("id"), connector.get("connector"), connector["transaction"])
            for charge_point in watcher.found.get("charge_points") or []
            for connector in charge_point.get("connectors") or []
            if connector.get("transaction") is not None
        ]

    def run(self) -> None:
        """Until a key ends it."""
        while True:
            lines = picture(self._seen, self._view, self._history, self._screen.size, self._now())
            self._screen.paint(lines)
            if not self._wait():
                return
            try:
                self._look()
            except Failure as failure:
                if failure.code not in _LOST:
                    raise
                self._lose(failure)

    def _wait(self) -> bool:
        """Until a key, an event that is to be looked at, or the next tick; False when a key ends it."""
        due = _TICK
        if self._changed:
            due = max(0.0, self._looked + _AT_MOST_EVERY - time.monotonic())
        if self._unseeded and self._seen.lost is None:
            due = 0.0
        sources: list[int | Watcher] = [*self._screen.sources]
        if self._seen.lost is None and not self._changed:
            sources.append(self._watcher)
        ready, _, _ = select.select(sources, [], [], due)
        self._changed = self._changed or self._watcher in ready
        return all(self._view.press(key) for key in self._screen.read(ready))

    def _look(self) -> None:
        moment = time.monotonic()
        if self._seen.lost is not None:
            if moment - self._tried >= _TICK:
                self._tried = moment
                self._watcher.connect()
                self._take_in(self._watcher.found)
            return
        age = moment - self._looked
        if (self._changed and age >= _AT_MOST_EVERY) or age >= _AT_LEAST_EVERY:
            self._watcher.drain()
            self._watcher.look()
            self._take_in(self._watcher.found)
            self._changed = self._watcher.drain()  # what came while we looked
        for _ in range(min(_SEEDS_A_TICK, len(self._unseeded))):
            self._seed(*self._unseeded.pop(0))

    def _take_in(self, found: Record) -> None:
        now = self._now()
        self._seen = Seen(found)
        self._looked, self._changed = time.monotonic(), False
        places = set()
        for charge_point in found.get("charge_points") or []:
            for connector in charge_point.get("connectors") or []:
                place = (charge_point.get("id"), connector.get("connector"))
                places.add(place)
                power = connector.get("power_w")
                if power is None and connector.get("transaction") is None:
                    power = 0.0
                self._history.add(place, now, power if charge_point.get("connected") else None)
        self._history.forget_all_but(places)

    def _seed(self, charge_point: object, connector: object, transaction: int) -> None:
        """What was measured before we looked; the dashboard does without where that cannot be had."""
        try:
            answer = self._watcher.call("transaction.meter", {"id": transaction, "limit": _SEED_READINGS})
        except Failure as failure:
            if failure.code in _LOST:
                raise
            return
        measured = [
            (reading.time, reading.power)
            for reading in readings(answer.get("meter_values") or [])
            if reading.power is not None
        ]
        self._history.seed((charge_point, connector), sorted(measured))

    def _lose(self, failure: Failure) -> None:
        since = self._seen.lost_since or time.strftime("%H:%M:%S")
        self._tried = time.monotonic()
        self._seen = Seen(self._watcher.found, since, failure.message)


def watch_live(watcher: Watcher, color: Color) -> None:
    """Shows the dashboard until q, Ctrl-C or a signal."""
    with Screen(rich_console(color)) as screen:
        Live(watcher, screen).run()
