"""The arrival reserve: a connector on which nothing runs may begin with its minimum, where there is room. Pure.

Some cars begin badly, or not at all, when the first thing that they are offered is 0 A. So a connector with a car that
is plugged in is lent its minimum before the transaction begins, and so is the likeliest next one of each circuit. It is
lent what nobody who charges has a use for, and is the first to give it back. For a car that is plugged in the others
make room for a while, again each turn, as long as none of them has to pause for it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from csmsd.profiles.load_management.allocation import Asker, room_in
from csmsd.profiles.load_management.circuits import Key, Milliamperes
from csmsd.profiles.record import Milliseconds

Shares = dict[Key, Milliamperes]


class Arrivals:
    """Where cars come, and where they are about to."""

    def __init__(self, came: dict[Key, int] | None = None) -> None:
        self.reserve = 1  # so many connectors of each circuit, where no car is plugged in
        self.hold_ms: Milliseconds = 60_000  # so long the others make room for one where a car is
        self.again_ms: Milliseconds = 900_000  # and so long after that again
        self.came: dict[Key, int] = {} if came is None else came  # how many cars
        self.waiting: dict[Key, Milliseconds] = {}  # a car is plugged in since then, and no transaction has begun
        self.first: set[Key] = set()  # of these: where none begins under 0 A
        self.closed: set[Key] = set()  # no transaction can begin
        self._reserved: set[Key] = set()

    def came_to(self, key: Key) -> None:
        self.came[key] = self.came.get(key, 0) + 1

    def is_due(self, key: Key, now: Milliseconds) -> bool:
        """Whether the others are to make room for its car now."""
        since = self.waiting.get(key)
        return since is not None and (now - since) % max(self.again_ms, self.hold_ms + 1) < self.hold_ms

    def share_out(
        self,
        idle: Collection[Asker],
        circuits: Callable[[Key], str],
        budgets: Sequence[Milliamperes],
        charging: Sequence[Asker],
        shares: Shares,
        allocate: Callable[[Sequence[Milliamperes]], Shares],
        now: Milliseconds,
    ) -> tuple[Shares, Shares]:
        """Shares of those who charge, and beside them what idle ones may begin with: each its minimum or nothing.

        `shares` fit into `budgets`; `allocate` makes others of what it is given.
        """
        left = _less(budgets, ((asker, shares[asker.key]) for asker in charging))
        lent: Shares = {}
        held: dict[str, int] = {}
        for asker in self._in_order(idle):
            key, least = asker.key, asker.least_ma
            circuit = circuits(key)
            waits = key in self.waiting
            if not waits and held.get(circuit, 0) >= self.reserve:
                continue
            if room_in(left, asker.uses) < least:
                if not self.is_due(key, now) or held.get(circuit, 0) >= max(self.reserve, 1):
                    continue
                narrower = _less(budgets, [(asker, least), *((one, lent[one.key]) for one in idle if one.key in lent)])
                others = allocate(narrower)
                if any(shares[one.key] and not others[one.key] for one in charging):
                    continue  # it would have to pause
                shares = others
                left = _less(narrower, ((one, shares[one.key]) for one in charging))
            else:
                left = _less(left, [(asker, least)])
            lent[key] = least
            held[circuit] = held.get(circuit, 0) + 1
        self._reserved = set(lent)
        return shares, lent

    def _in_order(self, idle: Collection[Asker]) -> Iterator[Asker]:
        """Who waits, the longest first; then where most cars come; who has it gives it to one twice as likely."""

        def likely(asker: Asker) -> tuple[bool, Milliseconds, int, bool, int, Key]:
            key, has = asker.key, asker.key in self._reserved
            cars = self.came.get(key, 0) * (2 if has else 1)
            return key not in self.waiting, self.waiting.get(key, 0), -cars, not has, -asker.weight, key

        yield from sorted(idle, key=likely)


def _less(budgets: Sequence[Milliamperes], taken: Iterable[tuple[Asker, Milliamperes]]) -> list[Milliamperes]:
    left = list(budgets)
    for asker, share in taken:
        for index, used in asker.uses:
            left[index] -= share * used
    return left
