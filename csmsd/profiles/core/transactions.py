"""Transactions: the records that bills are made of, and how a charge point's messages find theirs."""

from collections import OrderedDict
from itertools import takewhile
from typing import ClassVar, Literal

from csmsd.ocpp.identity import fold
from csmsd.profiles.core.energy.evidence import Boot, Start, Stop
from csmsd.profiles.core.energy.gathered import Gathered
from csmsd.profiles.record import Milliseconds, Record

# Closed transactions that are kept in memory per charge point, so that retries and late meter values find theirs.
REMEMBERED = 500
MAX_ACTIVE = 512  # at once on one charge point

TransactionState = Literal["active", "stopped", "abandoned", "closed"]

StartKey = tuple[int, str, str, int]


class Transaction(Record, kw_only=True):
    """A transaction.

    `abandoned`: never stopped, and another one began on its connector. `closed`: the operator closed the books.
    `reply` is the first StartTransaction.conf, which a repeated StartTransaction.req gets again. `flags` names what
    was odd, for example `start_time:in_the_future` or `stop:matched_-1`. `named`: its charge point has used its id.
    `booking` grows in the order of commits; `revision` is how often it was booked: the last time counts.
    """

    table: ClassVar[str] = "transactions"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    charge_point: str
    connector: int
    id_tag: str
    id_tag_status: str
    state: TransactionState = "active"
    reservation: int | None = None
    start_time: Milliseconds
    start_text: str  # as the charge point wrote it
    start_received_at: Milliseconds
    meter_start_wh: int
    stop_time: Milliseconds | None = None
    stop_text: str | None = None
    stop_received_at: Milliseconds | None = None
    meter_stop_wh: int | None = None
    stop_reason: str | None = None
    stop_id_tag: str | None = None
    energy_wh: int = 0  # the figure that counts
    at_least_wh: int | None = None
    at_most_wh: int | None = None
    basis: str | None = None  # None: an older version has judged it
    doubts: list[str] = []
    boots: list[Boot] = []  # of its charge point, since it began
    flags: list[str] = []
    note: str | None = None
    reply: str
    booking: int | None = None  # its last number among what ended, also while it runs again

    revision: int = 0
    named: bool = False
    settled_at: Milliseconds | None = None
    settled_by: str | None = None
    settled_reason: str | None = None
    reckoned_wh: int | None = None  # what the evidence says, where the operator has settled another figure

    @property
    def energy_suspect(self) -> bool:
        """Whether its figure is in doubt: as long as nobody has settled it, knowing its end."""
        settled = self.settled_at is not None and self.settled_at >= (self.stop_received_at or 0)
        return bool(self.doubts) and not settled

    @property
    def start(self) -> Start:
        """What its StartTransaction says of its energy."""
        register = self.meter_start
        return Start(
            time=self.start_time,
            received_at=self.start_received_at,
            register=None if register is None else float(register),
            oddity=self._oddity("start_time:"),
        )

    @property
    def stop(self) -> Stop | None:
        """What the stop that it ended by says of its energy."""
        if self.state != "stopped" or self.stop_time is None:
            return None
        estimated = self.meter_stop_wh is None or "meter_stop:estimated" in self.flags
        return Stop(
            time=self.stop_time,
            received_at=self.stop_received_at or self.stop_time,
            register=None if estimated or self.meter_stop_wh is None else float(self.meter_stop_wh),
            oddity=self._oddity("stop_time:"),
        )

    def _oddity(self, beginning: str) -> str | None:
        odd = (flag.removeprefix(beginning) for flag in self.flags if flag.startswith(beginning))
        return next((oddity for oddity in odd if oddity != "before_start"), None)

    @property
    def meter_start(self) -> int | None:
        """Its register at the start, None where the start did not tell it."""
        return None if "meter_start:unknown" in self.flags else self.meter_start_wh

    @property
    def guessed(self) -> bool:
        """Whether it ended by a StopTransaction that did not name it; its own may still come."""
        return self.state == "stopped" and any(flag.startswith("stop:matched_") for flag in self.flags)

    @property
    def began(self) -> Milliseconds:
        """When it began at the latest: a clock that is ahead tells a start from after its arrival."""
        return min(self.start_time, self.start_received_at)

    @property
    def unfinished(self) -> bool:
        """Whether it may still be measured, or stopped by its charge point."""
        return self.state in ("active", "abandoned") or self.guessed

    def flag(self, *flags: str) -> None:
        """Marks what was odd about it, each oddity once."""
        self.flags = self.flags + [flag for flag in flags if flag not in self.flags]

    def unflag(self, *beginnings: str) -> None:
        """Takes back what turned out not to be so."""
        self.flags = [flag for flag in self.flags if not flag.startswith(beginnings)]

    @property
    def start_key(self) -> StartKey:
        return transaction_start_key(self.connector, self.id_tag, self.start_text, self.meter_start_wh)


