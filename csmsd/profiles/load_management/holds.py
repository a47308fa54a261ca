"""What each member may draw, now and later, given everything that it may or may not have received. Pure.

A limit is a lease: so much until its end, afterwards the fallback. A charge point has at most two of them for a
connector: one for all transactions (TxDefaultProfile) and one for the transaction that runs (TxProfile). A hold is one
that it may have; there are several where an answer is outstanding, was lost, or has still to be obeyed.
"""

from collections.abc import Iterable, Iterator
from itertools import count, pairwise
from typing import Literal

import msgspec

from csmsd.profiles.load_management.circuits import Key, Lanes, Milliamperes, lanes_of
from csmsd.profiles.record import Milliseconds

Slot = Literal["default", "transaction", "unknown", "measured"]
Segment = tuple[Milliseconds, Lanes]  # from then on, until the next one
NEVER = 1 << 62
_LONGEST_OBEYING_MS = 30_000
_ON_ITS_WAY_MS = 120_000  # longer than anybody waits for an answer


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What one CALL says: `ma` on each phase until `until`, `fallback_ma` afterwards."""

    key: Key
    serial: int
    transaction: int | None  # None: for all that begin
    ma: Milliamperes
    fallback_ma: Milliamperes
    until: Milliseconds


class Hold(msgspec.Struct, kw_only=True):
    """A limit that a member may go by. By its clock it ends between `earliest` and `latest`.

    `unknown` are the limits of one that has accepted none, or may have lost them in a reboot: its rating, without an
    end. `measured` is what was drawn above all limits.
    """

    serial: int
    slot: Slot
    transaction: int | None = None
    ma: Milliamperes
    fallback_ma: Milliamperes
    earliest: Milliseconds = NEVER
    latest: Milliseconds = NEVER
    phases: tuple[int, ...]
    sent_at: Milliseconds = 0
    accepted_at: Milliseconds | None = None
    gone_at: Milliseconds = NEVER  # from then on it is certain that the member goes by another one

    @property
    def constant(self) -> bool:
        """Whether its end changes nothing."""
        return self.ma == self.fallback_ma

    @property
    def doubtful(self) -> bool:
        """Whether it is no limit that was accepted, but what the member may draw or does draw without one."""
        return self.slot in ("unknown", "measured")

    def at(self, moment: Milliseconds) -> Milliamperes:
        if moment >= self.gone_at:
            return 0
        if moment < self.earliest:
            return self.ma
        return max(self.ma, self.fallback_ma) if moment < self.latest else self.fallback_ma

    def certainly_at(self, moment: Milliseconds) -> Milliamperes:
        """What it allows then wherever between `earliest` and `latest` it ends."""
        if self.earliest <= moment < min(self.latest, self.gone_at):
            return min(self.ma, self.fallback_ma)
        return self.at(moment)


class Ledger:
    """The holds of all members. Whatever is heard of a charge point comes here, whatever is sent to it, before."""

    def __init__(self, holds: Iterable[tuple[Key, Hold]] = ()) -> None:
        self._of: dict[Key, list[Hold]] = {}
        self._running: dict[Key, int] = {}
        last = 0
        for key, hold in holds:
            self._of.setdefault(key, []).append(hold)
            last = max(last, hold.serial)
        for known in self._of.values():
            known.sort(key=lambda hold: hold.serial)
        self._serials = count(last + 1)

    def __contains__(self, key: Key) -> bool:
        return key in self._of

    def __iter__(self) -> Iterator[tuple[Key, Hold]]:
        for key, holds in self._of.items():
            yield from ((key, hold) for hold in holds)

    def of(self, key: Key) -> list[Hold]:
        """In the order in which they were sent."""
        return self._of.get(key, [])

    def running(self, key: Key) -> int | None:
        """The transaction on the connector, as far as it is known."""
        return self._running.get(key)

    def newest(self, key: Key, slot: Slot, transaction: int | None = None) -> Hold | None:
        """What was sent last to that place, accepted or not; of the transaction that is named."""
        found = [hold for hold in self.of(key) if hold.slot == slot and hold.transaction == transaction]
        return found[-1] if found else None

    def newest_accepted(self, key: Key) -> Hold | None:
        """Of those for all transactions, since nothing was lost."""
        since = max((hold.serial for hold in self.of(key) if hold.slot == "unknown"), default=0)
        found = [hold for hold in self.of(key) if hold.slot == "default" and hold.accepted_at is not None]
        return found[-1] if found and found[-1].serial > since else None

    def in_doubt(self, key: Key) -> bool:
        """Whether it counts with its rating, or with what it draws: csmsd does not know of a limit that it goes by."""
        return any(hold.doubtful and hold.gone_at == NEVER for hold in self.of(key))

    # --- what happens

    def begin(self, key: Key, rating_ma: Milliamperes, phases: tuple[int, ...], now: Milliseconds) -> None:
        """A new member, or one that has booted and may have lost what it accepted."""
        self._of.setdefault(key, []).append(
            Hold(
                serial=next(self._serials),
                slot="unknown",
                ma=rating_ma,
                fallback_ma=rating_ma,
                phases=phases,
                sent_at=now,
            )
        )

    def forget(self, key: Key) -> None:
        self._of.pop(key, None)
        self._running.pop(key, None)

    def new_serial(self) -> int:
        return next(self._serials)

    def add(self, key: Key, hold: Hold) -> None:
        """It is about to be sent: from now on the member may have it."""
        self._of.setdefault(key, []).append(hold)

    def withdrawn(self, key: Key, serial: int) -> None:
        """It was not sent after all."""
        self._of[key] = [hold for hold in self.of(key) if hold.serial != serial]

    def accepted(self, key: Key, serial: int, now: Milliseconds, obey_ms: Milliseconds) -> None:
        """An answer, however late and however often: what was sent to that place before is over when it was obeyed."""
        found = next((hold for hold in self.of(key) if hold.serial == serial), None)
        if found is not None and self._is_of_one_that_is_over(key, found, now):
            found.transaction, found.accepted_at, found.gone_at = None, now, NEVER
            return
        if found is None or found.gone_at != NEVER:
            return
        if found.accepted_at is None:
            found.accepted_at = now
        for hold in self.of(key):
            if hold.slot == found.slot and hold.serial < serial:
                hold.gone_at = min(hold.gone_at, now + obey_ms)
        self._end_doubt(key, now + obey_ms)

    def _is_of_one_that_is_over(self, key: Key, hold: Hold, now: Milliseconds) -> bool:
        """It was on its way when its transaction ended: the next one, of which nobody has heard yet, may have it."""
        return (
            hold.slot == "transaction"
            and hold.transaction != self.running(key)
            and now < hold.gone_at < NEVER
            and not any(
                other.slot == hold.slot and other.serial > hold.serial and other.accepted_at is not None
                for other in self.of(key)
            )
        )

    def goes_unheard(self, key: Key, rating_ma: Milliamperes, phases: tuple[int, ...], now: Milliseconds) -> None:
        """Something may run of which nobody has heard, and by no limit, until that is heard of or did not run."""
        serial = self.new_serial()
        hold = Hold(serial=serial, slot="transaction", ma=rating_ma, fallback_ma=rating_ma, phases=phases, sent_at=now)
        hold.accepted_at = now
        self.add(key, hold)

    def found_idle(self, key: Key, heard_at: Milliseconds) -> None:
        """Nothing ran when the charge point said so: what it had accepted by then for the next one is over."""
        self._of[key] = [
            hold
            for hold in self.of(key)
            if hold.slot != "transaction"
            or hold.transaction is not None
            or hold.accepted_at is None
            or hold.accepted_at >= heard_at
        ]

    def begun(self, key: Key, transaction: int, now: Milliseconds) -> None:
        """A transaction runs: whatever ran on the connector before has ended, and its limits with it (C 3.13.1).

        What is still on its way to that may be taken for this one, and then holds as long: matching is a MAY (C 7.8).
        """
        self._running[key] = transaction
        for other in {hold.transaction for hold in self.of(key) if hold.slot == "transaction"} - {transaction, None}:
            self._let_go(key, other, now)
        for hold in self.of(key):
            if hold.slot == "transaction" and hold.transaction != transaction and hold.gone_at > now:
                hold.transaction, hold.accepted_at, hold.gone_at = transaction, None, NEVER

    def goes_by_default(self, key: Key) -> None:
        """What runs has no limit of its own: what is for all transactions holds for it, too.

        What it was sent before counts on, until it is over: also where it was refused.
        """
        self._running.pop(key, None)

    def ended(self, key: Key, transaction: int, now: Milliseconds) -> None:
        """The charge point has said that it is over."""
        if self._running.get(key) == transaction:
            del self._running[key]
        self._let_go(key, transaction, now)
        self._end_doubt(key, now + _LONGEST_OBEYING_MS)  # what it has accepted for the next one is still to be obeyed

    def _let_go(self, key: Key, transaction: int | None, now: Milliseconds) -> None:
        """Its limits have ceased. What is still on its way may be taken for the next one: matching is a MAY (C 7.8)."""
        self._of[key] = [
            hold
            for hold in self.of(key)
            if hold.slot != "transaction" or hold.transaction != transaction or hold.accepted_at is None
        ]
        for hold in self.of(key):
            if hold.slot == "transaction" and hold.transaction == transaction:
                hold.gone_at = min(hold.gone_at, now + _ON_ITS_WAY_MS)

    def limited_as_a_whole(self, key: Key) -> None:
        """Its limits for all transactions hold for what runs, too: it has no others."""
        self._running.pop(key, None)
        self._of[key] = [hold for hold in self.of(key) if hold.slot != "transaction"]

    def described_anew(self, key: Key, rating_ma: Milliamperes, wiring: tuple[int, ...]) -> bool:
        """What it is like, which may be otherwise than was thought; whether it is wired otherwise."""
        rewired = any(
            hold.phases != wiring if hold.slot != "transaction" else not set(hold.phases) <= set(wiring)
            for hold in self.of(key)
        )
        for hold in self.of(key):
            if rewired:
                hold.phases = wiring
            if hold.slot == "unknown":
                hold.ma = hold.fallback_ma = rating_ma
        return rewired

    def measured(self, key: Key, ma: Milliamperes | None, phases: tuple[int, ...], now: Milliseconds) -> None:
        """It draws so much although it may not; None: it keeps its limits again."""
        self._of[key] = [hold for hold in self.of(key) if hold.slot != "measured"]
        if ma is not None:
            serial = next(self._serials)
            self.add(key, Hold(serial=serial, slot="measured", ma=ma, fallback_ma=ma, phases=phases, sent_at=now))

    def obeyed(self, key: Key, now: Milliseconds) -> None:
        """Its meter shows that it goes by what it accepted last: nothing has to be waited for."""
        for hold in self.of(key):
            if now < hold.gone_at < NEVER:
                hold.gone_at = now

    def clock_moved(self, by: Milliseconds, now: Milliseconds) -> None:
        """Our clock was set. What was, is as long ago as before; leases end by clocks that may have moved with it."""
        for _, hold in self:
            if hold.earliest != NEVER:
                hold.earliest += min(by, 0)
                hold.latest += max(by, 0)
            if hold.gone_at != NEVER:
                hold.gone_at += by
            hold.sent_at = min(hold.sent_at + by, now)
            if hold.accepted_at is not None:
                hold.accepted_at = min(hold.accepted_at + by, now)

    def read_again(self, now: Milliseconds, seen_at: Milliseconds) -> bool:
        """From disk, after some time: how long that was, says our clock, and that may have been set meanwhile.

        So a lease may still run as long as it was sent for; where the clock was certainly set back, which is returned,
        it may be over: it has shown later times before, `seen_at` among them.
        """
        set_back = seen_at > now or any(hold.sent_at > now for _, hold in self)
        for _, hold in self:
            if hold.latest != NEVER:
                hold.latest = max(hold.latest, now + hold.latest - hold.sent_at)
                hold.earliest = min(hold.earliest, now) if set_back else hold.earliest
            if hold.gone_at != NEVER:
                hold.gone_at = now + _LONGEST_OBEYING_MS if set_back else max(hold.gone_at, now + _LONGEST_OBEYING_MS)
            if set_back:
                hold.sent_at = min(hold.sent_at, now)
                hold.accepted_at = None if hold.accepted_at is None else min(hold.accepted_at, now)
        return set_back

    def tidy(self, now: Milliseconds) -> None:
        """Lets go of what is certainly over, and of what says no more than a later one that may have arrived, too."""
        for key, holds in self._of.items():
            self._of[key] = [
                hold
                for place, hold in enumerate(holds)
                if hold.gone_at > now
                and (hold.accepted_at is not None or not any(_covers(later, hold, now) for later in holds[place + 1 :]))
            ]

    def _end_doubt(self, key: Key, at: Milliseconds) -> None:
        """What was unknown is over when a limit for all was accepted after it, and one for the transaction that runs.

        C 3.13.1 has a TxDefaultProfile hold for new transactions; nothing says that it binds one that runs without.
        """
        transaction = self._running.get(key)

        def accepted_after(serial: int, slot: Slot, of: int | None) -> bool:
            return any(
                hold.slot == slot and hold.transaction == of and hold.serial > serial and hold.accepted_at is not None
                for hold in self.of(key)
            )

        for hold in self.of(key):
            if (
                hold.slot == "unknown"
                and accepted_after(hold.serial, "default", None)
                and (transaction is None or accepted_after(hold.serial, "transaction", transaction))
            ):
                hold.gone_at = min(hold.gone_at, at)

    # --- what they may draw

    def most(self, key: Key, now: Milliseconds) -> list[Segment]:
        """The most that it may draw on each lane, from now on."""
        return most_of(self.of(key), now)


def _covers(later: Hold, hold: Hold, now: Milliseconds) -> bool:
    """Whether one that was sent later to the same place allows as much at every moment: what ends it ends both."""
    moments = {now} | {
        moment for one in (later, hold) for moment in (one.earliest, one.latest, one.gone_at) if now < moment < NEVER
    }
    return (later.slot, later.transaction, later.phases, later.gone_at) == (
        hold.slot,
        hold.transaction,
        hold.phases,
        hold.gone_at,
    ) and all(later.at(moment) >= hold.at(moment) for moment in moments)


def most_of(holds: Iterable[Hold], now: Milliseconds) -> list[Segment]:
    """The greatest of all holds at every moment from now on."""
    counted = [hold for hold in holds if hold.gone_at > now]
    moments = {now}
    for hold in counted:
        moments.update(moment for moment in (hold.earliest, hold.latest, hold.gone_at) if now < moment < NEVER)
    found: list[Segment] = []
    for moment in sorted(moments):
        lanes = [0, 0, 0, 0]
        for hold in counted:
            ma = hold.at(moment)
            if ma:
                lanes = [max(one, ma * taken) for one, taken in zip(lanes, lanes_of(hold.phases), strict=True)]
        if not found or list(found[-1][1]) != lanes:
            found.append((moment, (lanes[0], lanes[1], lanes[2], lanes[3])))
    return found


def certainly_lent(holds: Iterable[Hold], now: Milliseconds) -> list[Segment]:
    """What it may draw from now on whichever of the limits it has that it may have, and whenever they end.

    Of each place that is what it accepted last there, or less, where less was sent since.
    """
    places: dict[tuple[Slot, int | None], list[Hold]] = {}
    for hold in holds:
        if hold.slot in ("default", "transaction"):
            sent = places.setdefault((hold.slot, hold.transaction), [])
            if hold.accepted_at is not None:
                sent.clear()
            if sent or hold.accepted_at is not None:
                sent.append(hold)
    moments = {now}
    for sent in places.values():
        for hold in sent:
            moments.update(moment for moment in (hold.earliest, hold.latest, hold.gone_at) if now < moment < NEVER)
    found: list[Segment] = []
    for moment in sorted(moments):
        lanes = [0, 0, 0, 0]
        for sent in filter(None, places.values()):
            least = [min(hold.certainly_at(moment) * lanes_of(hold.phases)[lane] for hold in sent) for lane in range(4)]
            lanes = [max(pair) for pair in zip(lanes, least, strict=True)]
        found.append((moment, (lanes[0], lanes[1], lanes[2], lanes[3])))
    return found


def spans_of(segments: list[Segment]) -> Iterator[tuple[Milliseconds, Milliseconds, Lanes]]:
    """Segments with their ends."""
    for (start, lanes), (end, _) in pairwise([*segments, (NEVER, (0, 0, 0, 0))]):
        yield start, end, lanes
