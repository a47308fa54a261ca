"""What waits in the queues, in memory: a line of commands for each charge point, in the order they were given."""

import asyncio
from collections.abc import Iterator

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.operations.result import Report, Result
from csmsd.profiles.task import QueuedCommand, Task


class Turn(msgspec.Struct):
    """A queued command whose time has come: its first CALL is sent under the task that it waited as."""

    task: Task
    command: QueuedCommand
    several: bool  # it took several requests when it was queued: it is on disk until the last is answered
    begun: bool = False  # recorded, and maybe sent: it is never sent again by itself


class Waiting:
    """A command in the queue; `done` has its results, or None when it cannot be sent at once."""

    __slots__ = ("command", "done", "removed", "report", "task", "under_way")

    def __init__(self, command: QueuedCommand, task: Task, report: Report = lambda _: None) -> None:
        self.command = command
        self.task = task
        self.report = report
        self.done: asyncio.Future[list[Result] | None] = asyncio.get_running_loop().create_future()
        self.under_way = False  # somebody is at it: it is being sent, cancelled or given up
        self.removed = False  # its charge point is registered no more

    def tell(self, results: list[Result] | None) -> None:
        """Tells the operator who gave it and is still there."""
        if not self.done.done():
            self.done.set_result(results)


class Lines:
    """The lines of all charge points, by their folded identities."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Waiting]] = {}

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def __iter__(self) -> Iterator[Waiting]:
        return iter([waiting for line in self._lines.values() for waiting in line])

    @property
    def keys(self) -> list[str]:
        return list(self._lines)

    def of(self, identity: str) -> list[Waiting]:
        """A copy."""
        return list(self._lines.get(fold(identity), ()))

    def find(self, task_id: int) -> Waiting | None:
        return next((waiting for waiting in self if waiting.task.id == task_id), None)

    def add(self, waiting: Waiting) -> None:
        line = self._lines.setdefault(fold(waiting.command.charge_point), [])
        line.append(waiting)
        line.sort(key=lambda known: known.task.id)

    def remove(self, waiting: Waiting) -> None:
        key = fold(waiting.command.charge_point)
        self._lines[key].remove(waiting)
        if not self._lines[key]:
            del self._lines[key]