def transaction_start_key(connector: int, id_tag: str, timestamp: str, meter_start: int) -> StartKey:
    """What makes two StartTransaction.req of a charge point one and the same start."""
    return (connector, fold(id_tag), timestamp, meter_start)


class TransactionBook:
    """The transactions of one charge point: all that are open, and the newest of the others."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[int, Transaction] = OrderedDict()
        self._by_start: dict[StartKey, Transaction] = {}
        self._open: dict[int, Transaction] = {}
        self._awaited: dict[int, Transaction] = {}  # given up, or ended by a guess: their own stop may still come
        self._gathered: dict[int, Gathered] = {}

    def add(self, transaction: Transaction) -> None:
        self._by_id[transaction.id] = transaction
        self._by_start[transaction.start_key] = transaction
        self.update(transaction)
        if len(self._by_id) > REMEMBERED + len(self._open):
            self._forget_oldest()

    def update(self, transaction: Transaction) -> None:
        """To be called when `state` changed."""
        self._awaited.pop(transaction.id, None)
        if transaction.state == "active":
            self._open[transaction.id] = transaction
            self.gather(transaction)
            return
        self._open.pop(transaction.id, None)
        if transaction.unfinished:
            self._awaited[transaction.id] = transaction
        else:
            self._gathered.pop(transaction.id, None)

    def _forget_oldest(self) -> None:
        oldest = next((known for known in self._by_id.values() if known.id not in self._open), None)
        if oldest is not None:
            self.forget(oldest.id)

    def forget(self, transaction_id: int) -> None:
        """One that is over is not looked for any more, whatever a charge point says of it."""
        known = self._by_id.get(transaction_id)
        if known is None or known.id in self._open:
            return
        del self._by_id[known.id]
        self._gathered.pop(known.id, None)
        self._awaited.pop(known.id, None)
        if self._by_start.get(known.start_key) is known:
            del self._by_start[known.start_key]

    def gather(self, transaction: Transaction) -> Gathered:
        """What is known of the energy of one that may still be measured or stopped."""
        found = self._gathered.get(transaction.id)
        if found is None:
            found = self._gathered[transaction.id] = Gathered(transaction.connector, transaction.start)
        return found

    def gathered(self, transaction_id: int) -> Gathered | None:
        return self._gathered.get(transaction_id)

    def unfinished(self) -> list[Transaction]:
        """Those that run, and those whose own stop may still come."""
        return [*self._open.values(), *self._awaited.values()]

    def get(self, transaction_id: int) -> Transaction | None:
        return self._by_id.get(transaction_id)

    def started_as(self, key: StartKey) -> Transaction | None:
        """The transaction that this very start began, if it was seen before."""
        return self._by_start.get(key)

    def told_since(self, time: Milliseconds) -> list[Transaction]:
        """Those whose start was told then or later, newest first."""
        told = takewhile(lambda known: known.start_received_at >= time, reversed(self._by_id.values()))
        return list(told)

    def active(self) -> list[Transaction]:
        """All that are running, oldest first."""
        return sorted(self._open.values(), key=lambda transaction: transaction.id)

    def abandoned(self) -> list[Transaction]:
        """Those of the newest that were never stopped and that nobody closed, oldest first."""
        given_up = (known for known in self._awaited.values() if known.state == "abandoned")
        return sorted(given_up, key=lambda known: known.id)

    def used(self, transaction: Transaction) -> Milliseconds:
        """Until when its charge point has used its id, as far as it is known; 0: never."""
        gathered = self._gathered.get(transaction.id)
        return gathered.newest if gathered is not None and transaction.named else 0

    def active_on(self, connector: int) -> Transaction | None:
        """The one that is running on a connector: of several, the one that the charge point goes on with."""
        if len(self._open) == 1:  # nearly always, and asked for with every reading
            (only,) = self._open.values()
            return only if only.connector == connector else None
        running = [transaction for transaction in self._open.values() if transaction.connector == connector]
        return max(running, key=lambda known: (max(known.start_time, self.used(known)), known.id), default=None)

    def active_within(self, connector: int) -> Transaction | None:
        """One that is running on a connector; 0 is the whole charge point (C 3.8): the oldest one then."""
        return self.active_on(connector) if connector else next(iter(self.active()), None)

    def guessed_on(self, connector: int) -> Transaction | None:
        """The newest one on a connector that ended by a stop which did not name it."""
        guessed = [known for known in self._awaited.values() if known.connector == connector and known.guessed]
        return max(guessed, key=lambda known: known.id, default=None)

    def stopped_as(self, id_tag: str | None, timestamp: str, meter_stop: int | None) -> Transaction | None:
        """The stopped transaction that a stop without a usable id has been booked on already."""
        for transaction in reversed(self._by_id.values()):
            if (
                transaction.stop_text == timestamp
                and meter_stop in (transaction.meter_stop_wh, None)
                and fold(transaction.stop_id_tag or "") == fold(id_tag or "")
            ):
                return transaction
        return None
