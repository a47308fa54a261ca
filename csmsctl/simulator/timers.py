"""What a charge point has planned: named moments and what to do then. Pure; times are ms since 1970 UTC."""

from collections.abc import Callable


class Timers:
    """At most one plan of each name; planning it again replaces it."""

    def __init__(self) -> None:
        self._plans: dict[str, tuple[int, Callable[[], None]]] = {}

    def at(self, name: str, time: int, action: Callable[[], None]) -> None:
        self._plans[name] = (time, action)

    def cancel(self, name: str) -> None:
        self._plans.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self._plans

    def next(self) -> int | None:
        """When something is due at the latest."""
        return min((time for time, _ in self._plans.values()), default=None)

    def pop_due(self, now: int) -> tuple[int, Callable[[], None]] | None:
        """The earliest plan whose time has come, taken off the list."""
        if not self._plans:
            return None
        name = min(self._plans, key=lambda planned: self._plans[planned][0])
        return self._plans.pop(name) if self._plans[name][0] <= now else None
