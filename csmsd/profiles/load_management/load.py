"""The live state: circuits and their members, what else draws on them, and what each member may have been sent."""

from collections.abc import Iterable
from typing import ClassVar, Literal

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.load_management.budgets import Outside
from csmsd.profiles.load_management.circuits import (
    Circuit,
    Key,
    Member,
    Milliamperes,
    Reading,
    TemporaryLimit,
    Tree,
    check_circuits,
)
from csmsd.profiles.load_management.habits import LimitHabits
from csmsd.profiles.load_management.holds import Hold, Ledger, Slot
from csmsd.profiles.load_management.manners import LoadManner, is_taken_whole
from csmsd.profiles.load_management.steering import Charging
from csmsd.profiles.record import Change, Deleted, Milliseconds, Record


class LoadHold(Record, kw_only=True):
    """A limit that a member may go by: on disk before it is sent, so that csmsd knows of it whatever happens."""

    table: ClassVar[str] = "load_hold"
    key: ClassVar[tuple[str, ...]] = ("charge_point", "connector", "serial")

    charge_point: str
    connector: int
    serial: int
    slot: Slot
    transaction_id: int | None = None
    ma: Milliamperes
    fallback_ma: Milliamperes
    earliest: Milliseconds
    latest: Milliseconds
    phases: list[int]
    sent_at: Milliseconds
    accepted_at: Milliseconds | None = None
    gone_at: Milliseconds

    @staticmethod
    def of(charge_point: str, connector: int, hold: Hold) -> "LoadHold":
        return LoadHold(
            charge_point=charge_point,
            connector=connector,
            serial=hold.serial,
            slot=hold.slot,
            transaction_id=hold.transaction,
            ma=hold.ma,
            fallback_ma=hold.fallback_ma,
            earliest=hold.earliest,
            latest=hold.latest,
            phases=list(hold.phases),
            sent_at=hold.sent_at,
            accepted_at=hold.accepted_at,
            gone_at=hold.gone_at,
        )

    def read(self) -> Hold:
        return Hold(
            serial=self.serial,
            slot=self.slot,
            transaction=self.transaction_id,
            ma=self.ma,
            fallback_ma=self.fallback_ma,
            earliest=self.earliest,
            latest=self.latest,
            phases=tuple(self.phases),
            sent_at=self.sent_at,
            accepted_at=self.accepted_at,
            gone_at=self.gone_at,
        )


class LoadPause(Record, kw_only=True):
    """Nothing is sent to members until then; None: until it is resumed. Their leases end by themselves."""

    table: ClassVar[str] = "load_pause"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int = 1  # there is one
    since: Milliseconds
    until: Milliseconds | None = None


class LoadClock(Record, kw_only=True):
    """By which clock the holds go that are on disk: at `at` by ours a clock that nobody sets showed `steady`."""

    table: ClassVar[str] = "load_clock"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int = 1  # there is one
    at: Milliseconds
    steady: Milliseconds  # since a boot of the machine
    boot: str
    others_known: bool  # the clocks of charge points

    @property
    def offset(self) -> Milliseconds:
        return self.at - self.steady


class LoadPriority(Record, kw_only=True):
    """Transactions of an idTag, on charge points with a label, or one by its number, get so many times the share."""

    table: ClassVar[str] = "load_priority"
    key: ClassVar[tuple[str, ...]] = ("kind", "name")

    kind: Literal["label", "tag", "transaction"]
    name: str
    weight: int

    @property
    def place(self) -> tuple[str, str]:
        return self.kind, fold(self.name)


