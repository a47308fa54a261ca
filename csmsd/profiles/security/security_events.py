"""Security events: what charge points tell of themselves, and what csmsd itself saw of them, kept apart.

A charge point decides how much it tells, so what is kept of each is capped, and what comes again and again is one row
with a count. What csmsd saw has a room of its own: nobody pushes out what speaks against him.
"""

from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal, get_args

from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import optional_timestamp
from csmsd.profiles.own_ids import OwnIds
from csmsd.profiles.record import Change, Data, Deleted, Event, Milliseconds, Record

MAX_OF_ONE = 500  # rows of a charge point from each source; what was seen of strangers is one of them
REMEMBERED = 20  # of these the newest, which what comes may repeat
# Rows of one type and one hour that differ by address: who has many must not push out what else speaks against him. Of
# all types that strangers can cause there are so few that they are all among the newest.
MOST_ADDRESSES = 3
FROM_MANY = "from many addresses; csmsctl cp pending and cp show have them"
REPEATS_WITHIN = 3_600_000  # ms after the last one; what comes later is a row of its own
MAX_TYPE = 50
MAX_TECH_INFO = 255

Source = Literal["charge_point", "csmsd"]

# Section 8 of the whitepaper. The list is open: these are the ones that metrics name.
KnownType = Literal[
    "FirmwareUpdated",
    "FailedToAuthenticateAtCentralSystem",
    "CentralSystemFailedToAuthenticate",
    "SettingSystemTime",
    "StartupOfTheDevice",
    "ResetOrReboot",
    "SecurityLogWasCleared",
    "ReconfigurationOfSecurityParameters",
    "MemoryExhaustion",
    "InvalidMessages",
    "AttemptedReplayAttacks",
    "TamperDetectionActivated",
    "InvalidFirmwareSignature",
    "InvalidFirmwareSigningCertificate",
    "InvalidCentralSystemCertificate",
    "InvalidChargePointCertificate",
    "InvalidTLSVersion",
    "InvalidTLSCipherSuite",
]
# What csmsd itself sees: the same words where they fit, and what the whitepaper has no word for.
OwnType = Literal[
    "FailedToAuthenticateAtCentralSystem",
    "InvalidMessages",
    "InvalidChargePointCertificate",
    "InvalidTLSVersion",
    "InvalidTLSCipherSuite",
    "FailedTLSHandshake",
    "ReconfigurationOfSecurityParameters",
    "SecurityProfileRefused",
    "SecurityProfileFellBack",
]
_NAMED = frozenset((*get_args(KnownType), *get_args(OwnType)))


class SecurityEvent(Record, kw_only=True):
    """One that happened `count` times. `occurred_at` is by the charge point's clock (None: it tells no time),
    `received_at` when it came; `last_…` are those of its last repetition. `charge_point` is empty where none is known.
    """

    table: ClassVar[str] = "security_event"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    charge_point: str
    source: Source
    type: str
    tech_info: str | None = None
    occurred_at: Milliseconds | None = None
    received_at: Milliseconds
    count: int = 1
    last_occurred_at: Milliseconds | None = None
    last_received_at: Milliseconds

    def described(self) -> Data:
        """As events and listings show it."""
        return {
            "id": self.id,
            "charge_point": self.charge_point or None,
            "source": self.source,
            "type": self.type,
            "tech_info": self.tech_info,
            "occurred_at": optional_timestamp(self.occurred_at),
            "received_at": optional_timestamp(self.received_at),
            "count": self.count,
            "last_occurred_at": optional_timestamp(self.last_occurred_at),
            "last_received_at": optional_timestamp(self.last_received_at),
        }

    def news(self) -> Event:
        return Event("security.event", self.charge_point or None, self.described())


_Place = tuple[str, Source]


