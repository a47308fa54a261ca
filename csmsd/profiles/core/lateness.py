"""Whether a status is news or comes out of a backlog: its charge point's clock says when it was so, not always rightly.

What arrives last is what is so now, whatever the clock says (it starts in 1970, is set back, runs behind), except for
what a charge point held back while it was away and delivers after it has come back. One that is on its first
connection may deliver what happened before it: that its clock was not set back shows when many minutes come at once.
"""

from collections import deque

from csmsd.profiles.record import Milliseconds

_CLOCKS_DIFFER_MS = 60_000
_DELIVERED_WITHIN_MS = 600_000  # after a connection was made: as long as a backlog takes at most
_AT_ONCE_MS = 5_000  # one message right after another, over a slow link
_NO_CLOCK_RUNS_SO_MS = 90_000


class Lateness:
    """How far the times of a charge point's statuses lie behind their arrival; the least of them is its clock's."""

    def __init__(self) -> None:
        self._behind: deque[Milliseconds] = deque(maxlen=8)
        self._clock: deque[Milliseconds] = deque(maxlen=8)
        self._back: tuple[Milliseconds, Milliseconds] | None = None
        self._delivers = False  # a backlog on its first connection

    def note(self, time: Milliseconds, now: Milliseconds) -> None:
        """A status that was taken as news had that time of the charge point's clock."""
        self._behind.append(now - time)

    def note_clock(self, time: Milliseconds, now: Milliseconds) -> None:
        """As `note`, also where the clock is ahead."""
        self._clock.append(now - time)

    def note_impossible_clock(self, time: Milliseconds, now: Milliseconds) -> None:
        """As `note_clock`, of a time that nothing can be booked with: days or years off, by its clock or by ours."""
        self._forget_clocks_unlike(now - time)
        self._clock.append(now - time)

    @property
    def clock_behind(self) -> Milliseconds | None:
        """How far its clock is behind ours, less than 0 where it is ahead; None where statuses do not agree on it."""
        least, *more = sorted(self._clock)[:2] or [0]
        return least if more and more[0] - least <= _AT_ONCE_MS else None

    def forget_clock(self) -> None:
        """Ours was set: how far its clock is behind, what it tells from now on shows."""
        self._clock.clear()

    def forget(self) -> None:
        """Its clock was set, or may be another one, for the charge point has booted."""
        self._behind.clear()
        self._clock.clear()
        self._back, self._delivers = None, False

    def went_back(self, time: Milliseconds, now: Milliseconds) -> bool:
        """Takes note of a status that is news although its time contradicts what came before; the first in a row?"""
        anew = self._back is None or now - self._back[1] > _AT_ONCE_MS
        self._behind.clear()
        self._forget_clocks_unlike(now - time)
        self._back = (time, now)
        return anew

    def _forget_clocks_unlike(self, behind: Milliseconds) -> None:
        """It was set: what it has shown since then agrees with that."""
        agreeing = [known for known in self._clock if abs(known - behind) <= _AT_ONCE_MS]
        self._clock.clear()
        self._clock.extend(agreeing)

    def proves_backlog(self, time: Milliseconds, now: Milliseconds) -> bool:
        """Whether a time is so far from that of the one before, which went back, that no clock was set back at all."""
        if self._back is None:
            return False
        back, came_at = self._back
        return now - came_at <= _AT_ONCE_MS and abs(time - back - (now - came_at)) > _NO_CLOCK_RUNS_SO_MS

    def delivers(self) -> None:
        """The charge point delivers a backlog on its first connection, by a clock that is to be known anew."""
        self._behind.clear()
        self._clock.clear()
        self._back, self._delivers = None, True

    def held_back(
        self,
        time: Milliseconds,
        now: Milliseconds,
        *,
        connected_at: Milliseconds | None,
        away_since: Milliseconds | None,
        booted_at: Milliseconds | None,
        known_at: Milliseconds,
        fault: bool = False,
    ) -> bool:
        """Whether a status with a time before the known one's was held back while the charge point was away.

        One that has come back holds things back (`away_since`: when it was heard last on its connection before this
        one), for a time before that, by its clock as far as it is known; where it is known, seconds count. After a boot
        a connector's first status is of now (C 4.9), and so is its clock new; `known_at` is when the known status came.
        On its first connection it must have been shown that it delivers a backlog, except to take away a `fault` that
        it has just told of.
        """
        if connected_at is None or now - connected_at > _DELIVERED_WITHIN_MS:
            return False
        if booted_at is not None and booted_at >= connected_at and known_at < booted_at:
            return False
        was_so = time + min(self._behind, default=0)
        if was_so < connected_at - _CLOCKS_DIFFER_MS:
            return away_since is not None or self._delivers or (fault and now - known_at <= _AT_ONCE_MS)
        return away_since is not None and bool(self._behind) and away_since <= was_so < connected_at


def contradicts_by_lateness(time: Milliseconds, known: Milliseconds) -> bool:
    """Whether a time is so far before a known one, of what came earlier, that one of the two clocks is wrong."""
    return time < known - _CLOCKS_DIFFER_MS


def time_despite_lateness(time: Milliseconds, known: Milliseconds, now: Milliseconds) -> Milliseconds:
    """When a status was so that came after one whose time is `known`: a clock that contradicts that is not believed."""
    if time >= known:
        return time
    return now if contradicts_by_lateness(time, known) else known
