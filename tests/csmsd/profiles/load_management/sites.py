"""Charge points as they are behind a network, without sockets: what they have, and what may become of it."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from csmsd.profiles.load_management.budgets import Budget
from csmsd.profiles.load_management.circuits import Key
from csmsd.profiles.load_management.holds import NEVER, Lease
from csmsd.profiles.load_management.transition import Terms

A = 1000
SECOND = 1000
MINUTE = 60 * SECOND
OBEY = 5 * SECOND

Answer = Literal["accepted", "rejected"]


@dataclass
class PlayedConnector:
    """A connector of a charge point of its own: the limits that it has, and the transaction on it."""

    key: Key
    rating: int
    wiring: tuple[int, ...] = (0, 1, 2)
    skew: int = 0  # its clock is so much ahead
    loose: bool = False  # it takes a TxProfile for whatever runs: to match its transaction is a MAY (C 7.8)
    default: Lease | None = None
    own: Lease | None = None  # of the transaction
    running: int | None = None
    connected: bool = True
    refuses_own: bool = False  # any limit of a transaction
    booting: bool = False  # nothing is drawn before csmsd has accepted its boot (C 4.2)
    inbox: deque[Lease] = field(default_factory=deque)
    held: list[tuple[int, int]] = field(default_factory=list)  # what it drew under limits before, and until when
    held_own: list[tuple[int, int]] = field(default_factory=list)  # what runs, under its own: it ends with it

    def take(self, lease: Lease, now: int) -> Answer:
        """Does what it is told, and needs its time to; a TxProfile for another transaction is refused (C 5.16.2)."""
        matches = self.running is not None and (self.loose or lease.transaction == self.running)
        if lease.transaction is not None and (self.refuses_own or not matches):
            return "rejected"
        if lease.transaction is None:
            self.held.append((self.limit(self.default, now), now + OBEY))
            self.default = lease
        else:
            self.held_own.append((self.limit(self.own or self.default, now), now + OBEY))
            self.own = lease
        return "accepted"

    def limit(self, lease: Lease | None, at: int) -> int:
        """In mA. By its clock the lease ends as much earlier as that is ahead."""
        if lease is None:
            return self.rating
        return lease.ma if at + self.skew < lease.until else lease.fallback_ma

    def draws(self, at: int) -> int:
        """The most at that moment if nothing more is heard: this transaction, or one that begins."""
        if self.booting:
            return 0
        limits = [self.limit(self.default, at)]
        if self.running is not None:
            limits.append(self.limit(self.own or self.default, at))
        return max(limits + [ma for ma, until in (*self.held, *self.held_own) if at < until])

    def moments(self) -> Iterable[int]:
        for lease in (self.default, self.own):
            if lease is not None and lease.until < NEVER:
                yield lease.until - self.skew
        yield from (until for _, until in (*self.held, *self.held_own))

    def begin(self, transaction: int) -> None:
        self.running, self.own = transaction, None

    def stop(self) -> None:
        self.running = self.own = None
        self.held_own.clear()

    def lose_everything(self) -> None:
        self.stop()
        self.default = None
        self.booting = True
        self.held.clear()
        self.inbox.clear()


def over_at(
    played: Iterable[PlayedConnector], terms: dict[Key, Terms], budgets: Sequence[Budget], now: int
) -> tuple[int, int, int] | None:
    """When, where and by how much a constraint carries more than it may, now or later; None: never."""
    connectors = list(played)
    moments = {now, *(moment for moment, _ in budgets if moment > now)}
    moments |= {moment for one in connectors for moment in one.moments() if moment > now}
    for moment in sorted(moments):
        allowed = [budget for start, budget in budgets if start <= moment][-1]
        drawn = [0] * len(allowed)
        for one in connectors:
            ma = one.draws(moment)
            for index, lane in terms[one.key].path:
                taken = len(one.wiring) if lane == 3 else int(lane in one.wiring)
                drawn[index] += ma * taken
        for index, (flows, most) in enumerate(zip(drawn, allowed, strict=True)):
            if flows > most:
                return moment, index, flows - most
    return None
