"""What every car is to have now: from circuits, meters and turns to the shares that are wanted. Pure."""

from collections.abc import Collection, Mapping

import msgspec

from csmsd.profiles.load_management.allocation import USUAL_TURNS, Asker, Turns, allocate, fallbacks_of
from csmsd.profiles.load_management.arrivals import Arrivals
from csmsd.profiles.load_management.budgets import Budget
from csmsd.profiles.load_management.circuits import UNLIMITED, Key, Milliamperes, Tree
from csmsd.profiles.load_management.demand import Demand, phases_in_use
from csmsd.profiles.load_management.holds import NEVER, Hold, Ledger, most_of
from csmsd.profiles.load_management.manners import Takes
from csmsd.profiles.load_management.transition import Terms, Want
from csmsd.profiles.record import Milliseconds

_AHEAD_MS = 120_000  # what others may draw by then is not given out
# One that has just booted is sent its limits at once. Nobody is given more meanwhile, but nobody has to give way to it.
_DOUBT_GRACE_MS = 15_000
_BRIEFLY_MS = 120_000


class Charging(msgspec.Struct, kw_only=True):
    """A transaction on a member, and what was learned of its car."""

    transaction: int
    weight: int
    demand: Demand
    since: Milliseconds  # when it was switched on or off, or came
    fresh: bool = True
    share_ma: Milliamperes = 0
    phases: tuple[int, ...] | None = None
    cap_ma: Milliamperes | None = None  # what its own charging profiles allow
    unheard_since: Milliseconds | None = None  # of a lower limit that it was sent


