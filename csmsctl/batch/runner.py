"""Runs the lines of a batch in threads, and hands out their results in the order of the input."""

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Queue, SimpleQueue

from csmsctl.batch.line import Line
from csmsctl.batch.schedule import Schedule
from csmsctl.failure import INTERRUPTED, OTHER, Failure
from csmsctl.link.shared_client import SharedClient

_READ_AHEAD = 16  # lines a worker; what is read and not printed is held in memory


class Runner:
    """A batch under way. Lines are begun in their order, several at once where `Schedule` allows it."""

    def __init__(self, lines: Iterable[Line], shared: SharedClient, *, parallel: int, fail_fast: bool) -> None:
        self._lines = lines
        self._shared = shared
        self._fail_fast = fail_fast
        self._read: Queue[Line | BaseException | None] = Queue(maxsize=_READ_AHEAD * parallel)
        self._ready: SimpleQueue[Line] = SimpleQueue()
        self._schedule = Schedule()
        self._stopped: Failure | None = None  # why no more lines are begun
        self._interrupted = False
        self._next: Line | None = None  # whose result is handed out next
        for work in (self._begin_in_order, *[self._work] * parallel):
            # Daemons: when the batch is interrupted nobody waits for an answer, or for the next line.
            threading.Thread(target=work, daemon=True).start()

    def finished(self, before_waiting: Callable[[], None]) -> Iterator[Line]:
        """The lines with their results. Raises what reading the lines raises."""
        while True:
            if self._read.empty():
                before_waiting()
            line = self._read.get()
            if line is None:
                return
            if isinstance(line, BaseException):
                raise line
            self._next = line
            if line.result is None:
                before_waiting()
                line.ended.wait()
            self._next = None
            yield line

    def interrupted(self) -> Iterator[Line]:
        """Begins no more, waits for nothing, and says of the lines that were read what is known of them now."""
        self._interrupted = True
        self._stopped = Failure(INTERRUPTED, "Not run: the batch was interrupted.")
        while True:
            if self._next is not None:
                self._next.give_up(self._stopped)
                yield self._next
            try:
                line = self._read.get_nowait()
            except Empty:
                return
            self._next = line if isinstance(line, Line) else None

    def _begin_in_order(self) -> None:
        try:
            for line in self._lines:
                if self._interrupted:
                    return
                self._read.put(line)
                if self._stopped is None:
                    self._schedule.wait_for_turn(line)
                self._ready.put(line)
            self._read.put(None)
        except BaseException as error:
            self._read.put(error)

    def _work(self) -> None:
        while True:
            line = self._ready.get()
            if self._stopped is not None:
                line.give_up(self._stopped)
            else:
                line.run(self._shared)
                if self._fail_fast and line.failed:
                    self._stopped = Failure(OTHER, f"Not run: line {line.number} failed.")
            self._schedule.ended(line)
