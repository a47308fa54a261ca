"""The transactions of a charge point in memory, and how its messages find theirs."""

from collections import OrderedDict, deque
from collections.abc import Collection
from itertools import takewhile

from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.profiles.core.energy.gathered import Gathered
from csmsd.profiles.core.transactions import NotRemembered, StartKey, Transaction, Wanted
from csmsd.profiles.record import Milliseconds

# Closed transactions that are kept in memory per charge point: what nearly all retries and late meter values are about.
REMEMBERED = 200
AWAITED = 50  # of those that were given up, or ended by a guess, per charge point after a start: their stop may come
_RECALLED = 16
_MOST_ABSENT = 64
MAX_ACTIVE = 512  # at once on one charge point


class TransactionBook:
    """The transactions of one charge point: all that are open, and the newest of the others.

    What it does not hold may be on disk: `find`, `started_as`, `stopped_as`, `guessed_on` and `require` raise
    NotRemembered then. Handlers of messages call them before they change anything; nobody else does.
    """

    def __init__(self) -> None:
        self._by_id: OrderedDict[int, Transaction] = OrderedDict()
        self._by_start: dict[StartKey, Transaction] = {}
        self._open: dict[int, Transaction] = {}
        self._awaited: dict[int, Transaction] = {}  # given up, or ended by a guess: their own stop may still come
        self._gathered: dict[int, Gathered] = {}
        self.unmeasured: set[int] = set()  # of those that run: what was measured of them is on disk alone
        self._on_disk_until: Milliseconds | None = None  # the newest start that may be on disk alone; None: all is here
        self._recalled: deque[int] = deque()  # out of their order at the beginning of `_by_id`
        self._absent: OrderedDict[int | StartKey | str, None] = OrderedDict()  # what was looked for on disk in vain

    def add(self, transaction: Transaction) -> None:
        self._by_id[transaction.id] = transaction
        self._by_start[transaction.start_key] = transaction
        self.update(transaction)
        if len(self._by_id) > REMEMBERED + len(self._open) + len(self._recalled):
            self._forget_oldest()

    def leave_unmeasured(self, transaction_id: int) -> None:
        """What was measured of one that runs, and is to be added, is looked up later: a start is not to wait for it."""
        self.unmeasured.add(transaction_id)

    def leave_on_disk(self, newest_start: Milliseconds) -> None:
        """There may be more than were added, none of which began later."""
        self._on_disk_until = max(self._on_disk_until or newest_start, newest_start)

    def recall(self, wanted: Wanted, found: Collection[Transaction]) -> None:
        """Takes what is on disk of what was wanted; what was not found there is not looked for again."""
        for transaction in found:
            if transaction.id in self._by_id:
                continue
            if len(self._recalled) >= _RECALLED:
                self.forget(self._recalled[0])
                self._recalled.popleft()
            self._recalled.append(transaction.id)
            self._by_id[transaction.id] = transaction
            self._by_id.move_to_end(transaction.id, last=False)
            self._by_start.setdefault(transaction.start_key, transaction)
            self.update(transaction)
        for number in wanted.ids:
            if number not in self._by_id:
                self._note_absent(number)
        if wanted.start is not None and wanted.start[0] not in self._by_start:
            self._note_absent(wanted.start[0])
        if wanted.stop_text is not None:  # there are no others, whether or not the one that was meant is among them
            self._note_absent(wanted.stop_text)

    def _note_absent(self, what: int | StartKey | str) -> None:
        self._absent[what] = None
        if len(self._absent) > _MOST_ABSENT:
            self._absent.popitem(last=False)

    def update(self, transaction: Transaction) -> None:
        """To be called when `state` changed."""
        self._awaited.pop(transaction.id, None)
        if transaction.state == "active":
            self._open[transaction.id] = transaction
            if transaction.id not in self.unmeasured:
                self.gather(transaction)
            return
        self._open.pop(transaction.id, None)
        if transaction.unfinished:
            self._awaited[transaction.id] = transaction
        else:
            self._gathered.pop(transaction.id, None)

    def _forget_oldest(self) -> None:
        over = (known for known in self._by_id.values() if known.id not in self._open)
        oldest = next((known for known in over if known.id not in self._recalled), None)
        if oldest is not None:
            self.leave_on_disk(oldest.start_time)
            self.forget(oldest.id)
            self._absent.clear()

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

    def regather(self, transaction: Transaction, gathered: Gathered) -> None:
        """What was gathered apart counts from now on."""
        self._gathered[transaction.id] = gathered
        self.unmeasured.discard(transaction.id)

    def gathered(self, transaction_id: int) -> Gathered | None:
        """What is known of the energy of one that is not over. Raises NotRemembered where it runs, and that is on disk
        alone: a figure without it would be wrong."""
        found = self._gathered.get(transaction_id)
        if found is None and transaction_id in self.unmeasured:
            raise NotRemembered(Wanted(ids=(transaction_id,)))
        return found

    def lacks_measured(self, transaction: Transaction) -> bool:
        """Whether memory does not hold what was measured of one that is not over."""
        return transaction.unfinished and transaction.id not in self._gathered

    def unfinished(self) -> list[Transaction]:
        """Those that run, and those whose own stop may still come."""
        return [*self._open.values(), *self._awaited.values()]

    def get(self, transaction_id: int) -> Transaction | None:
        """One that runs, or is one of the newest."""
        return self._by_id.get(transaction_id)

    def find(self, transaction_id: int) -> Transaction | None:
        """The one with that id, however long it has been over. Raises NotRemembered."""
        known = self._by_id.get(transaction_id)
        if known is not None:
            self.require(known)
        elif self._on_disk_until is not None and transaction_id > 0 and transaction_id not in self._absent:
            raise NotRemembered(Wanted(ids=(transaction_id,)))
        return known

    def require(self, *transactions: Transaction) -> None:
        """What was measured of those that are not over is needed. Raises NotRemembered."""
        missing = [known.id for known in transactions if self.lacks_measured(known)]
        if missing and (self._on_disk_until is not None or self.unmeasured):
            raise NotRemembered(Wanted(ids=tuple(missing)))

    def started_as(self, key: StartKey, time: Milliseconds | None) -> Transaction | None:
        """The transaction that this very start began, if it was seen before. Raises NotRemembered.

        `time` is as it was read; None: it is not believed. One without a text that tells a time is not looked for on
        disk.
        """
        known = self._by_start.get(key)
        if known is not None or self._on_disk_until is None or (time is not None and time > self._on_disk_until):
            return known
        if key not in self._absent and (time is not None or parse_timestamp(key[2]) is not None):
            raise NotRemembered(Wanted(start=(key, time)))
        return None

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
        """The newest one on a connector that ended by a stop which did not name it. Raises NotRemembered."""
        guessed = [known for known in self._awaited.values() if known.connector == connector and known.guessed]
        newest = max(guessed, key=lambda known: known.id, default=None)
        if newest is not None:
            self.require(newest)
        return newest

    def stopped_as(self, id_tag: str | None, timestamp: str, meter_stop: int | None) -> Transaction | None:
        """The stopped transaction that a stop without a usable id has been booked on already. Raises NotRemembered."""
        for transaction in reversed(self._by_id.values()):
            if (
                transaction.stop_text == timestamp
                and meter_stop in (transaction.meter_stop_wh, None)
                and fold(transaction.stop_id_tag or "") == fold(id_tag or "")
            ):
                return transaction
        if self._on_disk_until is not None and timestamp and timestamp not in self._absent:
            raise NotRemembered(Wanted(stop_text=timestamp))
        return None
