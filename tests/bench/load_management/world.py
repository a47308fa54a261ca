"""A site by the second, without sockets: cars, charge points, a network that loses messages, and breakers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from csmsctl.simulator.breaker import UNSEEN_A, Breaker
from csmsctl.simulator.car import NOMINAL_VOLTAGE, Car
from csmsd.profiles.load_management.circuits import Circuit, Key, Member, Tree

A = 1000
STEP_S = 5
DAY_S = 86_400
TIMEOUT_S = 30
METER_S = 60


@dataclass
class Visit:
    """A car that comes and goes; its battery has room for what it needs."""

    comes: int  # in seconds of the simulation
    goes: int
    car: Car
    plugged: int  # before it comes, which is when its transaction begins

    @property
    def need_wh(self) -> float:
        return self.car.capacity_wh

    @property
    def had_wh(self) -> float:
        return self.car.capacity_wh * self.car.soc / 100

    @property
    def most_ma(self) -> int:
        return int(self.car.most_a * 1000)


def visits_of(connector: int, days: int, seed: str) -> Iterator[Visit]:
    """Who comes to a connector, one after the other: two or three a day, more of them in the morning."""
    random, hands = Random(f"{seed} {connector}"), Random(f"hands {seed} {connector}")
    now = random.randrange(6 * 3600, 10 * 3600)
    while now < days * DAY_S:
        stays = int(random.uniform(1.0, 9.0) * 3600)
        three = random.random() < 0.75
        most = random.choice([16, 16, 32]) if three else random.choice([16, 32])
        need = random.uniform(5_000, 60_000 if three else 25_000)
        car = Car(
            capacity_wh=need,
            soc=0.0,
            most_a=most,
            phases=3 if three else 1,
            ramp_s=0.0,
            wakes_s=random.choice([5, 15, 30]),
            tapers=False,
        )
        # Who holds his card ready begins with the plug; most plug in, and then look for it.
        yield Visit(now, now + stays, car, now - (0 if hands.random() < 0.25 else hands.randint(5, 60)))
        now += stays + int(random.expovariate(1 / 3600))
        if now % DAY_S > 20 * 3600:
            now += DAY_S - now % DAY_S + random.randrange(6 * 3600, 10 * 3600)


def site_of(members: int) -> Tree:
    """Members behind 63 A, in two lines of 40 A; wired in turn, as electricians do."""
    circuits = [Circuit(name="main", l1_ma=63 * A, l2_ma=63 * A, l3_ma=63 * A)]
    circuits += [Circuit(name=name, parent="main", l1_ma=40 * A, l2_ma=40 * A, l3_ma=40 * A) for name in ("a", "b")]
    wirings = ["L1L2L3", "L2L3L1", "L3L1L2"]
    return Tree(
        circuits,
        [
            Member(circuit="ab"[number % 2], charge_point=f"cp{number:02}", phases=wirings[number % 3])
            for number in range(members)
        ],
    )


@dataclass(frozen=True)
class Limit:
    """What a charging profile says: so much until a moment by its clock, then another."""

    ma: int
    until: float = float("inf")
    then_ma: int = 0

    def at(self, moment: float) -> int:
        return self.ma if moment < self.until else self.then_ma


@dataclass
class Connector:
    """A charge point with one connector."""

    key: Key
    wiring: tuple[int, ...]
    rating_ma: int
    skew_s: int
    visits: Iterator[Visit]
    obeys_s: int = 3
    default: Limit | None = None
    own: Limit | None = None
    visit: Visit | None = None
    transaction: int = 0
    coming: Visit | None = None
    drawn_ma: int = 0
    plugged: bool = False
    offered: bool = False  # enough to charge with, since its transaction began
    was_ma: int = 0  # the limit until it has obeyed the new one
    obeys_at: int = 0

    def __post_init__(self) -> None:
        self.coming = next(self.visits, None)

    def limit(self, now: int) -> int:
        told = self.own if self.own is not None else self.default
        return self.rating_ma if told is None else told.at(now + self.skew_s)

    def take(self, limit: Limit, transaction: int | None, now: int) -> bool:
        if transaction is not None and (transaction != self.transaction or self.visit is None):
            return False
        before = self.limit(now)
        if transaction is None:
            self.default = limit
        else:
            self.own = limit
        self.was_ma, self.obeys_at = max(before, self.limit(now)), now + self.obeys_s
        return True

    def move(self, now: int) -> str | None:
        """A step of the car; `begun` or `ended` where one comes or goes, `plugged` before."""
        told = None
        if self.visit is not None and now >= self.visit.goes:
            self.visit, self.own, self.drawn_ma = None, None, 0
            self.coming = next(self.visits, None)
            told = "ended"
        elif self.visit is None and self.coming is not None and now >= self.coming.comes:
            self.visit, self.coming = self.coming, None
            self.transaction += 1
            self.own, self.plugged, self.offered = None, False, False
            told = "begun"
        elif self.visit is None and self.coming is not None and now >= self.coming.plugged and not self.plugged:
            self.plugged = True
            told = "plugged"
        if self.visit is not None:
            limit = self.was_ma if now < self.obeys_at else self.limit(now)
            self.visit.car.draw(min(limit, self.rating_ma) / A, STEP_S)
            self.drawn_ma = round(self.visit.car.current_a * A)
        return told

    def phases(self) -> tuple[int, ...]:
        return self.wiring[: self.visit.car.phases] if self.visit is not None else ()


@dataclass
class Figures:
    """What is counted."""

    hours: float = 0
    over_s: int = 0
    worst_ma: int = 0
    trips: int = 0
    messages: int = 0
    starts: int = 0
    at_once: int = 0  # of these: began with enough to charge
    waited_s: int = 0  # until they were offered that
    energy_wh: float = 0
    satisfaction: list[float] = field(default_factory=list)
    had_wh: list[float] = field(default_factory=list)  # of each car, in an order that no strategy changes

    @property
    def satisfied(self) -> float:
        """Jain's index of what each car had of what it could have had alone."""
        return jain(self.satisfaction)

    def fairness(self, fair: "Figures") -> float:
        """Jain's index of what each car had of what is fair: of what one who knows all gave it."""
        return jain([had / due for had, due in zip(self.had_wh, fair.had_wh, strict=True) if due])


