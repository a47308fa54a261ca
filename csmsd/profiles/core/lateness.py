"""Whether a status is news or comes out of a backlog: its charge point's clock says when it was so, not always rightly.

What arrives last is what is so now, whatever the clock says (it starts in 1970, is set back, runs behind), except for
what a charge point held back while it was away and delivers after it has come back.
"""

from collections import deque

from csmsd.profiles.record import Milliseconds

_CLOCKS_DIFFER_MS = 60_000
_DELIVERED_WITHIN_MS = 600_000  # after a connection was made: as long as a backlog takes at most


class Lateness:
    """How far the times of a charge point's statuses lie behind their arrival; the least of them is its clock's."""

    def __init__(self) -> None:
        self._behind: deque[Milliseconds] = deque(maxlen=8)

    def note(self, time: Milliseconds, now: Milliseconds) -> None:
        """A status that was taken as news had that time of the charge point's clock."""
        self._behind.append(now - time)

    def forget(self) -> None:
        """Its clock was set, or may be another one, for the charge point has booted."""
        self._behind.clear()

    def held_back(
        self,
        time: Milliseconds,
        now: Milliseconds,
        *,
        connected_at: Milliseconds | None,
        away_since: Milliseconds | None,
        booted_at: Milliseconds | None,
        known_at: Milliseconds,
    ) -> bool:
        """Whether a status with a time before the known one's was held back while the charge point was away.

        Only one that has come back holds anything back (`away_since`: when it was heard last on its connection before
        this one), for a time before that, by its clock as far as it is known. After a boot a connector's first status
        is of now (C 4.9), and so is its clock new; `known_at` is when the known status came.
        """
        if connected_at is None or away_since is None or now - connected_at > _DELIVERED_WITHIN_MS:
            return False
        if booted_at is not None and booted_at >= connected_at and known_at < booted_at:
            return False
        return time + min(self._behind, default=0) < connected_at - _CLOCKS_DIFFER_MS


def contradicts(time: Milliseconds, known: Milliseconds) -> bool:
    """Whether a time is so far before a known one, of what came earlier, that one of the two clocks is wrong."""
    return time < known - _CLOCKS_DIFFER_MS


def in_order(time: Milliseconds, known: Milliseconds, now: Milliseconds) -> Milliseconds:
    """When a status was so that came after one whose time is `known`: a clock that contradicts that is not believed."""
    if time >= known:
        return time
    return now if contradicts(time, known) else known
