"""The lines that charge points hang on: what really flows through them, and breakers that open when it is too much.

Pure. They are described as csmsd has them described (`csmsctl circuit export`).
"""

from collections.abc import Callable, Iterable

from csmsctl.simulator.breaker import Breaker
from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.connector import Connector
from csmsctl.simulator.notice import Notice
from csmsd.ocpp.identity import fold
from csmsd.profiles.load_management.circuits import Circuit, Member, path_of_circuits

PHASES = 3
Act = Callable[[ChargePoint, Callable[[], None]], None]


class Line:
    """A circuit: a breaker for each of its phases that has a limit, all of which open together."""

    def __init__(self, circuit: Circuit) -> None:
        self.name = circuit.name
        self.breakers = [None if ma is None else Breaker(ma / 1000) for ma in circuit.phases_ma]
        self.members: list[tuple[Connector, tuple[int, ...]]] = []  # on it or below, and their grid phases
        self.other_a = [0.0] * PHASES  # what else draws on it
        self.trips = 0

    @property
    def open(self) -> bool:
        return any(breaker is not None and breaker.tripped for breaker in self.breakers)

    @property
    def charge_points(self) -> list[ChargePoint]:
        return list({id(one.charge_point): one.charge_point for one, _ in self.members}.values())

    def currents(self) -> list[float]:
        """In A on each phase, as the meters stand."""
        found = list(self.other_a)
        for connector, wiring in self.members:
            meter = connector.meter
            for own, phase in enumerate(wiring):
                found[phase] += meter.current(own)
        return [0.0] * PHASES if self.open else found


class Circuits:
    """All lines of a site. `act` lets something happen to a charge point, `report` is given what happened to a line."""

    def __init__(
        self,
        circuits: Iterable[Circuit],
        members: Iterable[Member],
        charge_points: Iterable[ChargePoint],
        *,
        now: int,
        speed: float,
        act: Act,
        report: Callable[[Notice], None],
    ) -> None:
        self._now = now
        self._speed = speed
        self._act = act
        self._report = report
        known = {fold(circuit.name): circuit for circuit in circuits}
        self.lines = {name: Line(circuit) for name, circuit in known.items()}
        points = {fold(point.identity): point for point in charge_points}
        self.connectors: list[Connector] = []
        for member in members:
            connector = points[member.place[0]].connectors.get(member.connector) if member.place[0] in points else None
            if connector is not None:
                self.connectors.append(connector)
                for circuit in path_of_circuits(known, member.circuit):
                    self.lines[fold(circuit.name)].members.append((connector, member.wiring))

    @property
    def trips(self) -> int:
        return sum(line.trips for line in self.lines.values())

    def tripped(self) -> list[str]:
        """Those with a breaker that has opened at least once."""
        return [line.name for line in self.lines.values() if line.trips]

    def advance(self, now: int) -> None:
        """What flows since the last time is what flows at its end: to be called some times a second."""
        seconds = max(0, now - self._now) / 1000 * self._speed
        self._now = max(now, self._now)
        for connector in self.connectors:
            connector.meter.advance(now)
        found = [(line, line.currents()) for line in self.lines.values()]
        for line, currents in found:
            opened = [
                (phase, breaker)
                for phase, (breaker, a) in enumerate(zip(line.breakers, currents, strict=True))
                if breaker is not None and breaker.carry(a, seconds)
            ]
            if opened:
                self._trip(line, *max(opened, key=lambda one: currents[one[0]]), currents)

    def _trip(self, line: Line, phase: int, breaker: Breaker, currents: list[float]) -> None:
        line.trips += 1
        self._tell(
            line,
            "breaker_tripped",
            phase=f"L{phase + 1}",
            current_a=round(currents[phase], 2),
            rated_a=breaker.rated_a,
            over_s=round(breaker.over_s, 1),
        )
        for point in line.charge_points:
            self._act(point, point.cut_power)

    def close(self, name: str) -> None:
        """Somebody closes the breaker of a line again."""
        line = self.lines[fold(name)]
        for breaker in line.breakers:
            if breaker is not None:
                breaker.close()
        self._tell(line, "breaker_closed")
        dead = {id(point) for other in self.lines.values() if other.open for point in other.charge_points}
        for point in line.charge_points:
            if id(point) not in dead:
                self._act(point, point.restore_power)

    def sum_up(self) -> None:
        """Tells what each line has carried at most."""
        for line in self.lines.values():
            there = [(f"l{phase}", one) for phase, one in enumerate(line.breakers, 1) if one is not None]
            self._tell(
                line,
                "circuit_carried",
                **{f"most_{name}_a": round(one.most_a, 2) for name, one in there},
                **{f"rated_{name}_a": one.rated_a for name, one in there},
                over_s=round(max((one.over_s for _, one in there), default=0.0), 1),
                trips=line.trips,
            )

    def _tell(self, line: Line, event: str, **details: str | int | float) -> None:
        self._report(Notice(self._now, None, event, details={**details}, circuit=line.name))
