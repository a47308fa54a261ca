"""Clocks to set."""

from csmsd.runtime.clock import ClockWatch

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
YEARS = 730 * DAY
NOON = 1_790_000_000_000


class Clocks:
    """Two clocks that go on together, one of which can be set."""

    def __init__(self) -> None:
        self.wall = NOON
        self.steady = 5 * HOUR
        self.watch = ClockWatch(lambda: self.wall, lambda: self.steady)

    def go_on(self, by: int) -> None:
        self.wall += by
        self.steady += by
        self.watch.look()

    def set(self, by: int) -> None:
        self.wall += by
