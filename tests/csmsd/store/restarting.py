"""A scene whose changes are kept as they come, so that they can be written to a file and a site loaded from it."""

import asyncio
import functools
import itertools
import re
import tempfile
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.ocpp.leniency import Deviation
from csmsd.ocpp.types import ChargingProfile
from csmsd.ports.store import PastTransaction
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.transactions import NotRemembered, Wanted
from csmsd.profiles.record import Change, Event, Once
from csmsd.profiles.site import Site
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.past import connect_to_past, find_past_transactions
from csmsd.store.writer import Writer
from tests.csmsd.profiles.firmware_management.firmware_scene import FirmwareScene
from tests.csmsd.profiles.local_auth_list.listing import Listing
from tests.csmsd.profiles.reservation.reserving import Reserving
from tests.csmsd.profiles.scene import Answer
from tests.csmsd.profiles.smart_charging.installing import add


class Restarting(Reserving, FirmwareScene, Listing):
    """What each message and each command leaves to be written, in the order in which it came."""

    def __init__(self) -> None:
        self.kept: list[list[Change]] = []
        self.path: Path | None = None
        super().__init__()
        self.keep([self.cp.record, *self.site.firmware.images.values()], [])

    def keep(self, changes: list[Change], events: list[Event]) -> None:
        super().keep(changes, events)
        self.kept.append(deepcopy(changes))  # as they are now: records go on changing

    def register(self, identity: str, **fields: Any) -> ChargePointState:
        state = super().register(identity, **fields)
        self.keep([state.record], [])
        return state

    def tag(self, name: str, **fields: Any) -> IdTag:
        tag = super().tag(name, **fields)
        self.keep([tag], [])
        return tag

    def profile(self, name: str, body: ChargingProfile) -> None:
        """One more in the library."""
        self.keep([add(self, name, body)], [])

    def departs(self, action: str, field: str, by: str = "CP1") -> None:
        """A charge point departs from the specification, and the housekeeper comes by."""
        state = self.site.charge_points[fold(by)]
        state.count_deviations(action, [Deviation(field, "too_long", "PropertyConstraintViolation")], self.now)
        state.record.last_seen_at = self.now
        self.keep(state.housekeeping(), [])

    async def restarted(self, path: Path) -> Site:
        """The site that another csmsd finds in the file."""
        await write(path, *self.kept)
        return load_site(path, Site(self.site.policies))

    def on_disk(self, identity: str, wanted: Wanted) -> list[PastTransaction]:
        if self.path is None:
            return []
        with closing(connect_to_past(self.path)) as connection:
            return find_past_transactions(connection, identity, wanted)

    def recollect(self) -> None:
        """Brings memory what was measured of all that may still be stopped, which a start leaves on disk."""
        for state in self.site.charge_points.values():
            try:
                state.transactions.require(*state.transactions.unfinished())
            except NotRemembered as forgotten:
                found = self.on_disk(state.id, forgotten.wanted)
                booking.book_recalled(forgotten.wanted, found, state.transactions)

    def on(self, site: Site, path: Path) -> "Restarting":
        """The same charge points and the same hour on another site, which was loaded from a file."""
        other = Restarting()
        other.path = path
        other.site, other.cp, other.now, other.task = site, site.charge_points["cp1"], self.now, self.task
        other.version, other.content = self.version, dict(self.content)
        return other


@functools.cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "csms.db"
        prepare_database(path)
        return path.read_bytes()


async def write(path: Path, *members: list[Change]) -> None:
    """Has csmsd's writer write them, each as one request's."""

    async def recover() -> None:
        raise AssertionError("nothing should fail")

    await asyncio.to_thread(path.write_bytes, _empty_file())
    writer = Writer(path, synchronous="OFF", recover=recover)
    await writer.open()
    failed: list[Exception] = []

    def done(error: Exception | None) -> None:
        if error is not None:
            failed.append(error)

    for changes in members:
        writer.submit(changes, done)
    await writer.close()
    assert failed == []


# What a restart is not to bring back: connections, what hangs on them, and what is worked out anew when it is asked
# for. Everything else that a Site holds has to be there again.
FLEETING: dict[str, set[str]] = {
    "Site": {"policies", "loaded_at", "_orphans_at", "unknown_cards"},
    "ChargePointState": {
        "samples", "connected_at", "address", "reached_at", "triggered", "unanswered_since", "heard",
        "unsaved", "_zone", "arrivals", "away_since", "lateness", "links", "hidden_by_fault", "outside",
    },
    "TransactionBook": {"_on_disk_until", "_recalled", "_absent"},
    "Orphans": {"_at_address", "turned_away"},
    "MeterShapes": {"_seen"},
    "Gathered": {"_verdict"},
    "ThinnedRows": {"_known"},
    "RefusedConnections": {"_told", "_told_lately", "_window"},
    "Firmware": {"hosting"},
    "Security": {"roots", "unable_to_sign"},
}  # fmt: skip


def picture(thing: object) -> Any:
    """All that an object holds, down to plain values, so that two of them can be compared and differences read."""
    if thing is None or isinstance(thing, str | int | float | bytes):
        return thing
    if isinstance(thing, itertools.count):
        return repr(thing)  # the number that comes next
    if isinstance(thing, Counter):
        thing = +thing  # none of a kind is as good as a kind that was never there
    if isinstance(thing, Mapping):
        return {key: picture(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple | deque | array):
        return [picture(value) for value in thing]
    if isinstance(thing, set | frozenset):
        return sorted(thing)
    kind = type(thing).__name__
    assert not isinstance(thing, Callable | functools.partial), f"{thing} hides what it holds"  # type: ignore[arg-type]
    names: tuple[str, ...] | None
    if isinstance(thing, msgspec.Struct):
        names = thing.__struct_fields__
    else:  # the second has those of a class that is compiled
        names = getattr(thing, "__slots__", None) or getattr(thing, "__mypyc_attrs__", None)
    held = vars(thing) if names is None else {name: getattr(thing, name) for name in names if name != "__weakref__"}
    return {"": kind} | {name: picture(value) for name, value in held.items() if name not in FLEETING.get(kind, ())}


# Where the oldest are forgotten by their order; what else has keys is looked up by them alone.
_ORDERED = re.compile(r"\.transactions\._by_id$|\.reservations\._by_charge_point\.[^.]+$")


def differences(before: Any, after: Any, place: str = "site") -> Iterator[str]:
    """Where two pictures differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        if before.keys() != after.keys() or (_ORDERED.search(place) and list(before) != list(after)):
            yield f"{place}: {list(before)} became {list(after)}"
        for key in before.keys() & after.keys():
            yield from differences(before[key], after[key], f"{place}.{key}")
    elif before != after:
        yield f"{place}: {before!r} became {after!r}"


async def restarted(scene: Restarting, directory: Path) -> Restarting:
    """The scene after a restart, which must know what the one before knew."""
    site = await scene.restarted(directory / "csms.db")
    again = scene.on(site, directory / "csms.db")
    again.recollect()
    for live in (scene.site, site):
        for state in live.charge_points.values():
            live.local_lists.get(state.id)  # one that nothing is known of is made when it is looked at
    assert [*differences(picture(scene.site), picture(site))] == []
    return again


def told(answer: Answer) -> Any:
    """All that a message brings about, whether or not a reading is looked for first."""
    changes = [change.record if isinstance(change, Once) else change for change in answer.changes]
    return answer.payload, picture(changes), [(event.type, event.data) for event in answer.events]
