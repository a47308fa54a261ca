"""What pruning asks of the store."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from csmsd.profiles.record import Milliseconds, Record
from csmsd.profiles.reservation.reservations import Reservation

PruneKind = Literal[
    "transactions",
    "meter_values",
    "tasks",
    "reservations",
    "firmware_updates",
    "diagnostics",
    "quarantine",
    "audit",
    "security_events",
    "security_upgrades",
]


class PruneCount(NamedTuple):
    """Rows that may go, and those that are old enough but which no export has delivered."""

    rows: int
    kept_unexported: int = 0


class PruneBatch(NamedTuple):
    """Rows that may go in one commit, perhaps none, and the id after which to go on looking."""

    kind: type[Record]
    ids: list[int]
    last: int


class Prunable(Protocol):
    """Finds what is old enough to be pruned and may go."""

    async def count(
        self, kind: PruneKind, before: Milliseconds, exported: int, now: Milliseconds, last_booking: int
    ) -> PruneCount: ...
    async def first_booking_within(self, since: Milliseconds, until: Milliseconds) -> int | None: ...
    async def next(
        self, kind: PruneKind, before: Milliseconds, exported: int, after: int, now: Milliseconds
    ) -> PruneBatch | None: ...
    async def readings_of(self, transactions: Sequence[int]) -> list[int]: ...
    async def reservations(self, before: Milliseconds) -> list[Reservation]: ...
    async def free_pages(self) -> tuple[int, int]: ...


class Shrinker(Protocol):
    """The writer, as pruning needs it besides the way of all changes."""

    async def shrink(self, pages: int) -> None: ...
