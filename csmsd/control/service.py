"""What the methods of the control socket are given."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from csmsd.live_site import LiveSite
from csmsd.operations.queue import CommandQueue
from csmsd.operations.runner import OperationRunner
from csmsd.ports.listings import (
    AuditFilter,
    CertificateFilter,
    OrphanFilter,
    ReservationFilter,
    Rows,
    SecurityEventFilter,
    TaskFilter,
    TransactionFilter,
)
from csmsd.profiles.audit import Audited
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.core.unclaimed_energy import Read
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.security.certificates import Certificate
from csmsd.profiles.security.security_events import SecurityEvent
from csmsd.profiles.site import Site
from csmsd.profiles.task import Task
from csmsd.settings.sections import Settings


class Listings(Protocol):
    """The store's listings, as the methods need them."""

    async def transactions(self, wanted: TransactionFilter) -> list[Transaction]: ...
    async def transaction(self, transaction_id: int) -> Transaction | None: ...
    async def booked(self, after: int, limit: int) -> list[Transaction]: ...
    async def is_lost(self, transaction_id: int) -> bool: ...
    async def last_booking(self) -> int: ...
    async def meter_values(self, transaction_id: int, limit: int = 0) -> Sequence[Any]: ...
    async def meter_page(
        self,
        transaction_id: int,
        limit: int,
        *,
        after: tuple[Milliseconds, int] | None,
        before: tuple[Milliseconds, int] | None,
        oldest: bool,
    ) -> Sequence[Any]: ...
    async def readings_without_transaction(self, since: Milliseconds, until: Milliseconds) -> list[Read]: ...
    async def orphans(self, wanted: OrphanFilter) -> Rows[QuarantinedMessage]: ...
    async def certificates(self, wanted: CertificateFilter) -> Rows[Certificate]: ...
    async def security_events(self, wanted: SecurityEventFilter) -> Rows[SecurityEvent]: ...
    async def tasks(self, wanted: TaskFilter) -> Rows[Task]: ...
    async def audit(self, wanted: AuditFilter) -> Rows[Audited]: ...
    async def tasks_and_parts(self, numbers: Sequence[int]) -> list[Task]: ...
    async def reservations(self, wanted: ReservationFilter) -> list[Reservation]: ...
    async def task(self, task_id: int) -> Task | None: ...
    async def tasks_since(self) -> Milliseconds | None: ...
    async def database_bytes(self) -> int: ...


class Service(msgspec.Struct):
    """What methods of many subjects need. A subject that needs more extends it, and its table is given that."""

    live: LiveSite
    reader: Listings
    runner: OperationRunner
    queue: CommandQueue
    settings: Settings  # a reload changes it in place

    @property
    def site(self) -> Site:
        return self.live.site

    def now(self) -> Milliseconds:
        return self.live.now()
