"""Opens the socket for operators, with all its methods."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from csmsd.control.audit import Audit
from csmsd.control.log_book import LogBook
from csmsd.control.methods import METHODS, methods
from csmsd.control.methods.access import Checking
from csmsd.control.methods.backups import Backups
from csmsd.control.methods.certificates import Certificates, OwnAuthority
from csmsd.control.methods.daemon_and_site import About, Itself
from csmsd.control.methods.diagnostics import Diagnostics
from csmsd.control.methods.explanation import Explanation
from csmsd.control.methods.firmware import Intake
from csmsd.control.methods.messages_and_events import Feeds
from csmsd.control.methods.pruning import Pruning
from csmsd.control.methods.rollouts import Rollouts
from csmsd.control.methods.securing import Securing
from csmsd.control.methods.transactions import Transactions
from csmsd.control.problems.site import Replica
from csmsd.control.registrations import Keys, Registrations
from csmsd.control.rpc import Json
from csmsd.control.service import Listings, Service
from csmsd.control.socket_server import control_servers
from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.operations.queue import CommandQueue
from csmsd.operations.rollouts import RolloutRunner
from csmsd.operations.runner import OperationRunner
from csmsd.operations.securing import Securing as SecuringOffice
from csmsd.ports.certificates import RequestOffice
from csmsd.ports.charge_points import Links
from csmsd.ports.files import FileStore
from csmsd.ports.store import DatabaseCopy, Disk, PastTransactions
from csmsd.ports.tls import TlsEnd
from csmsd.recall import Recall
from csmsd.settings.sections import Settings
from csmsd.upkeep.pruning import Pruner


@asynccontextmanager
async def open_control_socket(
    settings: Settings,
    live: LiveSite,
    *,
    reader: Listings,
    past: PastTransactions,
    recall: Recall,
    measured: Callable[[], Awaitable[None]],
    runner: OperationRunner,
    queue: CommandQueue,
    rollouts: RolloutRunner,
    pruner: Pruner,
    audit: Audit,
    links: Links,
    keys: Keys,
    files: FileStore,
    log: LogBook,
    bus: EventBus,
    message_subscribers: dict[int, Callable[[Any], None]],
    disk: Disk,
    replica: Replica | None,
    copy_database: Callable[[], DatabaseCopy],
    about: About,
    take_over_settings: Callable[[], Awaitable[Json]],
    offers_tls: Callable[[], bool],
    securing: SecuringOffice,
    certificates: OwnAuthority,
    certificate_requests: RequestOffice,
    tls: TlsEnd,
    tls_addresses: Callable[[], Sequence[str]],
) -> AsyncIterator[None]:
    """It answers as long as the context lasts. Raises SocketBusy, or OSError when the socket cannot be made."""
    common = (live, reader, runner, queue, settings)
    table = methods(
        Service(*common),
        itself=Itself(*common, disk, replica, about, take_over_settings, tls),
        rights=Checking(*common, METHODS),
        registrations=Registrations(*common, links, keys, past, offers_tls),
        securer=Securing(*common, securing),
        books=Transactions(*common, recall),
        feeds=Feeds(*common, log, bus, message_subscribers),
        log=Explanation(*common, log),
        intake=Intake(*common, files),
        files=Diagnostics(*common, files),
        plans=Rollouts(*common, rollouts.waits_for),
        pruner=Pruning(*common, pruner),
        copies=Backups(*common, copy_database),
        papers=Certificates(*common, certificates, certificate_requests, tls, tls_addresses),
    )
    async with control_servers(table, settings.doors, audit, measured):
        yield
