"""What the methods of the control socket are given."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from csmsd.control.rpc import Json
from csmsd.events import EventBus
from csmsd.operations.queue import CommandQueue
from csmsd.operations.runner import OperationRunner
from csmsd.ports import (
    Clock,
    DatabaseCopy,
    FileIntake,
    FileStore,
    Keeper,
    Links,
    NotStored,
    ReservationFilter,
    TaskFilter,
    TransactionFilter,
)
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.site import Site
from csmsd.profiles.task import Task
from csmsd.pruning import Pruner


class Readings(Protocol):
    """The store's listings, as the methods need them."""

    async def transactions(self, wanted: TransactionFilter) -> list[Transaction]: ...
    async def transaction(self, transaction_id: int) -> Transaction | None: ...
    async def booked(self, after: int, limit: int) -> list[Transaction]: ...
    async def last_booking(self) -> int: ...
    async def meter_values(self, transaction_id: int, limit: int = 0) -> Sequence[Any]: ...
    async def quarantine(self, charge_point: str | None, limit: int) -> Sequence[Any]: ...
    async def tasks(self, wanted: TaskFilter) -> list[Task]: ...
    async def tasks_and_parts(self, numbers: Sequence[int]) -> list[Task]: ...
    async def reservations(self, wanted: ReservationFilter) -> list[Reservation]: ...
    async def task(self, task_id: int) -> Task | None: ...
    async def tasks_since(self) -> Milliseconds | None: ...
    async def database_bytes(self) -> int: ...


class LogBook(Protocol):
    """The log of messages and events, as the methods need it."""

    async def first_event_time(self) -> Milliseconds | None: ...
    async def messages(
        self,
        charge_points: Sequence[str] | None,
        *,
        since: Milliseconds | None,
        before_id: int | None,
        limit: int,
        until: Milliseconds | None = None,
    ) -> Sequence[Any]: ...
    async def events(
        self,
        charge_points: Sequence[str] | None,
        types: Sequence[str] | None,
        *,
        since: Milliseconds | None = None,
        until: Milliseconds | None = None,
        after: int | None = None,
        limit: int = 0,
    ) -> Sequence[Any]: ...


class Keys(Protocol):
    """How passwords of charge points are made and kept."""

    def generate(self) -> str: ...
    def hash(self, password: str, *, generated: bool) -> str: ...


class Copying(msgspec.Struct):
    """A copy of the database that is being made, or is there to be read."""

    copy: DatabaseCopy
    made: asyncio.Task[None]


class Service(msgspec.Struct):
    """Everything that a method may use."""

    site: Callable[[], Site]
    keeper: Keeper
    reader: Readings
    links: Links
    log: LogBook
    bus: EventBus
    clock: Clock
    keys: Keys
    runner: OperationRunner
    queue: CommandQueue
    info: Callable[[], Json]
    storage: Callable[[], Json]  # how full the disk is, and how fast
    reload: Callable[[], Json]
    message_subscribers: dict[int, Callable[[Any], None]]
    files: FileStore
    max_firmware_bytes: int
    waits_for: Callable[[int], str | None]  # why nothing happens in a rollout
    pruner: Pruner
    copy_database: Callable[[], DatabaseCopy]
    backups: dict[str, Copying] = msgspec.field(default_factory=dict)  # under way, at most one
    intakes: dict[str, FileIntake] = msgspec.field(default_factory=dict)  # of operators, under way


def require_store(keeper: Keeper) -> None:
    """To be called before memory is changed ahead of a commit. Raises NotStored when nothing can be stored now.

    Memory goes first, because charge points speak and other operators act while a commit is under way; a commit that
    fails has the live state loaded anew, which takes the change back.
    """
    if not keeper.accepting:
        raise NotStored(keeper.failure or "nothing can be stored at the moment")