class LoadManagement:
    """What the site knows of its circuits. Whatever changes them returns what is to be written."""

    def __init__(self) -> None:
        self.circuits: dict[str, Circuit] = {}
        self.members: dict[Key, Member] = {}
        self.temporary: dict[str, TemporaryLimit] = {}
        self.readings: dict[str, Reading] = {}
        self.holds: dict[tuple[str, int, int], LoadHold] = {}
        self.ledger = Ledger()
        self.charging: dict[Key, Charging] = {}  # what was learned of the cars on its members
        self.came: dict[Key, int] = {}  # how many cars came to each, since csmsd runs
        self.pause: LoadPause | None = None
        self.clock: LoadClock | None = None
        self.manners: dict[str, LoadManner] = {}  # by charge point, folded
        self._unwritten: list[Change] = []
        self.priorities: dict[tuple[str, str], LoadPriority] = {}
        self.habits: dict[str, LimitHabits] = {}  # by charge point, folded
        self.generation = 0  # of circuits and members, and of habits
        self._tree: tuple[tuple[int, int], Tree] | None = None

    def carry_over(self, old: "LoadManagement") -> None:
        """Readings are in no file; nor is what was learned of cars, or heard of charge points since the last commit."""
        self.readings = old.readings
        self.charging = old.charging
        self.came = old.came
        self.generation = old.generation + 1

    def begin_with(self, holds: Iterable[LoadHold]) -> None:
        """As they are on disk."""
        self.holds = {(fold(one.charge_point), one.connector, one.serial): one for one in holds}
        self.ledger = Ledger(((key, connector), one.read()) for (key, connector, _), one in self.holds.items())

    # --- circuits

    def circuit(self, name: str) -> Circuit | None:
        return self.circuits.get(fold(name))

    def tree(self, voltage: int) -> Tree:
        made_of = (self.generation, voltage)
        if self._tree is None or self._tree[0] != made_of:
            members = [self.as_it_turned_out(one) for one in self.members.values()]
            self._tree = made_of, Tree(self.circuits.values(), members, voltage)
        return self._tree[1]

    def as_it_turned_out(self, member: Member) -> Member:
        """With what its test has shown."""
        habits = self.habits.get(member.place[0])
        return member if habits is None else habits.member(member)

    def takes_leases(self, key: Key) -> bool:
        """Whether what it is lent ends by itself, as far as anybody knows."""
        habits = self.habits.get(key[0])
        return habits is None or habits.lease_ends is not False

    def found(self, habits: LimitHabits) -> list[Change]:
        """How a charge point takes limits, in the place of what was known of that."""
        self.habits[fold(habits.charge_point)] = habits
        self.generation += 1
        return [habits]

    def members_of(self, charge_point: str) -> list[Member]:
        identity = fold(charge_point)
        return [member for place, member in self.members.items() if place[0] == identity]

    def member_of_start(self, state: ChargePointState, connector: int | None) -> Member | None:
        """One on which the TxProfile of a remote start would overrule the limit for all transactions (C 5.16.2)."""
        for member in self.members_of(state.id):
            if connector in (None, member.connector) and not is_taken_whole(member, state, self.manner(state.id)):
                return member
        return None

    def replace(self, circuits: list[Circuit], members: list[Member]) -> list[Change]:
        """All of them by these. Raises CircuitError, and has changed nothing then."""
        check_circuits(circuits, members)
        new = {fold(circuit.name): circuit for circuit in circuits}
        joining = {member.place: member for member in members}
        changes: list[Change] = [Deleted(old) for name, old in self.circuits.items() if name not in new]
        changes += [Deleted(old) for place, old in self.members.items() if place not in joining]
        changes += [Deleted(limit) for name, limit in self.temporary.items() if name not in new]
        changes += [circuit for name, circuit in new.items() if circuit != self.circuits.get(name)]
        changes += [member for place, member in joining.items() if member != self.members.get(place)]
        self.circuits, self.members = new, joining
        self.temporary = {name: limit for name, limit in self.temporary.items() if name in new}
        self.readings = {name: reading for name, reading in self.readings.items() if name in new}
        if changes:
            self.generation += 1
        return changes

    def limit(self, circuit: Circuit, limit: TemporaryLimit | None) -> list[Change]:
        """For a while; None: no longer."""
        name = fold(circuit.name)
        before = self.temporary.pop(name, None)
        if limit is not None:
            self.temporary[name] = limit
            return [limit]
        return [Deleted(before)] if before is not None else []

    def note_manner(self, manner: LoadManner) -> None:
        """Written with the holds that follow from it."""
        self.manners[fold(manner.charge_point)] = manner
        self._unwritten.append(manner)

    def manner_changes(self) -> list[Change]:
        """What of them is still to be written."""
        changes, self._unwritten = self._unwritten, []
        return changes

    def manner(self, charge_point: str) -> LoadManner:
        return self.manners.get(fold(charge_point)) or LoadManner(charge_point=charge_point)

    def prioritize(self, priority: LoadPriority | None, place: tuple[str, str]) -> list[Change]:
        """None: no longer."""
        before = self.priorities.get(place)
        if priority is not None and before is not None:
            priority.name = before.name  # as it was spelled first
        if priority == before:
            return []
        if priority is None:
            assert before is not None
            del self.priorities[place]
            return [Deleted(before)]
        self.priorities[place] = priority
        return [priority]

    def priority_of(self, labels: Iterable[str], id_tag: str, transaction: int) -> int:
        """What was said of the transaction, else of its idTag, else the greatest of what was said of labels."""
        if not self.priorities:
            return 1
        for place in (("transaction", str(transaction)), ("tag", fold(id_tag))):
            if place in self.priorities:
                return self.priorities[place].weight
        told = [self.priorities.get(("label", fold(label))) for label in labels]
        return max((one.weight for one in told if one is not None), default=1)

    def paused(self, now: Milliseconds) -> LoadPause | None:
        """The pause that holds now."""
        pause = self.pause
        return pause if pause is not None and (pause.until is None or now < pause.until) else None

    def pause_until(self, until: Milliseconds | None, now: Milliseconds) -> list[Change]:
        """From now on; one that holds already keeps its beginning."""
        before = self.paused(now)
        if before is not None and before.until == until:
            return []
        self.pause = LoadPause(since=now if before is None else before.since, until=until)
        return [self.pause]

    def resume(self) -> list[Change]:
        before, self.pause = self.pause, None
        return [] if before is None else [Deleted(before)]

    def outside(self, utc_offset_s: int, now: Milliseconds, to_expire_by: Milliseconds | None = None) -> Outside:
        """What holds now besides the tree; limits for a while by `to_expire_by`: no jump of our clock ends them."""
        ahead = 0 if to_expire_by is None else max(0, now - to_expire_by)
        return Outside(
            temporary={
                name: msgspec.structs.replace(limit, until=limit.until + ahead)
                for name, limit in self.temporary.items()
                if limit.until + ahead > now
            },
            readings=dict(self.readings),
            utc_offset_s=utc_offset_s,
        )

    def forget(self, charge_point: str) -> None:
        """It is removed; its rows go with that of the charge point."""
        identity = fold(charge_point)
        self.habits.pop(identity, None)
        for place in [place for place in self.members if place[0] == identity]:
            del self.members[place]
            self.generation += 1
        for key in {key for key, _ in self.ledger if key[0] == identity}:
            self.ledger.forget(key)
        self.holds = {place: hold for place, hold in self.holds.items() if place[0] != identity}
        self.manners.pop(identity, None)
        self._unwritten = [one for one in self._unwritten if not _is_of(one, identity)]

    # --- what was sent

    def hold_changes(self) -> list[Change]:
        """What is to be written so that the disk knows what the ledger knows."""
        names = {member.place: member.charge_point for member in self.members.values()}
        current: dict[tuple[str, int, int], LoadHold] = {}
        for key, hold in self.ledger:
            if key in names:
                current[(*key, hold.serial)] = LoadHold.of(names[key], key[1], hold)
        changes = self.manner_changes()
        changes += [hold for place, hold in current.items() if hold != self.holds.get(place)]
        changes += [Deleted(hold) for place, hold in self.holds.items() if place not in current]
        self.holds = current
        return changes


def _is_of(change: Change, identity: str) -> bool:
    return isinstance(change, LoadManner) and fold(change.charge_point) == identity