class Steering:
    """Keeps what was learned of the cars in `charging`, and says what is wanted for them."""

    def __init__(
        self,
        tree: Tree,
        turns: Turns = USUAL_TURNS,
        charging: dict[Key, Charging] | None = None,
        came: dict[Key, int] | None = None,
    ) -> None:
        self.tree = tree
        self.turns = turns
        self.raise_ma: Milliamperes = 0  # a share rises by no more at once; 0: by all of it
        self.charging: dict[Key, Charging] = {} if charging is None else charging
        self.takes: dict[Key, Takes] = {}  # how members are sent limits, where that is known
        self.arrivals = Arrivals(came)
        for key in [key for key in self.charging if key not in tree.members]:
            del self.charging[key]

    # --- what is heard

    def begun(self, key: Key, transaction: int, now: Milliseconds, weight: int = 1) -> None:
        member = self.tree.members[key]
        self.arrivals.came_to(key)
        self.charging[key] = Charging(
            transaction=transaction,
            weight=weight * member.weight,
            demand=Demand(rating_ma=member.rating_ma, minimum_ma=member.minimum_ma),
            since=now,
        )

    def ended(self, key: Key, transaction: int) -> None:
        if key in self.charging and self.charging[key].transaction == transaction:
            del self.charging[key]

    def sampled(
        self, key: Key, currents: Mapping[int, Milliamperes], ledger: Ledger, now: Milliseconds, settle_ms: Milliseconds
    ) -> None:
        """Currents on the phases of the connector, numbered from 0."""
        found = self.charging.get(key)
        if found is None or not currents:
            return
        phases = phases_in_use(currents, self.tree.members[key].wiring) if key[1] else None
        if phases is not None:
            # What was used once may be used again: a car that is seen on more phases is counted on them from then on.
            found.phases = phases if found.phases is None else tuple(sorted({*found.phases, *phases}))
        lent = ledger.newest(key, "transaction", found.transaction)
        if ledger.running(key) is None:  # it is limited as a whole
            lent = ledger.newest(key, "default")
        if lent is not None and lent.accepted_at is not None and now - lent.accepted_at >= settle_ms:
            found.demand.sampled(max(currents.values()), lent.ma, now)

    def clock_moved(self, by: Milliseconds) -> None:
        """Ours was set: turns go on as long as they would have."""
        for one in self.charging.values():
            one.since += by
            one.demand.clock_moved(by)
            if one.unheard_since is not None:
                one.unheard_since += by

    # --- what follows

    def terms(self, lowest: list[Milliamperes]) -> dict[Key, Terms]:
        """What the planner goes by; fallbacks are shared out of what is there at the worst time of the day."""
        fallbacks = self.fallbacks(lowest)
        found = {}
        for key, member in self.tree.members.items():
            takes = self._takes(key)
            found[key] = Terms(
                key=key,
                wiring=member.wiring,
                path=self.tree.paths[key],
                fallback_ma=max(fallbacks[key], takes.floor_ma),
                minimum_ma=member.minimum_ma,
                floor_ma=takes.floor_ma,
                step_ma=takes.step_ma,
                early_ms=takes.early_ms,
                late_ms=takes.late_ms,
            )
        return found

    def _takes(self, key: Key) -> Takes:
        member = self.tree.members[key]
        skew = member.skew_s * 1000
        return self.takes.get(key) or Takes(
            floor_ma=member.floor_ma, step_ma=member.step_ma, early_ms=skew, late_ms=skew
        )

    def fallbacks(self, lowest: list[Milliamperes]) -> dict[Key, Milliamperes]:
        askers = [
            Asker(
                key=key,
                demand_ma=member.rating_ma,
                minimum_ma=member.minimum_ma,
                step_ma=self._takes(key).step_ma,
                weight=member.weight,
                uses=self.tree.uses(key),
            )
            for key, member in self.tree.members.items()
        ]
        told = {key: one.fallback_ma for key, one in self.tree.members.items() if one.fallback_ma is not None}
        found = fallbacks_of(lowest, askers, told)
        # Who cannot be lent less than that has it in any case: the others share what is left of it.
        floors = {key: floor for key in found if (floor := self._takes(key).floor_ma) > found[key]}
        return fallbacks_of(lowest, askers, told | floors) if floors else found

    def wants(
        self, now: Milliseconds, budgets: list[Budget], ledger: Ledger, reachable: Collection[Key]
    ) -> dict[Key, Want]:
        """Shares for those who can be told, the longest waiting first; all others count with the most they may draw."""
        asking = {
            key: one
            for key, one in self.charging.items()
            if key in reachable and not any(_counts_in_doubt(hold, now) for hold in ledger.of(key))
        }
        idle = {
            key
            for key in reachable
            if key in self.tree.members
            and key not in self.charging
            and ledger.running(key) is None
            and not any(_counts_in_doubt(hold, now) for hold in ledger.of(key))
        }
        left = list(budgets[0][1])
        for key in self.tree.members:
            if key not in asking:
                self._count(key, ledger, now, left, can_be_lowered=key in idle)
        first = [self._arrival(key, now) for key in sorted(idle) if key in self.arrivals.first]
        unheard = {key for key, one in asking.items() if _is_unheard(one, ledger.of(key), now)}
        askers = [self.asker(key, one, now) for key, one in sorted(asking.items())] + first
        wanted = {}
        if unheard:  # they are to go down, and it is not known that they will: the others make room for them
            wanted = {key: share for key, share in allocate(left, askers, now, self.turns).items() if key in unheard}
            askers = [asker for asker in askers if asker.key not in unheard]
            for key in unheard:
                self._count(key, ledger, now, left, can_be_lowered=False)
        shares = allocate(left, askers, now, self.turns)
        shares, lent = self.arrivals.share_out(
            [self._arrival(key, now) for key in sorted(idle) if self._may_begin(key, ledger)],
            lambda key: self.tree.members[key].circuit,
            left,
            askers,
            shares,
            lambda budgets: allocate(budgets, askers, now, self.turns),
            now,
        )
        shares = {**shares, **wanted}
        briefly = any(now - (asking[key].unheard_since or now) < _BRIEFLY_MS for key in unheard)
        for key, one in asking.items():
            if briefly:
                break  # it is no turn of theirs that ends: they go on as soon as they can
            share = shares[key]
            if (share > 0) != (one.share_ma > 0):
                one.since = now
                one.fresh = one.fresh and share == 0
            one.share_ma = share
        offered = {key: share for key, share in shares.items() if key not in asking and share}
        return (
            {key: Want(ma=share) for key, share in offered.items()}
            | {
                key: Want(ma=self._step_towards(shares[key], key, ledger, now), phases=one.phases)
                for key, one in sorted(asking.items(), key=lambda found: (found[1].since, found[0]))
            }
            | {key: Want(ma=share) for key, share in lent.items()}
        )

    def _may_begin(self, key: Key, ledger: Ledger) -> bool:
        """With its minimum. A limit that is relative to a transaction which is still to come may end too late."""
        if key in self.arrivals.first or key in self.arrivals.closed or ledger.in_doubt(key):
            return False
        return self._takes(key).relative_to is None

    def _least_of_use(self, key: Key, one: Charging) -> Milliamperes:
        minimum = self.tree.members[key].minimum_ma
        return minimum if one.phases is not None else self._takes(key).least_for_unknown_car(minimum)

    def _step_towards(self, share: Milliamperes, key: Key, ledger: Ledger, now: Milliseconds) -> Milliamperes:
        """What the member is to have next: a raise is made in steps, and the next waits until the last is obeyed."""
        if not self.raise_ma:
            return share
        slot = "default" if ledger.running(key) is None else "transaction"
        lent = [hold for hold in ledger.of(key) if hold.slot == slot and hold.gone_at > now]
        least = min((hold.ma for hold in lent), default=0)
        step = max(least + self.raise_ma, self._least_of_use(key, self.charging[key]))
        return share if share <= step else step // 1000 * 1000

    def _arrival(self, key: Key, now: Milliseconds) -> Asker:
        """Its minimum, and no turn to wait for: without it nothing begins at all."""
        member, takes = self.tree.members[key], self._takes(key)
        least, step = takes.least_for_unknown_car(member.minimum_ma), takes.step_ma
        return Asker(
            key=key,
            demand_ma=least + step,
            minimum_ma=least,
            step_ma=step,
            weight=member.weight,
            uses=self.tree.uses(key),
            since=now,
            fresh=True,
        )

    def asker(self, key: Key, one: Charging, now: Milliseconds) -> Asker:
        return Asker(
            key=key,
            demand_ma=min(one.demand.now(now), UNLIMITED if one.cap_ma is None else one.cap_ma),
            minimum_ma=self._least_of_use(key, one),
            step_ma=self._takes(key).step_ma,
            weight=one.weight,
            uses=self.tree.uses(key, one.phases),
            current_ma=one.share_ma,
            since=one.since,
            fresh=one.fresh,
        )

    def _count(
        self, key: Key, ledger: Ledger, now: Milliseconds, left: list[Milliamperes], *, can_be_lowered: bool
    ) -> None:
        """What it may draw is not given out; what an idle one was offered can be taken back."""
        floor_ma = self._takes(key).floor_ma
        counted = [
            msgspec.structs.replace(hold, ma=floor_ma)
            if can_be_lowered and hold.slot == "default" and hold.ma > floor_ma
            else hold
            for hold in ledger.of(key)
            if not _is_brief_doubt(hold, now)
        ]
        segments = most_of(counted, now)
        for index, lane in self.tree.paths[key]:
            left[index] -= max((lanes[lane] for start, lanes in segments if start < now + _AHEAD_MS), default=0)


def _is_unheard(one: Charging, holds: list[Hold], now: Milliseconds) -> bool:
    """A lower limit was sent to it, and for a while nobody has heard that it goes by it: it was lost, or is refused."""
    lower = any(
        hold.accepted_at is None and hold.serial > other.serial and hold.slot == other.slot and hold.ma < other.ma
        for hold in holds
        for other in holds
        if not (hold.doubtful or other.doubtful) and hold.gone_at == other.gone_at == NEVER
    )
    one.unheard_since = (one.unheard_since or now) if lower else None
    return one.unheard_since is not None and now - one.unheard_since >= _DOUBT_GRACE_MS


def _is_brief_doubt(hold: Hold, now: Milliseconds) -> bool:
    """It is new, or only waits until what was accepted is obeyed: who is switched off for it rests for minutes."""
    return hold.slot == "unknown" and (now - hold.sent_at < _DOUBT_GRACE_MS or hold.gone_at < NEVER)


def _counts_in_doubt(hold: Hold, now: Milliseconds) -> bool:
    return hold.slot in ("unknown", "measured") and hold.gone_at == NEVER and not _is_brief_doubt(hold, now)
