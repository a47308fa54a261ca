"""What the store gives: the writer of records, what was committed before, the log of messages."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from csmsd.profiles.core.energy.gathered import Gathered
from csmsd.profiles.core.transactions import History, Transaction, Wanted
from csmsd.profiles.record import Change, Record


class NotStored(Exception):
    """The changes are not on disk; the text says why."""


class Disk(Protocol):
    """How the store does."""

    @property
    def failure(self) -> str | None: ...
    @property
    def slow_ms(self) -> int | None: ...


class Removal(NamedTuple):
    """Rows of a kind that are to go: those with one of the values in a column."""

    kind: type[Record]
    column: str
    values: Sequence[int]


class RecordWriter(Disk, Protocol):
    """The writer, as `LiveSite` sees it. An error that `done` is given, or that is raised, is NotStored."""

    @property
    def accepting(self) -> bool: ...
    def submit(self, changes: Sequence[Change], done: Callable[[NotStored | None], None]) -> None: ...
    def submit_along(self, changes: Sequence[Change], done: Callable[[NotStored | None], None]) -> None: ...
    def no_longer_along(self) -> None: ...
    async def commit(self, changes: Sequence[Change]) -> None: ...
    async def remove(self, removals: Sequence[Removal]) -> None: ...
    def renew(self) -> None: ...


PastTransaction = tuple[Transaction, Gathered | None]  # with what was measured of it, where it is not over


class PastTransactions(Protocol):
    """What was committed of transactions that memory does not hold, with what was measured of those not over.

    Raises NotStored when the disk cannot be read.
    """

    async def history(self, charge_point: str) -> History: ...
    async def find(self, charge_point: str, wanted: Wanted) -> list[PastTransaction]: ...


class DatabaseCopy(Protocol):
    """A copy of the database as it was in one moment; what is not cancelling it may block."""

    progress: float
    size: int
    sha256: str

    def make(self) -> None: ...
    def write_into(self, target: int) -> None: ...
    def cancel(self) -> None: ...
    def read(self, offset: int, length: int) -> bytes: ...
    def remove(self) -> None: ...


class MessageTap(Protocol):
    """Sees every OCPP message."""

    def __call__(self, charge_point: str, direction: Literal["in", "out"], text: bytes | str) -> None: ...
