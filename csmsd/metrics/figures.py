"""What the metrics are made from: the parts of csmsd, as monitoring sees them."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.profiles.task import Outcome
from csmsd.runtime.durations import Durations


class StoreFigures(Protocol):
    """The writer."""

    commits: Durations
    failed_commits: int

    @property
    def failure(self) -> str | None: ...
    @property
    def accepting(self) -> bool: ...
    @property
    def waiting(self) -> int: ...


class LogFigures(Protocol):
    """The log of messages."""

    dropped: int

    @property
    def waiting(self) -> int: ...


class TrafficFigures(Protocol):
    """What went over the wire, `in` and `out`: counts by action, and by error code."""

    calls: dict[str, dict[str, int]]
    errors: dict[str, dict[str, int]]


class Stalls(Protocol):
    """The watchdog of the event loop."""

    stalls: int
    longest_seconds: float


class ReplicaFigures(Protocol):
    """The copy of the database off this box."""

    @property
    def age_ms(self) -> int | None: ...


class Figures(msgspec.Struct, kw_only=True):
    """Where to look when somebody asks for the metrics; nothing is gathered before."""

    version: str
    started_at: int  # ms since 1970
    live: LiveSite
    measured: Callable[[], Awaitable[None]]  # waits for what was measured of all that runs; raises NotStored
    store: StoreFigures
    log: LogFigures
    traffic: TrafficFigures
    watchdog: Stalls
    replica: ReplicaFigures | None
    bus: EventBus
    outcomes: Mapping[tuple[str, Outcome], int]  # of tasks, by action
    leases: Mapping[str, int]  # of load management, by what came of them
    hooks: Mapping[str, int]  # events given to executables
    waiting_calls: Callable[[], int]
    queued_commands: Callable[[], int]
    handshakes: Callable[[], Mapping[str, int]]  # of TLS, by what came of them
    files: list[Path]
    stopping: Callable[[], bool]
