"""Breakers and the lines behind them."""

import pytest

from csmsctl.simulator.breaker import Breaker
from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.circuits import Circuits
from csmsctl.simulator.control import NotUnderstood, understand_circuit_line
from csmsctl.simulator.notice import Notice
from csmsd.profiles.load_management.circuits import Circuit, Member
from tests.csmsctl.simulator.central_system import NOON, CentralSystem

HOUR = 3600


def trips_after(times: float, *, rated: float = 32.0) -> float | None:
    """After how many seconds it opens when it carries so many times its rating."""
    breaker = Breaker(rated)
    for second in range(4 * HOUR):
        if breaker.carry(times * rated, 1.0):
            return second
    return None


def test_the_curve() -> None:
    assert trips_after(1.0) is None
    assert trips_after(1.13) is None
    slow, soon, quick = trips_after(1.14), trips_after(1.45), trips_after(2.55)
    assert slow is not None
    assert 60 < slow < HOUR
    assert soon is not None
    assert 60 < soon < 600
    assert quick is not None
    assert 1 < quick < 150
    assert trips_after(5.0) == 0


def test_what_is_borne_for_a_while_cools_down_again() -> None:
    breaker = Breaker(32)
    for _ in range(12):
        for seconds, a in ((200, 45.0), (1800, 10.0)):
            assert not any(breaker.carry(a, 1.0) for _ in range(seconds))
    assert (breaker.over_s, breaker.most_a, breaker.tripped) == (12 * 200, 45.0, False)


def test_steps_of_any_length_come_to_the_same() -> None:
    fine, coarse = Breaker(32), Breaker(32)
    for _ in range(100):
        fine.carry(35, 1.0)
    coarse.carry(35, 100.0)
    assert fine.heat == pytest.approx(coarse.heat)


class Site:
    """Two charge points behind 32 A, the second of them behind another 20 A as well; the second is turned."""

    def __init__(self) -> None:
        self.told: list[Notice] = []
        points = [ChargePoint(f"SIM-{number}", now=NOON, seed=number, connectors=1) for number in (1, 2)]
        self.systems = [CentralSystem(point) for point in points]
        for system in self.systems:
            system.run(0)
            system.charge_point.configuration.put("ConnectorMaxPower", "22080")
        self.circuits = Circuits(
            [
                Circuit(name="main", l1_ma=32_000, l2_ma=32_000, l3_ma=32_000),
                Circuit(name="garage", parent="main", l1_ma=20_000, l2_ma=20_000, l3_ma=20_000),
            ],
            [
                Member(circuit="main", charge_point="SIM-1"),
                Member(circuit="garage", charge_point="sim-2", phases="L2L3L1"),
            ],
            points,
            now=NOON,
            speed=1.0,
            act=lambda point, action: self.system(point).act(action),
            report=self.told.append,
        )

    def system(self, point: ChargePoint) -> CentralSystem:
        return next(system for system in self.systems if system.charge_point is point)

    def charge(self, number: int, most_a: float, phases: int) -> None:
        system = self.systems[number - 1]
        connector = system.charge_point.connectors[1]
        connector.next_car = system.charge_point.new_car()
        connector.next_car.most_a, connector.next_car.phases, connector.next_car.soc = most_a, phases, 10
        system.act(connector.plug)
        system.act(lambda: connector.present("TAG"))

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            for system in self.systems:
                system.run(1)
            self.circuits.advance(self.systems[0].charge_point.now)

    def online(self) -> list[int]:
        return [number for number, system in enumerate(self.systems, 1) if system.charge_point.online]

    def currents(self, name: str) -> list[float]:
        return [round(a, 1) for a in self.circuits.lines[name].currents()]

    def do(self, line: str) -> None:
        action = understand_circuit_line(line, self.circuits)
        assert action is not None
        action()


def test_currents_add_up_on_the_phases_that_are_wired() -> None:
    site = Site()
    site.charge(1, 16, 3)
    site.charge(2, 10, 1)
    site.run(20)
    assert (site.currents("main"), site.currents("garage")) == ([16, 26, 16], [0, 10, 0])
    site.do("other main 1 2.5 0")
    assert site.currents("MAIN".lower()) == [17, 28.5, 16]
    assert site.circuits.trips == 0
    assert site.told == []


def test_a_breaker_trips_and_cuts_its_cars_until_it_is_closed() -> None:
    site = Site()
    site.charge(1, 16, 3)
    site.charge(2, 31, 1)
    site.run(600)
    (trip,) = site.told
    assert trip.as_record() | {"time": "", "over_s": 0} == {
        "time": "", "circuit": "garage", "event": "breaker_tripped", "phase": "L2", "current_a": 31.0,
        "rated_a": 20.0, "over_s": 0,
    }  # fmt: skip
    assert "garage     breaker tripped" in trip.as_text()
    assert site.circuits.tripped() == ["garage"]
    assert (site.currents("main"), site.currents("garage")) == ([16, 16, 16], [0, 0, 0])
    dead = site.systems[1]
    (stop,) = [notice for notice in dead.notices if notice.event == "transaction_ends"]
    assert stop.details["reason"] == "PowerLoss"
    dead.act(dead.charge_point.go_online)
    site.run(60)
    assert site.online() == [1]
    dead.act(lambda: dead.charge_point.connectors[1].present("TAG"))
    assert dead.charge_point.connectors[1].transaction is None
    site.do("close garage")
    site.run(10)
    assert site.online() == [1, 2]
    site.told.clear()
    site.circuits.sum_up()
    assert [(told.circuit, told.details["trips"]) for told in site.told] == [("main", 0), ("garage", 1)]
    assert site.told[1].details["most_l2_a"] == 31
    assert (site.told[0].details["most_l2_a"], site.told[0].details["most_l1_a"]) == (47, 16)


def test_what_is_behind_two_breakers_has_power_when_both_are_closed() -> None:
    site = Site()
    site.charge(2, 31, 1)
    site.run(500)
    site.do("other main 90 0 0")
    site.run(300)
    assert site.circuits.tripped() == ["main", "garage"]
    site.do("close garage")
    site.run(10)
    assert site.online() == []
    site.do("other main 0 0 0")
    site.do("close main")
    site.run(10)
    assert site.online() == [1, 2]


@pytest.mark.parametrize("line", ["close", "close attic", "close main now", "other main 1 2", "other main 1 2 lots"])
def test_what_is_not_understood(line: str) -> None:
    with pytest.raises(NotUnderstood):
        understand_circuit_line(line, Site().circuits)
