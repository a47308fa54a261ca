"""Planners that each leave out one of the rules: the tests find them out."""

from typing import Any

from csmsd.profiles.load_management.holds import NEVER, Lease, Ledger, Slot
from csmsd.profiles.load_management.transition import Plan, Planner, Room, Terms


class Careless(Planner):
    """Nobody looks at what it plans."""

    def _look_at_invariant(self, before: Room, after: Room) -> None:
        pass


class RaisesAtOnce(Careless):
    """Goes by what was sent last, as if it had arrived."""

    def plan(self, now: int, budgets: Any, terms: Any, wants: Any, ready: Any) -> Plan:
        plan = super().plan(now, budgets, terms, wants, ready)
        sent = {lease.key for lease in plan.leases}
        more = super().plan(now, budgets, terms, wants, [key for key in ready if key not in sent])
        return Plan([*plan.leases, *more.leases], more.waiting)

    def _room(self, budgets: Any, terms: Any, now: int) -> Room:
        newest = {(key, hold.slot): (key, hold) for key, hold in self.ledger}
        return Room(budgets, terms, Ledger(newest.values()), now)

    def _rooms(self, terms: Terms, phases: tuple[int, ...], room: Room, slot: Slot, lowest: int) -> list[float]:
        newest = {hold.slot: hold for hold in self.ledger.of(terms.key)}
        return room.for_member(terms.key, phases, list(newest.values()), slot, lowest)


class LendsForEver(Planner):
    """What is above the fallback has no end, whatever it thinks."""

    def plan(self, *args: Any) -> Plan:
        plan = super().plan(*args)
        leases = [without_end(lease) if lease.ma > lease.fallback_ma else lease for lease in plan.leases]
        return Plan(leases, plan.waiting)


def without_end(lease: Lease) -> Lease:
    return Lease(
        key=lease.key,
        serial=lease.serial,
        transaction=lease.transaction,
        ma=lease.ma,
        fallback_ma=lease.ma,
        until=NEVER,
    )


class LetsIdleOnesFallBackEarly(Careless):
    """A limit below the fallback lasts no longer than one above it."""

    def _end(self, terms: Terms, ma: int, fallback: int, rooms: list[float], times: list[int], now: int) -> int | None:
        if ma < fallback:
            return now + self.periods.lease_ms // 3
        return super()._end(terms, ma, fallback, [rooms[0]] * len(rooms), times, now)


BROKEN = [RaisesAtOnce, LendsForEver, LetsIdleOnesFallBackEarly]
