"""The people: obliging ones, one who comes by, and those who come at random."""

from collections import Counter

from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.driver import ObligingDrivers, Visitors, one_driver_visit
from tests.csmsctl.simulator.central_system import NOON, CentralSystem


def central_system_of(**settings: str) -> CentralSystem:
    return CentralSystem(ChargePoint("SIM-1", now=NOON, seed=7, settings=settings))


def test_a_remote_start_finds_a_driver() -> None:
    central_system = central_system_of()
    ObligingDrivers(central_system.charge_point)
    central_system.run(0)
    central_system.taken()
    central_system.call("RemoteStartTransaction", idTag="TAG", connectorId=1)
    central_system.run(10)
    central_system.call("RemoteStopTransaction", transactionId=central_system.transaction_id())
    central_system.run(10)
    assert central_system.statuses(1) == ["Preparing", "Charging", "Finishing", "Available"]


def test_one_visit() -> None:
    central_system = central_system_of()
    one_driver_visit(central_system.charge_point, 2, "TAG", 60)
    central_system.run(120)
    assert central_system.statuses(2) == ["Available", "Preparing", "Charging", "Finishing", "Available"]


def test_visitors_come_and_go() -> None:
    central_system = central_system_of()
    ObligingDrivers(central_system.charge_point)
    Visitors(central_system.charge_point, ["A", "B"])
    central_system.run(1800)
    calls = central_system.taken()
    counted = Counter(action for action, _ in calls)
    assert counted["StartTransaction"] > 10
    assert counted["StartTransaction"] - counted["StopTransaction"] in (0, 1, 2)
    assert {payload["idTag"] for action, payload in calls if action == "StartTransaction"} == {"A", "B"}
