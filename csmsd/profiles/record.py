"""Records: what the slices hand to the store to be kept. A record's fields are the columns of its table.

The store derives its SQL from these classes; the columns themselves are in the migrations, and a test compares both.
"""

from collections.abc import Callable
from typing import ClassVar, Literal

import msgspec

Milliseconds = int  # since 1970-01-01 UTC


class Record(msgspec.Struct, kw_only=True, gc=False):
    """A row. With a `key` it is inserted or, when a row with that key exists, replaced; without one it is added."""

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]] = ()
    looked_for_by: ClassVar[tuple[str, ...]] = ()  # of what is kept `Once`: columns of an index, in its order


class Deleted(msgspec.Struct, frozen=True):
    """The row of `record` is to go."""

    record: Record


class Once(msgspec.Struct, frozen=True):
    """`record`, which has no key, is to be kept unless the very same row is there."""

    record: Record


Change = Record | Deleted | Once


EventType = Literal[
    "charge_point.connected",
    "charge_point.disconnected",
    "charge_point.refused",
    "charge_point.registered",
    "charge_point.changed",
    "charge_point.removed",
    "charge_point.booted",
    "connector.status",
    "tag.changed",
    "tag.removed",
    "tag.authorized",
    "transaction.started",
    "transaction.stopped",
    "transaction.abandoned",
    "transaction.resumed",
    "transaction.closed",
    "transaction.orphaned",
    "transaction.settled",
    "reservation.reserved",
    "reservation.used",
    "reservation.expired",
    "reservation.cancelled",
    "reservation.failed",
    "local_list.updated",
    "meter_values",
    "firmware.status",
    "firmware.confirmed",
    "firmware.progress",
    "firmware.changed",
    "diagnostics.status",
    "diagnostics.received",
    "diagnostics.progress",
    "diagnostics.removed",
    "rollout.changed",
    "files.opened",
    "files.closed",
    "profile.changed",
    "profile.removed",
    "profile.installed",
    "profile.cleared",
    "security.event",
    "security.upgrade",
    "certificate.requested",
    "certificate.changed",
    "certificate.refused",
    "circuit.changed",
    "circuit.limited",
    "circuit.measured",
    "load.lent",
    "load.refused",
    "load.unmanaged",
    "load.managed",
    "load.manner",
    "load.paused",
    "load.resumed",
    "load.prioritized",
    "message.quarantined",
    "message.dismissed",
    "hook.failed",
    "command.refused",
    "task.created",
    "task.settled",
    "task.queued",
    "task.delivered",
    "task.expired",
    "task.cancelled",
    "daemon.started",
    "daemon.stopping",
    "daemon.reloaded",
    "daemon.clock_jumped",
    "store.failed",
    "store.recovered",
    "store.restored",
    "store.damaged",
]


# Too many to keep; the readings themselves are in the store.
FLEETING: frozenset[EventType] = frozenset(
    {"meter_values", "tag.authorized", "firmware.progress", "diagnostics.progress", "circuit.measured"}
)

Data = dict[str, object]


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that operators can watch; it leaves after the commit of what it tells.

    What next to nobody looks at may be given as a function that makes the data. `bulky` is a fleeting one that nobody
    is to remember: a charge point decides how long it is.
    """

    type: EventType
    charge_point: str | None
    told: Data | Callable[[], Data]
    bulky: bool = False

    @property
    def data(self) -> Data:
        return self.told() if callable(self.told) else self.told
