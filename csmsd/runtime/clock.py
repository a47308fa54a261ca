"""The wall clock, watched: what csmsd forgets, and what it lets expire, it does not decide by a clock that has jumped.

Nobody can tell whether a jump put the clock right or wrong. So nothing is forgotten for a day after one, in which
people notice it; and for an hour nothing expires before it would have without the jump, in case it is taken back.
"""

import time
from pathlib import Path

from csmsd.ports.live_site import Clock
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.record import Milliseconds

_JUMP_MS = 60_000
_DRIFT = 0.001  # of the time that passed: clocks are slewed by half of that at most, which is no jump
_PATIENCE_MS = 86_400_000  # in which nothing is forgotten
_MAY_BE_TAKEN_BACK_MS = 3_600_000
_LONGEST_REST_MS = 86_400_000  # a clock that went on by more while csmsd did not run may as well have jumped


def wall_clock() -> Milliseconds:
    """ms since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def steady_clock() -> Milliseconds:
    """ms since some moment; nobody sets it, and it goes on while the machine is suspended where that can be had."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000


def boot_of_machine() -> str | None:
    """Since which boot it runs; the steady clock of another one began anew. None: it does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


class ClockWatch:
    """Compares the wall clock with one that cannot be set, whenever it is asked. Relied on once it was resumed."""

    def __init__(self, wall: Clock = wall_clock, steady: Clock = steady_clock) -> None:
        self._wall = wall
        self._steady = steady
        self._looked_at = steady()
        self._offset = wall() - self._looked_at  # of the wall clock, where nothing has jumped
        self._lowest: tuple[Milliseconds, Milliseconds] | None = None  # of the offsets of this hour, and its end
        self._patient_until: Milliseconds = self._looked_at + _PATIENCE_MS  # by the steady clock
        self.jump: Milestone | None = None  # the last one

    def resume(self, jump: Milestone | None, seen_at: Milliseconds | None) -> None:
        """Goes on where an earlier csmsd stopped: the last jump it knew of, and when its clock was seen last."""
        self.look()
        if self.jump is not None:
            return
        wall = self._wall()
        self.jump = jump
        self._patient_until = self._steady()
        if jump is not None and 0 <= wall - jump.at < _PATIENCE_MS:
            self._patient_until = self._steady() + _PATIENCE_MS - (wall - jump.at)
        if seen_at is not None and not -_JUMP_MS <= wall - seen_at <= _LONGEST_REST_MS:
            self._jumped(wall - seen_at)

    def look(self) -> None:
        """Takes note of a jump since the last look."""
        steady = self._steady()
        off_by = self._wall() - steady - self._offset
        if abs(off_by) > _JUMP_MS:
            before = self._offset if self._lowest is None else self._lowest[0]
            self._offset += off_by
            self._lowest = min(before, self._offset), steady + _MAY_BE_TAKEN_BACK_MS
            self._jumped(off_by)
        else:
            may_drift = int((steady - self._looked_at) * _DRIFT)
            self._offset += max(-may_drift, min(may_drift, off_by))
        self._looked_at = steady
        if self._lowest is not None and steady >= self._lowest[1]:
            self._lowest = None

    def _jumped(self, by: Milliseconds) -> None:
        self._patient_until = self._steady() + _PATIENCE_MS
        self.jump = Milestone(name="clock_jump", at=self._wall(), number=by)

    def patience(self) -> Milliseconds:
        """For how long nothing may be forgotten, in ms; 0: the clock can be relied on."""
        self.look()
        return max(0, self._patient_until - self._steady())

    def to_forget_by(self) -> Milliseconds | None:
        """The time by which what is old may be forgotten; None: nothing may."""
        return None if self.patience() else self._wall()

    def to_expire_by(self) -> Milliseconds:
        """The time by which things expire: within an hour of a jump, the earliest of the times that were told."""
        self.look()
        wall = self._wall()
        return wall if self._lowest is None else min(wall, self._steady() + self._lowest[0])
