"""From the shares that are wanted to the next CALLs, so that no breaker ever trips. Pure.

The invariant: for every constraint, now and at every later moment if nothing more is ever heard from anybody, the sum
of the most that each member may draw, given all that it may or may not have received, is within the budget. Whoever
does what it was not told breaks it from outside: a lower limit, another load, a member that loses or ignores limits.
So the rule here is that no CALL ever makes it worse: it leaves only where what it may bring about fits beside all that
everybody else may do. That it was kept is looked at anew after every plan.

What follows from it: a raise waits until what pays for it is certainly gone; a share above the fallback ends before
somebody else may take a fallback that is paid for by it; a refused, lost or ignored limit frees nothing.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from csmsd.profiles.load_management.budgets import Budget
from csmsd.profiles.load_management.circuits import Key, Milliamperes, lanes_of
from csmsd.profiles.load_management.holds import (
    NEVER,
    Hold,
    Lease,
    Ledger,
    Segment,
    Slot,
    certainly_lent,
    most_of,
    spans_of,
)
from csmsd.profiles.record import Milliseconds

_GRID_MS = 5_000  # leases end on it: so there are few moments to look at
_WORTH_MA = 1_000  # a raise by less waits for the next renewal
_LOWER, _RENEW, _BEGIN, _RAISE, _REFRESH, _FALL_BACK_HIGHER = range(6)  # how urgent a CALL is


class InvariantBroken(AssertionError):
    """A plan would let a constraint carry more than it may, or more than it would without the plan."""


class Periods(msgspec.Struct, frozen=True, kw_only=True):
    """How long leases last. One that is below the fallback lasts `margin_ms` longer than one that is above."""

    lease_ms: Milliseconds = 900_000
    margin_ms: Milliseconds = 300_000
    shortest_ms: Milliseconds = 60_000  # a lease that could only be shorter is not worth its messages

    def __post_init__(self) -> None:
        if not 0 < 2 * self.shortest_ms <= self.lease_ms or self.margin_ms < 0:
            raise ValueError("a lease lasts twice the shortest one or longer, and the margin is not below 0")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a member is like: `floor_ma` is the lowest limit that it takes, 0 for most.

    By its clock a lease ends up to `early_ms` before and `late_ms` after its time.
    """

    key: Key
    wiring: tuple[int, ...]
    path: tuple[tuple[int, int], ...]  # the constraints above it, and their lanes
    fallback_ma: Milliamperes
    minimum_ma: Milliamperes = 6_000
    floor_ma: Milliamperes = 0
    step_ma: Milliamperes = 1_000
    early_ms: Milliseconds = 10_000
    late_ms: Milliseconds = 10_000

    def usable(self, ma: float) -> Milliamperes:
        """The greatest limit not above `ma` that is of use and that it takes."""
        whole = int(ma // self.step_ma) * self.step_ma
        return whole if whole >= self.minimum_ma else self.floor_ma


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """A share: for the transaction that runs, on these grid phases, or without one for a car that is about to begin."""

    ma: Milliamperes
    phases: tuple[int, ...] | None = None  # None: on all that it is wired to


class Plan(msgspec.Struct, frozen=True):
    """What is to be sent now, to each charge point one CALL at most; the ledger holds it already."""

    leases: list[Lease]
    waiting: dict[Key, Milliamperes]  # shares that do not fit yet, and what would


class Room:
    """What is left of every constraint, from now on, given a ledger."""

    def __init__(
        self, budgets: Sequence[Budget], paths: Mapping[Key, Terms], ledger: Ledger, now: Milliseconds
    ) -> None:
        self._now = now
        self._paths = paths
        segments = {key: ledger.most(key, now) for key in paths}
        moments = {now} | {moment for moment, _ in budgets if moment > now}
        for found in segments.values():
            moments.update(moment for moment, _ in found)
        self.times = sorted(moments)
        starts = [moment for moment, _ in budgets]
        self.left = [list(row) for row in zip(*self._budgets_at(budgets, starts), strict=True)]
        changes = [[0] * (len(self.times) + 1) for _ in self.left]
        for key, found in segments.items():
            before = (0, 0, 0, 0)
            for start, lanes in found:
                at = bisect_left(self.times, start)
                for index, lane in paths[key].path:
                    if lanes[lane] != before[lane]:
                        changes[index][at] += lanes[lane] - before[lane]
                before = lanes
        for left, changed in zip(self.left, changes, strict=True):
            taken = 0
            for at in range(len(self.times)):
                taken += changed[at]
                left[at] -= taken

    def _budgets_at(self, budgets: Sequence[Budget], starts: list[Milliseconds]) -> Iterable[list[Milliamperes]]:
        return (budgets[max(0, bisect_right(starts, moment) - 1)][1] for moment in self.times)

    def for_member(
        self, key: Key, phases: tuple[int, ...], holds: list[Hold], slot: Slot, lowest: Milliamperes = 0
    ) -> list[float]:
        """What it may be given at each of the times in that slot: what fits beside all others, or was lent before.

        What a charge point might draw without limits, after a boot, is no more than a fear: it may draw nothing, or
        have a limit of which the answer was lost, and a lease that lowers the fear would raise the current. So it is
        with a lease of which nobody knows when it ends, or whether another has come after it, and for a default with
        what was lent to a transaction: that may be over. Only `lowest` may always be given to one that might draw it.
        """
        terms = self._paths[key]
        used = [(index, lane, taken) for index, lane in terms.path if (taken := lanes_of(phases)[lane])]
        found: list[float] = []
        certain = certainly_lent((hold for hold in holds if slot == "transaction" or hold.slot == slot), self._now)
        spans, lent = list(spans_of(most_of(holds, self._now))), list(spans_of(certain))
        place = lent_place = 0
        for at, moment in enumerate(self.times):
            while spans[place][1] <= moment:
                place += 1
            while lent[lent_place][1] <= moment:
                lent_place += 1
            own, before = spans[place][2], lent[lent_place][2]
            found.append(
                min(
                    max(before[lane], own[lane] + self.left[index][at], min(own[lane], lowest * taken)) / taken
                    for index, lane, taken in used
                )
            )
        return found

    def in_the_end(self, key: Key, phases: tuple[int, ...], holds: list[Hold]) -> float:
        """What fits beside all others when every lease is over."""
        _, own = most_of(holds, self._now)[-1]
        fits: float = min(
            (own[lane] + self.left[index][-1]) / taken
            for index, lane in self._paths[key].path
            if (taken := lanes_of(phases)[lane])
        )
        return fits

    def take(self, key: Key, before: list[Segment], after: list[Segment]) -> None:
        """The member may draw `after`, where it was `before`."""
        for moment in sorted({moment for moment, _ in (*before, *after)} - set(self.times)):
            at = bisect_left(self.times, moment)
            insort(self.times, moment)
            for left in self.left:
                left.insert(at, left[at - 1])
        for sign, segments in ((1, before), (-1, after)):
            for start, end, lanes in spans_of(segments):
                first = bisect_left(self.times, start)
                last = len(self.times) if end == NEVER else bisect_left(self.times, end)
                for index, lane in self._paths[key].path:
                    if lanes[lane]:
                        left = self.left[index]
                        for at in range(first, last):
                            left[at] += sign * lanes[lane]


class Planner:
    """Makes plans for one site. Its ledger is to be told whatever is heard."""

    def __init__(self, ledger: Ledger, periods: Periods) -> None:
        self.ledger = ledger
        self.periods = periods

    def plan(
        self,
        now: Milliseconds,
        budgets: Sequence[Budget],
        terms: Mapping[Key, Terms],
        wants: Mapping[Key, Want],
        ready: Collection[Key],
    ) -> Plan:
        """The next CALLs to those who are `ready`: connected, and not asked for anything. `wants` in order of haste."""
        self.ledger.tidy(now)
        wanted = [
            (urgency, place, key, slot, least)
            for place, key in enumerate([*wants, *(key for key in terms if key not in wants)])
            if key in ready and key in terms
            for urgency, slot, least in self._due(terms[key], self._want(terms[key], wants), now)
        ]
        leases: list[Lease] = []
        waiting: dict[Key, Milliamperes] = {}
        if not wanted:
            return Plan(leases, waiting)
        room = self._room(budgets, terms, now)
        start = Room(budgets, terms, self.ledger, now)
        busy: set[str] = set()
        for urgency, _, key, slot, least in sorted(wanted):
            if key[0] in busy or (
                urgency == _FALL_BACK_HIGHER and not self._may_fall_back_higher(terms[key], room, now)
            ):
                continue
            want = self._want(terms[key], wants)
            hold = self._hold(terms[key], slot, want, room, now, waiting, least)
            if hold is None:
                continue
            before = self.ledger.most(key, now)
            self.ledger.add(key, hold)
            room.take(key, before, self.ledger.most(key, now))
            busy.add(key[0])
            leases.append(_lease(key, hold, terms[key]))
        if leases:
            try:
                self._look_at_invariant(start, Room(budgets, terms, self.ledger, now))
            except InvariantBroken:
                for lease in leases:
                    self.ledger.withdrawn(lease.key, lease.serial)
                raise
        return Plan(leases, waiting)

    def _room(self, budgets: Sequence[Budget], terms: Mapping[Key, Terms], now: Milliseconds) -> Room:
        return Room(budgets, terms, self.ledger, now)

    def _want(self, terms: Terms, wants: Mapping[Key, Want]) -> Want | None:
        """Of a transaction that nobody wants anything for: as little as it takes."""
        nothing = None if self.ledger.running(terms.key) is None else Want(ma=terms.floor_ma)
        return wants.get(terms.key, nothing)

    # --- what there is to do

    def _due(self, terms: Terms, want: Want | None, now: Milliseconds) -> list[tuple[int, Slot, Milliamperes]]:
        """What of the member wants sending, how urgently, lower limits first, and from how much on it is worth it."""
        key = terms.key
        transaction = self.ledger.running(key)
        after = max((hold.serial for hold in self.ledger.of(key) if hold.slot == "unknown"), default=0)
        default = self.ledger.newest(key, "default")
        if default is None or default.serial < after or default.accepted_at is None:
            return [(_LOWER, "default", 0)]
        found: list[tuple[int, Slot, Milliamperes]] = []
        lent = None if transaction is None else self.ledger.newest(key, "transaction", transaction)
        if transaction is not None and want is not None:
            if lent is None and not after:
                if want.ma > default.ma or default.ma > terms.floor_ma:
                    found.append((_BEGIN, "transaction", min(want.ma, default.ma + 1)))
            elif (
                lent is None
                or lent.serial < after
                or lent.accepted_at is None
                or lent.phases != self._phases(terms, want)
            ):
                found.append((_LOWER if lent is not None and want.ma <= lent.ma else _BEGIN, "transaction", 0))
            elif want.ma < lent.ma or lent.fallback_ma > terms.fallback_ma:
                found.append((_LOWER, "transaction", 0))
            elif self._to_renew(lent, now):
                found.append((_RENEW if lent.ma < lent.fallback_ma else _BEGIN, "transaction", 0))
            elif want.ma >= lent.ma + _WORTH_MA:
                found.append((_RAISE, "transaction", lent.ma + _WORTH_MA))
        idle = terms.floor_ma if want is None or transaction is not None else max(want.ma, terms.floor_ma)
        began_on_it = lent is None and transaction is not None and want is not None and want.ma > 0
        if default.ma > idle and began_on_it and not self._to_renew(default, now):
            pass  # it runs by its default, which was raised for it, until it has a limit of its own
        elif default.ma != idle or default.fallback_ma > terms.fallback_ma:
            covered = default.fallback_ma <= terms.fallback_ma and self._is_covered(default, lent, want)
            urgency = _BEGIN if idle >= default.ma else _REFRESH if covered else _LOWER
            found.append((urgency, "default", min(idle, default.ma + 1)))
        elif self._to_renew(default, now) and (
            lent is None or lent.ma < default.fallback_ma or set(lent.phases) < set(terms.wiring)
        ):
            # Where what runs is above the fallback on all phases, it covers the next one's: no need to put that off.
            found.append((_RENEW, "default", 0))
        elif default.fallback_ma < terms.fallback_ma:
            found.append((_FALL_BACK_HIGHER, "default", 0))
        return found

    def _may_fall_back_higher(self, terms: Terms, room: Room, now: Milliseconds) -> bool:
        """Whether its fallback had to be low, for fear of the others, and need no longer be; by and by: not at once."""
        default = self.ledger.newest(terms.key, "default")
        fits = terms.usable(room.in_the_end(terms.key, terms.wiring, self.ledger.of(terms.key)))
        if default is None or fits <= default.fallback_ma:
            return False
        return fits >= terms.fallback_ma or now - default.sent_at >= self.periods.shortest_ms

    def _is_covered(self, default: Hold, lent: Hold | None, want: Want | None) -> bool:
        """Whether what runs may draw as much as the next one could begin with, and is to go on so."""
        return (
            lent is not None
            and lent.accepted_at is not None
            and want is not None
            and min(lent.ma, want.ma) >= default.ma
            and set(lent.phases) >= set(default.phases)
        )

    def _to_renew(self, hold: Hold, now: Milliseconds) -> bool:
        """From half its time on."""
        return not hold.constant and now - hold.sent_at >= (hold.earliest - hold.sent_at) / 2

    def _phases(self, terms: Terms, want: Want | None) -> tuple[int, ...]:
        return terms.wiring if want is None or want.phases is None else want.phases

    # --- what is lent

    def _hold(
        self,
        terms: Terms,
        slot: Slot,
        want: Want | None,
        room: Room,
        now: Milliseconds,
        waiting: dict[Key, Milliamperes],
        least: Milliamperes,
    ) -> Hold | None:
        """The best that fits of what is wanted; None where that is no better than what the member has."""
        key = terms.key
        transaction = self.ledger.running(key) if slot == "transaction" else None
        phases = self._phases(terms, want if slot == "transaction" else None)
        if slot == "transaction" or (want is not None and self.ledger.running(key) is None):
            ma = max(terms.floor_ma, want.ma if want is not None else 0)
        else:
            ma = terms.floor_ma
        lowest = terms.floor_ma if slot == "default" and ma == terms.floor_ma else 0
        rooms = self._rooms(terms, phases, room, slot, lowest)
        fallback = min(terms.fallback_ma, terms.usable(rooms[-1]))
        end = self._end(terms, ma, fallback, rooms, room.times, now)
        if end is None:
            within = now + self.periods.lease_ms + terms.late_ms + _GRID_MS
            most = min(rooms[: max(1, bisect_left(room.times, within))])
            ma = min(ma, terms.usable(most))
            waiting[key] = ma
            if ma < least:
                return None
            end = self._end(terms, ma, fallback, rooms, room.times, now)
            while end is None and fallback > terms.floor_ma:
                fallback = terms.usable(fallback - terms.step_ma)
                end = self._end(terms, ma, fallback, rooms, room.times, now)
            if end is None:
                return None
        hold = Hold(
            serial=self.ledger.new_serial(),
            slot=slot,
            transaction=transaction,
            ma=ma,
            fallback_ma=fallback,
            earliest=end - terms.early_ms,
            latest=end + terms.late_ms,
            phases=phases,
            sent_at=now,
        )
        if hold.constant:
            hold.earliest = hold.latest = NEVER
        return hold

    def _rooms(
        self, terms: Terms, phases: tuple[int, ...], room: Room, slot: Slot, lowest: Milliamperes
    ) -> list[float]:
        return room.for_member(terms.key, phases, self.ledger.of(terms.key), slot, lowest)

    def _end(
        self,
        terms: Terms,
        ma: Milliamperes,
        fallback: Milliamperes,
        rooms: list[float],
        times: list[Milliseconds],
        now: Milliseconds,
    ) -> Milliseconds | None:
        """When such a lease is to end so that it fits at every moment; None: it does not."""
        if ma >= fallback:
            until = next((time for time, fits in zip(times, rooms, strict=True) if fits < ma), NEVER)
            end = min(now + self.periods.lease_ms, until - terms.late_ms)
            end -= end % _GRID_MS
            return (
                end
                if end >= now + self.periods.shortest_ms and self._fits(fallback, end, terms, rooms, times)
                else None
            )
        end = now + self.periods.lease_ms + self.periods.margin_ms
        narrow = [at for at, fits in enumerate(rooms) if fits < fallback]
        if narrow:
            if narrow[-1] + 1 == len(times):
                return None
            end = max(end, times[narrow[-1] + 1] + terms.early_ms)
        end += -end % _GRID_MS
        return end if all(fits >= ma for fits in rooms) else None

    def _fits(
        self,
        fallback: Milliamperes,
        end: Milliseconds,
        terms: Terms,
        rooms: list[float],
        times: list[Milliseconds],
    ) -> bool:
        """Whether the fallback fits from the moment on when it may begin."""
        first = max(0, bisect_right(times, end - terms.early_ms) - 1)
        return all(fits >= fallback for fits in rooms[first:])

    # --- the invariant

    def _look_at_invariant(self, before: Room, after: Room) -> None:
        """Raises InvariantBroken. Both are worked out anew from the ledger, whatever the plan went by."""
        for index, left in enumerate(after.left):
            for at, moment in enumerate(after.times):
                if left[at] >= 0:
                    continue
                was = before.left[index][max(0, bisect_right(before.times, moment) - 1)]
                if left[at] < was:
                    raise InvariantBroken(f"constraint {index} would be {-left[at]} mA over at {moment}")


def _lease(key: Key, hold: Hold, terms: Terms) -> Lease:
    return Lease(
        key=key,
        serial=hold.serial,
        transaction=hold.transaction,
        ma=hold.ma,
        fallback_ma=hold.fallback_ma,
        until=NEVER if hold.constant else hold.latest - terms.late_ms,
    )
