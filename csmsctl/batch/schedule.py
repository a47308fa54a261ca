"""Which lines of a batch may run at the same time (docs/decisions)."""

import threading
from typing import Any

from csmsctl.batch.line import Line


class Schedule:
    """Lines of the same command that name different things run together; every other line waits for those before it.

    So a batch does what its lines would do one after the other, and a thousand idTags are added at once.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way: set[Line] = set()
        self._about: set[str] = set()
        self._what: Any = None

    def wait_for_turn(self, line: Line) -> None:
        """Until it may run; it is under way then."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way or self._gets_along(line))
            self._under_way.add(line)
            self._what = line.what if line.about else None
            self._about |= line.about or set()

    def ended(self, line: Line) -> None:
        """It is not under way any more, if it was."""
        with self._changed:
            self._under_way.discard(line)
            self._about -= line.about or set()
            self._changed.notify_all()

    def _gets_along(self, line: Line) -> bool:
        return line.about is not None and line.what is self._what and self._about.isdisjoint(line.about)
