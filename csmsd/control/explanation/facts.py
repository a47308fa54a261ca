"""What is known about a transaction, whatever record it comes from."""

from typing import Any

import msgspec

from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.smart_charging.profile_ids import SITE_LIMIT, is_site_limit
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
    """A meter value: when, the state of charge in percent, the most current on a phase in A, and the power in W.

    None is what was not in it.
    """

    time: Milliseconds
    soc: float | None = None
    current_a: float | None = None
    power_w: float | None = None


class Facts(msgspec.Struct, kw_only=True):
    """Everything, in the order of time and, at the same time, of arrival.

    Tasks and events are those of the charge point around the transaction.
    """

    transaction: Transaction
    now: Milliseconds
    end: Milliseconds  # when it ended by its records, or now
    connected: bool = True
    heard_at: Milliseconds | None = None  # when anything came from its charge point last
    free_since: Milliseconds | None = None  # since when its connector has been Available, although it runs
    downs: list[tuple[Milliseconds, Milliseconds]] = []  # when csmsd did not run
    registered_at: Milliseconds = 0  # since when csmsd knows its charge point
    pruned_at: Milliseconds | None = None  # when anything was pruned last
    energy_wh: int
    doubts: list[str]
    bounds: tuple[int, int] | None = None  # Wh that it is at least and at most; None: an older version has judged it
    basis: str | None = None
    in_local_list: bool | None = None  # as things are now; None: not known
    reservation: Reservation | None = None
    of_one_group: bool = False  # its idTag and that of the reservation have one parent
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

    def profile_name(self, number: int) -> str | None:
        """Of a charging profile; that of load management has no entry in the library."""
        return SITE_LIMIT if is_site_limit(number) else self.profile_names.get(number)

    @property
    def began(self) -> Milliseconds:
        return self.transaction.start_time

    @property
    def lasts_from(self) -> Milliseconds:
        """From when its length counts: a clock that is not believed gives none."""
        return self.transaction.lasts_from(self.doubts)

    @property
    def heard_end(self) -> Milliseconds:
        """When it ended at the latest by the clock of csmsd: that of its charge point may be ahead."""
        received = self.transaction.stop_received_at
        return self.end if received is None else min(self.end, received)

    @property
    def statuses(self) -> list[tuple[Milliseconds, str]]:
        """What its connector said of itself, in the order of time."""
        return [
            (event.time, str(event.data.get("status")))
            for event in self.events
            if event.type == "connector.status" and event.data.get("connector") == self.transaction.connector
        ]

    def soc_at(self, time: Milliseconds) -> float | None:
        """The state of charge in percent that was last measured by then."""
        known = [reading.soc for reading in self.measured if reading.soc is not None and reading.time <= time]
        return known[-1] if known else None

    @property
    def measured_until(self) -> Milliseconds | None:
        """Up to when its energy was read: to the register of its end, or else to the last reading."""
        transaction = self.transaction
        stop = transaction.stop
        if stop is not None and stop.register is not None:
            return transaction.stop_time
        times = [reading.time for reading in self.measured if self.began <= reading.time <= self.end]
        return max(times, default=None)


class Entry(msgspec.Struct, frozen=True):
    """A line of the story; `source` names the records it comes from."""

    time: Milliseconds
    kind: str
    text: str
    source: str