def jain(of_each: list[float]) -> float:
    """1 where all have the same, 1 / n where one has all."""
    squares = sum(one * one for one in of_each)
    return sum(of_each) ** 2 / (len(of_each) * squares) if squares else 1.0


@dataclass(frozen=True)
class Network:
    """How many messages, and as many answers, are lost, and how often a day csmsd dies, for up to 40 minutes."""

    lost: float = 0.0
    deaths: int = 0


class Strategy:
    """What a Central System does; the site asks it every step, and tells it what arrives."""

    def __init__(self, site: "Site") -> None:
        self.site = site

    def plugged(self, connector: Connector) -> None: ...
    def begun(self, connector: Connector) -> None: ...
    def ended(self, connector: Connector, transaction: int) -> None: ...
    def sampled(self, connector: Connector) -> None: ...
    def step(self) -> None: ...
    def killed(self) -> None: ...
    def answered(self, connector: Connector, serial: int, accepted: bool) -> None: ...


class Site:
    """All of it for some days, under one strategy."""

    def __init__(self, strategy: type[Strategy], network: Network, days: int, seed: str, members: int = 12) -> None:
        self.tree = site_of(members)
        self.random = Random(f"network {seed}")
        self.now = 0
        self.days = days
        self.network = network
        self.connectors = {
            key: Connector(
                key,
                member.wiring,
                member.rating_ma,
                self.random.randint(-5, 5),
                visits_of(number, days, seed),
                self.random.choice([1, 4, 9]),
            )
            for number, (key, member) in enumerate(self.tree.members.items())
        }
        self.figures = Figures()
        self.had: dict[tuple[Key, int], float] = {}
        self.breakers = {
            (name, lane): Breaker((circuit.l1_ma or 0) / A)
            for name, circuit in self.tree.circuits.items()
            for lane in range(3)
        }
        self.paths = {
            key: [(name, lane) for index, lane in path if lane < 3 for name in [self.tree.constraints[index][0]]]
            for key, path in self.tree.paths.items()
        }
        self.unheard: list[tuple[int, str, Connector, int]] = []
        self.waiting: dict[Key, int] = {}  # whose answer is waited for, and how long
        self.dead_until = 0
        self.deaths = sorted(
            day * DAY_S + self.random.randrange(DAY_S) for day in range(days) for _ in range(network.deaths)
        )
        self.strategy = strategy(self)

    def lost(self) -> bool:
        return self.random.random() < self.network.lost

    def send(self, connector: Connector, limit: Limit, transaction: int | None, serial: int = 0) -> None:
        """A SetChargingProfile."""
        self.figures.messages += 1
        if not self.lost():
            accepted = connector.take(limit, transaction, self.now)
            if not self.lost():
                self.strategy.answered(connector, serial, accepted)
                return
        self.waiting[connector.key] = self.now + TIMEOUT_S

    def run(self) -> Figures:
        for now in range(0, self.days * DAY_S, STEP_S):
            self.now = now
            self._move()
            if self.deaths and self.now >= self.deaths[0]:
                self.deaths.pop(0)
                self.dead_until = self.now + self.random.randint(60, 2400)
                self.waiting.clear()
                self.strategy.killed()
            if self.now >= self.dead_until:
                self._hear()
                self.strategy.step()
            self._count()
        self.figures.had_wh = [had for _, had in sorted(self.had.items())]
        self.figures.hours = self.days * 24
        return self.figures

    def _move(self) -> None:
        for connector in self.connectors.values():
            visit, transaction = connector.visit, connector.transaction
            told = connector.move(self.now)
            if told == "ended" and visit is not None:
                self.figures.energy_wh += visit.had_wh
                self.had[connector.key, visit.comes] = visit.had_wh
                most_w = visit.car.most_a * NOMINAL_VOLTAGE * visit.car.phases
                alone = min(visit.need_wh, most_w * (visit.goes - visit.comes) / 3600)
                self.figures.satisfaction.append(min(1.0, visit.had_wh / alone))
            if told is not None:
                self.unheard.append(
                    (self.now, told, connector, connector.transaction if told == "begun" else transaction)
                )
            self._look_at_offer(connector, told)

    def _look_at_offer(self, connector: Connector, told: str | None) -> None:
        if connector.visit is None or connector.offered:
            return
        connector.offered = connector.limit(self.now) >= 6 * A
        self.figures.starts += told == "begun"
        self.figures.at_once += told == "begun" and connector.offered
        self.figures.waited_s += 0 if connector.offered else STEP_S

    def _hear(self) -> None:
        """Of cars, in their order for each charge point: a message that is lost is repeated (C 4.8), a status not."""
        for key in [key for key, until in self.waiting.items() if self.now >= until]:
            del self.waiting[key]
        later: list[tuple[int, str, Connector, int]] = []
        behind: set[Key] = set()
        for at, told, connector, transaction in self.unheard:
            if at > self.now or connector.key in behind:
                later.append((at, told, connector, transaction))
                behind.add(connector.key)
            elif told == "plugged":
                if connector.plugged and not self.lost():
                    self.strategy.plugged(connector)
            elif self.lost():
                later.append((self.now + TIMEOUT_S, told, connector, transaction))
                behind.add(connector.key)
            elif told == "ended":
                self.strategy.ended(connector, transaction)
            elif transaction == connector.transaction:
                self.strategy.begun(connector)
        self.unheard = later
        for connector in self.connectors.values():
            if connector.visit is not None and (self.now + 7 * int(connector.key[0][2:])) % METER_S < STEP_S:
                self.strategy.sampled(connector)

    def _count(self) -> None:
        drawn = dict.fromkeys(self.breakers, 0)
        for connector in self.connectors.values():
            if connector.drawn_ma:
                phases = connector.phases()
                for place in self.paths[connector.key]:
                    if place[1] in phases:
                        drawn[place] += connector.drawn_ma
        over = 0
        for place, ma in drawn.items():
            breaker = self.breakers[place]
            if breaker.carry(ma / A, STEP_S):
                self.figures.trips += 1
                breaker.close()
            over = max(over, ma - round(breaker.rated_a * A))
        if over > UNSEEN_A * A:
            self.figures.over_s += STEP_S
            self.figures.worst_ma = max(self.figures.worst_ma, over)
