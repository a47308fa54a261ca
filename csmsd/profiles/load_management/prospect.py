"""What would change under other circuits: shares and fallbacks now and then, and what would be too much. Pure.

Both are reckoned as if everybody had obeyed: a connector that charges with its share, what is away with its fallback,
and what is idle with nothing.
"""

from copy import deepcopy

import msgspec

from csmsd.profiles.load_management.allocation import allocate
from csmsd.profiles.load_management.budgets import budgets_from, lowest_budget
from csmsd.profiles.load_management.circuits import UNLIMITED, Circuit, Key, Member, Milliamperes, Tree, lanes_of
from csmsd.profiles.load_management.demand import Demand
from csmsd.profiles.load_management.overview import PHASES_AND_POWER, shown_on_lane
from csmsd.profiles.load_management.steering import Charging, Steering
from csmsd.profiles.load_management.waiting_cars import running_on_member
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site


class MemberProspect(msgspec.Struct, frozen=True, kw_only=True):
    """A member now and then, in A on each phase; None where it is no member, and a share only where it charges."""

    charge_point: str
    connector: int
    circuit: str | None
    circuit_then: str | None
    share: float | None
    share_then: float | None
    fallback: float | None
    fallback_then: float | None


class LineOver(msgspec.Struct, frozen=True, kw_only=True):
    """A phase in A, or a circuit in W, that would have too little: for what else draws, and for all fallbacks."""

    circuit: str
    phase: str
    limit: float
    other: float
    fallbacks: float


class _Shared(msgspec.Struct, frozen=True):
    tree: Tree
    shares: dict[Key, Milliamperes]
    fallbacks: dict[Key, Milliamperes]
    others: list[Milliamperes]  # of each constraint: what else draws on it now, or may draw


def prospect_of_circuits(
    site: Site,
    circuits: list[Circuit],
    members: list[Member],
    utc_offset_s: int,
    now: Milliseconds,
    lease_ms: Milliseconds,
) -> tuple[list[MemberProspect], list[LineOver]]:
    """Members in the order of their names. Raises CircuitError for circuits that cannot be."""
    load, voltage = site.smart_charging.load, site.policies.voltage
    then = _shared(site, Tree(circuits, members, voltage), utc_offset_s, now, lease_ms)
    before = _shared(site, load.tree(voltage), utc_offset_s, now, lease_ms)
    found = []
    for key in sorted({*before.tree.members, *then.tree.members}):
        old, new = before.tree.members.get(key), then.tree.members.get(key)
        known = old or new
        assert known is not None
        found.append(
            MemberProspect(
                charge_point=known.charge_point,
                connector=known.connector,
                circuit=None if old is None else old.circuit,
                circuit_then=None if new is None else new.circuit,
                share=_amperes(before.shares.get(key)),
                share_then=_amperes(then.shares.get(key)),
                fallback=_amperes(before.fallbacks.get(key)),
                fallback_then=_amperes(then.fallbacks.get(key)),
            )
        )
    return found, _over(then, voltage)


def _amperes(ma: Milliamperes | None) -> float | None:
    return None if ma is None else ma / 1000


def _shared(site: Site, tree: Tree, utc_offset_s: int, now: Milliseconds, lease_ms: Milliseconds) -> _Shared:
    load = site.smart_charging.load
    outside = load.outside(utc_offset_s, now)
    outside.temporary = {name: limit for name, limit in outside.temporary.items() if name in tree.circuits}
    budgets = budgets_from(tree, outside, now, lease_ms)
    steering = Steering(tree, charging=_charging(site, tree, now))
    fallbacks = {key: terms.fallback_ma for key, terms in steering.terms(lowest_budget(tree, outside)).items()}
    left = list(budgets[0][1])
    for key, member in tree.members.items():
        state = site.charge_point(member.charge_point)
        if state is None or not state.connected:
            for index, taken in tree.uses(key):
                left[index] -= fallbacks[key] * taken
            steering.charging.pop(key, None)
    shares = allocate(left, [steering.asker(key, one, now) for key, one in steering.charging.items()], now)
    measured, _ = tree.others(outside.readings, now)
    return _Shared(tree, shares, fallbacks, [max(pair) for pair in zip(measured, tree.reserves(), strict=True)])


def _charging(site: Site, tree: Tree, now: Milliseconds) -> dict[Key, Charging]:
    """What is known of the cars, as these circuits describe their connectors."""
    found = {}
    for key, member in tree.members.items():
        state = site.charge_point(member.charge_point)
        running = None if state is None else running_on_member(state, member)
        if running is None:
            continue
        one = deepcopy(site.smart_charging.load.charging.get(key))
        if one is None or one.transaction != running.id:
            demand = Demand(rating_ma=member.rating_ma, minimum_ma=member.minimum_ma)
            one = Charging(transaction=running.id, weight=member.weight, demand=demand, since=now)
        one.demand.rating_ma, one.demand.minimum_ma = member.rating_ma, member.minimum_ma
        one.weight = member.weight
        if one.phases is not None and not set(one.phases) <= set(member.wiring):
            one.phases = None
        found[key] = one
    return found


def _over(shared: _Shared, voltage: int) -> list[LineOver]:
    """Where what else draws, or may draw, leaves less than the fallbacks may take."""
    tree = shared.tree
    limits = tree.limits(None, {})
    taken = [0] * len(limits)
    for key, member in tree.members.items():
        lanes = lanes_of(member.wiring)
        for index, lane in tree.paths[key]:
            taken[index] += shared.fallbacks[key] * lanes[lane]
    found = []
    for index, (name, lane) in enumerate(tree.constraints):
        if limits[index] >= UNLIMITED or limits[index] - shared.others[index] >= taken[index]:
            continue
        found.append(
            LineOver(
                circuit=tree.circuits[name].name,
                phase=PHASES_AND_POWER[lane],
                limit=shown_on_lane(limits[index], lane, voltage),
                other=shown_on_lane(shared.others[index], lane, voltage),
                fallbacks=shown_on_lane(taken[index], lane, voltage),
            )
        )
    return found
