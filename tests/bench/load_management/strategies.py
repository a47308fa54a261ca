"""Who shares out a site: csms, even sharing without waiting, offers to groups every minute, and one who knows all."""

from copy import deepcopy

from csmsd.profiles.load_management.allocation import Asker, allocate
from csmsd.profiles.load_management.budgets import Outside, budgets_from
from csmsd.profiles.load_management.circuits import Key
from csmsd.profiles.load_management.holds import NEVER, Hold, Lease, Ledger
from csmsd.profiles.load_management.steering import Steering
from csmsd.profiles.load_management.transition import Periods, Planner
from csmsd.profiles.policies import LoadPolicies
from tests.bench.load_management.world import STEP_S, A, Connector, Limit, Site, Strategy

OBEY_MS = 10_000
RETRY_S = 10
_LOOK_AGAIN_S = 30


class Csms(Strategy):
    """csmsd's own parts, without its sockets and its disk."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.periods = Periods()
        self.planner = Planner(Ledger(), self.periods)
        self.on_disk: list[tuple[Key, Hold]] = []
        self.steering = self.new_steering()
        self.transactions: dict[Key, int] = {}
        self.outstanding: dict[Key, int] = {}
        self.not_before: dict[Key, int] = {}
        self.look_at = 0
        for key, member in site.tree.members.items():
            self.planner.ledger.begin(key, member.rating_ma, member.wiring, 0)

    @property
    def now(self) -> int:
        return self.site.now * 1000

    def new_steering(self) -> Steering:
        steering, settings = Steering(self.site.tree), LoadPolicies()
        steering.raise_ma = round(settings.raise_step * 1000)
        steering.arrivals.reserve, steering.arrivals.hold_ms = settings.arrival_reserve, settings.arrival_hold * 1000
        return steering

    def plugged(self, connector: Connector) -> None:
        self.steering.arrivals.waiting[connector.key] = self.now
        self.look_at = 0

    def begun(self, connector: Connector) -> None:
        self.steering.arrivals.waiting.pop(connector.key, None)
        self.transactions[connector.key] = connector.transaction
        self.planner.ledger.begun(connector.key, connector.transaction, self.now)
        self.steering.begun(connector.key, connector.transaction, self.now)
        self.look_at = 0

    def ended(self, connector: Connector, transaction: int) -> None:
        self.transactions.pop(connector.key, None)
        self.planner.ledger.ended(connector.key, transaction, self.now)
        self.steering.ended(connector.key, transaction)
        self.look_at = 0

    def sampled(self, connector: Connector) -> None:
        phases = len(connector.phases())
        currents = {number: connector.drawn_ma if number < phases else 0 for number in range(len(connector.wiring))}
        self.steering.sampled(connector.key, currents, self.planner.ledger, self.now, 60_000)

    def answered(self, connector: Connector, serial: int, accepted: bool) -> None:
        if accepted:
            self.planner.ledger.accepted(connector.key, serial, self.now, OBEY_MS)
        else:
            self.not_before[connector.key] = self.site.now + RETRY_S
        self.look_at = min(self.look_at, self.site.now + STEP_S + OBEY_MS // 1000)

    def killed(self) -> None:
        self.planner = Planner(Ledger(deepcopy(self.on_disk)), self.periods)
        self.planner.ledger.read_again(self.now, 0)
        self.steering = self.new_steering()
        for key, transaction in self.transactions.items():
            self.planner.ledger.begun(key, transaction, self.now)
            self.steering.begun(key, transaction, self.now)
        self.look_at = 0

    def step(self) -> None:
        if self.site.now < self.look_at:
            return
        self.look_at = self.site.now + _LOOK_AGAIN_S
        site, now = self.site, self.now
        budgets = budgets_from(site.tree, Outside(), now, self.periods.lease_ms)
        terms = self.steering.terms(budgets[-1][1])
        wants = self.steering.wants(now, budgets, self.planner.ledger, set(site.connectors))
        ready = [key for key in site.connectors if key not in site.waiting and self.not_before.get(key, 0) <= site.now]
        plan = self.planner.plan(now, budgets, terms, wants, ready)
        if not plan.leases:
            return
        if site.network.deaths:
            self.on_disk = deepcopy(list(self.planner.ledger))
        for lease in plan.leases:
            self.look_at = min(self.look_at, site.now + STEP_S)
            site.send(site.connectors[lease.key], limit_of(lease), lease.transaction, lease.serial)


def limit_of(lease: Lease) -> Limit:
    until = lease.until / 1000 if lease.until < NEVER else float("inf")
    return Limit(lease.ma, until, lease.fallback_ma)


class KnowsAll(Strategy):
    """Whole amperes, at once, to every car exactly what it can use: what can be had at best."""

    def step(self) -> None:
        askers = []
        for key, one in self.site.connectors.items():
            one.default = Limit(0)
            if one.visit is not None and not one.visit.car.full:
                demand = min(one.visit.most_ma, one.rating_ma)
                own = one.own.ma if one.own is not None else 0
                askers.append(
                    Asker(
                        key=key,
                        demand_ma=demand,
                        uses=self.site.tree.uses(key, one.phases()),
                        current_ma=own,
                        since=self.since(key, own > 0),
                        fresh=True,
                    )
                )
        if askers != getattr(self, "before", None) or self.site.now % 60 == 0:
            budgets = self.site.tree.limits(0, {})
            for key, ma in allocate(budgets, askers, self.site.now * 1000).items():
                self.site.connectors[key].own = Limit(ma)
                self.site.connectors[key].obeys_at = 0
            self.before = askers

    def since(self, key: Key, on: bool) -> int:
        known: dict[Key, tuple[int, bool, int]] = self.__dict__.setdefault("switched", {})
        transaction = self.site.connectors[key].transaction
        if key not in known or known[key][:2] != (transaction, on):
            known[key] = transaction, on, self.site.now * 1000
        return known[key][2]


class Even(Strategy):
    """Everybody's share anew with every car that comes or goes, all at once; a car begins with 6 A."""

    default_ma = 6 * A
    every_s = 0

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.charging: dict[Key, int] = {}
        self.told: dict[Key, int] = {}
        self.dirty = True
        for one in site.connectors.values():
            one.default = Limit(self.default_ma)

    def begun(self, connector: Connector) -> None:
        self.charging[connector.key] = connector.transaction
        self.told.pop(connector.key, None)
        self.dirty = True

    def ended(self, connector: Connector, transaction: int) -> None:
        self.charging.pop(connector.key, None)
        self.dirty = True

    def answered(self, connector: Connector, serial: int, accepted: bool) -> None:
        if accepted:
            self.told[connector.key] = serial

    def shares(self) -> dict[Key, int]:
        tree = self.site.tree
        askers = [
            Asker(key=key, demand_ma=tree.members[key].rating_ma, uses=tree.uses(key), since=transaction, fresh=True)
            for key, transaction in self.charging.items()
        ]
        return allocate(tree.limits(0, {}), askers, 0)

    def step(self) -> None:
        if self.every_s and self.site.now % self.every_s:
            return
        if not self.every_s and not self.dirty and self.site.now % 60:
            return
        self.dirty = False
        for key, ma in self.shares().items():
            if self.told.get(key) != ma and key not in self.site.waiting:
                self.site.send(self.site.connectors[key], Limit(ma), self.charging[key], ma)


class GroupOffers(Even):
    """As balanz documents it: nothing before an offer, offers in whole amperes to all once a minute, at least 6 A."""

    default_ma = 0
    every_s = 60
