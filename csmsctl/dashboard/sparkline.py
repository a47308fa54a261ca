"""The power of each connector over the last minutes, in a few characters."""

from collections import deque
from collections.abc import Iterable

SLOT_SECONDS = 5
SPAN_SECONDS = 600
SLOTS = SPAN_SECONDS // SLOT_SECONDS
_BARS = "▁▂▃▄▅▆▇█"

Place = tuple[object, object]  # charge point, connector


class History:
    """Of each connector the power in W, one value for each slot of time; None: not known."""

    def __init__(self) -> None:
        self._values: dict[Place, deque[tuple[int, float | None]]] = {}

    def add(self, place: Place, time: float, watts: float | None) -> None:
        """Takes what is measured at a time (seconds); a slot keeps the last."""
        values = self._values.setdefault(place, deque(maxlen=SLOTS + 1))
        slot = int(time // SLOT_SECONDS)
        if values and values[-1][0] >= slot:
            values.pop()
        values.append((slot, watts))

    def seed(self, place: Place, readings: Iterable[tuple[float, float]]) -> None:
        """Puts readings (seconds, W) from before in front of what was seen."""
        seen = list(self._values.get(place, ()))
        first = seen[0][0] if seen else None
        older = {
            int(time // SLOT_SECONDS): watts
            for time, watts in readings
            if first is None or time // SLOT_SECONDS < first
        }
        self._values[place] = deque([*sorted(older.items()), *seen], maxlen=SLOTS + 1)

    def forget_all_but(self, places: set[Place]) -> None:
        for gone in self._values.keys() - places:
            del self._values[gone]

    def line(self, place: Place, now: float, width: int) -> str:
        """The last minutes in `width` characters, the newest on the right; nothing where no power was.

        Characters begin at fixed times, so that the past does not change while time goes on.
        """
        if width < 1:
            return ""
        each = -(-SLOTS // width)
        last = int(now // SLOT_SECONDS) // each
        values = self._values.get(place, ())
        shown = [
            _sparkline_value(values, number * each, (number + 1) * each) for number in range(last - width + 1, last + 1)
        ]
        return sparkline_bars(shown) if any(shown) else ""


def _sparkline_value(values: Iterable[tuple[int, float | None]], begin: int, end: int) -> float | None:
    """The highest value in a stretch of slots; where there is none the one before still holds."""
    before: float | None = None
    within: list[float | None] = []
    for slot, watts in values:
        if slot < begin:
            before = watts
        elif slot < end:
            within.append(watts)
    if not within:
        return before
    return max((watts for watts in within if watts is not None), default=None)


def sparkline_bars(values: Iterable[float | None]) -> str:
    """A bar for each value: nothing where it is not known, the lowest for none, more than that for any power."""
    shown = list(values)
    top = max((value for value in shown if value is not None), default=0.0)
    return "".join(" " if value is None else _BARS[_sparkline_level(value, top)] for value in shown)


def _sparkline_level(value: float, top: float) -> int:
    if value <= 0 or top <= 0:
        return 0
    return max(1, round(value / top * (len(_BARS) - 1)))
