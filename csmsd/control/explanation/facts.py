"""What is known about a transaction, whatever record it comes from."""

from typing import Any

import msgspec

from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.task import Task


class Told(msgspec.Struct, frozen=True):
    """An event as it was kept; the time of a status is that of the charge point, where it came with one."""

    time: Milliseconds
    type: str
    data: dict[str, Any]


class Presented(msgspec.Struct, frozen=True):
    """An Authorize.req, and what it was answered with; None: no answer is on record."""

    time: Milliseconds
    id_tag: str
    status: str | None


class Measured(msgspec.Struct, frozen=True):
    """A meter value: when, and the state of charge in percent, if it was in it."""

    time: Milliseconds
    soc: float | None = None


class Facts(msgspec.Struct, kw_only=True):
    """Everything, in the order of time. Tasks and events are those of the charge point around the transaction."""

    transaction: Transaction
    end: Milliseconds  # when it ended by its records, or now
    energy_wh: int
    energy_suspect: bool
    in_local_list: bool | None = None  # as things are now; None: not known
    reservation: Reservation | None = None
    tasks: list[Task] = []
    profile_tasks: list[Task] = []  # all that ever changed its charging profiles
    profile_names: dict[int, str] = {}
    events: list[Told] = []
    presented: list[Presented] = []
    measured: list[Measured] = []
    start_is_logged: bool = True  # otherwise nobody knows whether the idTag was presented
    tasks_since: Milliseconds | None = None  # older ones were pruned; None: all are kept
    events_since: Milliseconds | None = None  # what is older is not kept; None: there are none
    connectors: tuple[int, ...] = ()
    voltage: int = 230

    @property
    def began(self) -> Milliseconds:
        return self.transaction.start_time


class Entry(msgspec.Struct, frozen=True):
    """A line of the story; `source` names the records it comes from."""

    time: Milliseconds
    kind: str
    text: str
    source: str