class SecurityEvents(OwnIds):
    """What is kept: the ids of all, and of each charge point the newest."""

    def __init__(self) -> None:
        super().__init__()
        self._ids: dict[_Place, array[int]] = {}
        self._newest: dict[_Place, deque[SecurityEvent]] = {}
        self._moved: dict[int, Change] = {}
        self.counts: Counter[tuple[Source, str]] = Counter()  # since the start

    def load(self, charge_point: str, source: Source, ids: Iterable[int]) -> None:
        """Takes those of a charge point as they were kept, in whatever order."""
        place: _Place = (fold(charge_point), source)
        self._ids[place] = array("q", sorted([*self._ids.get(place, ()), *ids]))

    def newest(self) -> Iterator[int]:
        """The ids of those that what comes may repeat."""
        for ids in self._ids.values():
            yield from ids[-REMEMBERED:]

    def load_newest(self, events: Iterable[SecurityEvent]) -> None:
        """Takes the newest of each charge point, the oldest first."""
        for event in events:
            self._remember(event)

    def take(
        self,
        charge_point: str,
        source: Source,
        kind: str,
        tech_info: str | None,
        occurred_at: Milliseconds | None,
        now: Milliseconds,
        *,
        certain: bool = False,
    ) -> tuple[SecurityEvent, list[Change]]:
        """Keeps one; with what is to be written.

        Where its time is `certain`, one that is told twice with the same is the same one.
        """
        kind, tech_info = kind[:MAX_TYPE], tech_info[:MAX_TECH_INFO] if tech_info else None
        place: _Place = (fold(charge_point), source)
        for known in self._newest.get(place, ()):
            if (known.type, known.tech_info) != (kind, tech_info):
                continue
            if certain and occurred_at in (known.occurred_at, known.last_occurred_at):
                return known, [known]
            if abs(now - known.last_received_at) <= REPEATS_WITHIN:
                known.count += 1
                known.last_occurred_at, known.last_received_at = occurred_at, now
                self._count(known)
                return known, [known]
        event = SecurityEvent(
            id=self.new_id(),
            charge_point=charge_point,
            source=source,
            type=kind,
            tech_info=tech_info,
            occurred_at=occurred_at,
            received_at=now,
            last_occurred_at=occurred_at,
            last_received_at=now,
        )
        self._count(event)
        self._remember(event)
        ids = self._ids.setdefault(place, array("q"))
        ids.append(event.id)
        changes: list[Change] = [event]
        while len(ids) > MAX_OF_ONE:
            gone = ids.pop(0)
            self._moved.pop(gone, None)
            changes.append(Deleted(_row(gone, charge_point, source)))
        return event, changes

    def note(
        self,
        charge_point: str | None,
        kind: OwnType,
        tech_info: str,
        now: Milliseconds,
        *,
        address: str | None = None,
    ) -> Event | None:
        """Keeps what csmsd itself saw, with the next housekeeping: who knocks must not cost a commit each time.

        `address` is that of whoever caused it. Returns the news where they are worth telling: once, not for each
        repetition.
        """
        if address is not None:
            tech_info = self._with_address(charge_point or "", kind, f"{tech_info}, from {address}", now)
        event, changes = self.take(charge_point or "", "csmsd", kind, tech_info, None, now)
        for change in changes:
            record = change.record if isinstance(change, Deleted) else change
            assert isinstance(record, SecurityEvent)
            self._moved[record.id] = change
        return event.news() if event.count == 1 else None

    def _with_address(self, charge_point: str, kind: OwnType, tech_info: str, now: Milliseconds) -> str:
        tech_info = tech_info[:MAX_TECH_INFO]
        others = {
            known.tech_info
            for known in self._newest.get((fold(charge_point), "csmsd"), ())
            if known.type == kind and abs(now - known.last_received_at) <= REPEATS_WITHIN
        } - {FROM_MANY}
        return tech_info if tech_info in others or len(others) < MOST_ADDRESSES else FROM_MANY

    @property
    def unwritten(self) -> list[SecurityEvent]:
        """What `note` has kept since the last housekeeping."""
        return [change for change in self._moved.values() if isinstance(change, SecurityEvent)]

    def housekeeping(self) -> list[Change]:
        """What moved without being worth a commit of its own."""
        moved, self._moved = self._moved, {}
        return [*moved.values()]

    def forget(self, gone: set[int]) -> None:
        """They are kept no longer; one that has come again since is written anew."""
        gone = gone - self._moved.keys()
        for place, ids in self._ids.items():
            if not gone.isdisjoint(ids):
                self._ids[place] = array("q", (one for one in ids if one not in gone))
        for place, newest in self._newest.items():
            if any(event.id in gone for event in newest):
                self._newest[place] = deque((one for one in newest if one.id not in gone), maxlen=REMEMBERED)

    def carry_over(self, old: "SecurityEvents") -> None:
        """Takes what was not written yet from those that these replace."""
        self.begin_ids_after(old._last_id)
        self.counts = old.counts
        for number, change in old._moved.items():
            self._moved[number] = change
            if isinstance(change, SecurityEvent) and number not in self._known(change):
                self._ids.setdefault((fold(change.charge_point), change.source), array("q")).append(number)
                self._remember(change)

    def _known(self, event: SecurityEvent) -> set[int]:
        return set(self._ids.get((fold(event.charge_point), event.source), ()))

    def _remember(self, event: SecurityEvent) -> None:
        place: _Place = (fold(event.charge_point), event.source)
        self._newest.setdefault(place, deque(maxlen=REMEMBERED)).append(event)

    def _count(self, event: SecurityEvent) -> None:
        self.counts[event.source, event.type if event.type in _NAMED else "other"] += 1


def _row(number: int, charge_point: str, source: Source) -> SecurityEvent:
    """Enough of it to be deleted."""
    return SecurityEvent(
        id=number, charge_point=charge_point, source=source, type="", received_at=0, last_received_at=0
    )
