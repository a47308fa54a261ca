"""Notices when the event loop stands still, and what ran then: whoever waits for an answer waits for that.

The loop says ten times a second that it goes on; a thread looks whether it did. Neither costs anything to speak of.
"""

import asyncio
import logging
import sys
import threading
import traceback
from time import monotonic

log = logging.getLogger(__name__)

STALL_SECONDS = 0.25
_BEAT_SECONDS = 0.1
_TELL_EVERY_SECONDS = 10.0
_FRAMES = 6  # of what ran, the innermost


class Watchdog:
    """Counts stalls of the loop that it is opened in, and logs one of them every ten seconds at most."""

    def __init__(self) -> None:
        self.stalls = 0
        self.longest_seconds = 0.0
        self._beat_at = 0.0
        self._ran: str | None = None  # seen during the stall that goes on
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._watched = 0
        self._told_at = -_TELL_EVERY_SECONDS

    async def open(self) -> None:
        self._watched = threading.get_ident()
        self._beat_at = monotonic()
        self._timer = asyncio.get_running_loop().call_later(_BEAT_SECONDS, self._beat)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ended.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _beat(self) -> None:
        now = monotonic()
        late = now - self._beat_at - _BEAT_SECONDS
        self._beat_at = now
        self._timer = asyncio.get_running_loop().call_later(_BEAT_SECONDS, self._beat)
        if late < STALL_SECONDS:
            return
        ran, self._ran = self._ran, None
        self.stalls += 1
        self.longest_seconds = max(self.longest_seconds, late)
        if now - self._told_at >= _TELL_EVERY_SECONDS:
            self._told_at = now
            log.warning(
                "nothing was answered for %.0f ms (the %d. time since the start): %s",
                late * 1000,
                self.stalls,
                ran or "csmsd did not get to run, or ended what it did in time not to be seen",
            )

    def _watch(self) -> None:
        """In the thread: looks what the loop is at, once it is late."""
        seen = 0.0
        while not self._ended.wait(_BEAT_SECONDS):
            beat_at = self._beat_at
            if beat_at == seen or monotonic() - beat_at - _BEAT_SECONDS < STALL_SECONDS - _BEAT_SECONDS:
                continue
            seen = beat_at
            frame = sys._current_frames().get(self._watched)
            if frame is not None:
                stack = traceback.extract_stack(frame)[-_FRAMES:]
                ran = " > ".join(f"{one.name} ({one.filename.rpartition('/csmsd/')[2]}:{one.lineno})" for one in stack)
                if beat_at == self._beat_at:  # it is at it still
                    self._ran = ran
