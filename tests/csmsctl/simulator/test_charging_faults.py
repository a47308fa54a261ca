"""Charge points that take limits in their own way."""

from csmsctl.simulator.car import Car
from csmsd.ocpp.timestamps import parse_timestamp
from tests.csmsctl.simulator.central_system import booted, charging
from tests.csmsctl.simulator.profiles.test_smart_charging import limits, power, send, tx_profile


def test_power_only() -> None:
    system = booted(misbehave=["power-only"])
    assert send(system) == "Rejected"
    assert send(system, 1, 11_000, schedule={"chargingRateUnit": "W"}) == "Accepted"


def test_whole_amperes() -> None:
    system = booted(misbehave=["whole-amperes"])
    assert [send(system, 1, limit) for limit in (6.5, 7)] == ["Rejected", "Accepted"]


def test_one_profile() -> None:
    system = charging(misbehave=["one-profile"])
    assert send(system) == "Accepted"
    assert tx_profile(system, chargingProfileId=2) == "Rejected"
    assert send(system, 1, 8) == "Accepted"  # in the place of the first


def test_refuses_zero() -> None:
    system = booted(misbehave=["refuses-zero"])
    assert [send(system, 1, limit) for limit in (0, 5.9, 6)] == ["Rejected", "Rejected", "Accepted"]
    assert send(system, 1, 1300, schedule={"chargingRateUnit": "W"}) == "Rejected"


def test_no_tx_profiles() -> None:
    system = charging(misbehave=["no-tx-profiles"])
    assert tx_profile(system, chargingProfileId=2) == "Rejected"
    assert send(system, 1, 8) == "Accepted"
    assert limits(system) == [(0, 8)]


def test_starts_on_offer() -> None:
    system = booted(misbehave=["starts-on-offer"])
    assert send(system, 1, 0) == "Accepted"
    connector = system.charge_point.connectors[1]
    system.act(connector.plug)
    system.act(lambda: connector.present("TAG"))
    system.run(10)
    assert (connector.status, connector.transaction) == ("Preparing", None)
    assert send(system, 1, 6) == "Accepted"
    assert connector.transaction is not None


def test_wrong_clock() -> None:
    system = booted(misbehave=["wrong-clock"])
    point = system.charge_point
    assert point.clock - point.now == 240_000
    system.run(600)  # a heartbeat sets nothing right
    assert point.clock - point.now == 240_000
    answer = system.call("GetCompositeSchedule", connectorId=1, duration=60)
    assert (parse_timestamp(answer["scheduleStart"]) or 0) - point.now == 240_000


def test_forgets_profiles() -> None:
    for misbehave, after in (([], [(0, 6)]), (["forgets-profiles"], None)):
        system = booted(misbehave=misbehave)
        send(system)
        system.act(lambda point=system.charge_point: point.reboot("Reboot"))  # type: ignore[misc]
        system.run(10)
        assert limits(system) == after


def test_first_period() -> None:
    for misbehave, periods in (([], 2), (["first-period"], 1)):
        system = booted(misbehave=misbehave)
        two = [{"startPeriod": start, "limit": limit} for start, limit in ((0, 10), (120, 6))]
        assert send(system, schedule={"chargingSchedulePeriod": two}) == "Accepted"
        assert len(limits(system)) == periods


def test_ignores_limits() -> None:
    system = charging(misbehave=["ignores-limits"])
    assert send(system, 1, 6) == "Accepted"
    assert limits(system) == [(0, 6)]
    system.run(60)
    assert power(system) > 6 * 230 * 3


def test_a_greedy_car_draws_what_it_can_unless_nothing_is_offered() -> None:
    system = booted()
    connector = system.charge_point.connectors[1]
    connector.next_car = Car(most_a=16, greedy=True)
    system.act(connector.plug)
    system.act(lambda: connector.present("TAG"))
    send(system, 1, 6)
    system.run(60)
    assert connector.meter.current_a == 16
    send(system, 1, 0)
    assert (connector.meter.current_a, system.status()) == (0, "SuspendedEVSE")


def test_a_late_car_is_suspended_until_it_begins() -> None:
    system = booted()
    connector = system.charge_point.connectors[1]
    connector.next_car = Car(wakes_s=30)
    system.act(connector.plug)
    system.act(lambda: connector.present("TAG"))
    assert system.statuses(1) == ["Preparing", "SuspendedEV"]
    system.run(32)
    assert system.statuses(1) == ["Charging"]
    send(system, 1, 5)  # less than a charge point can signal
    assert system.statuses(1) == ["SuspendedEVSE"]
    send(system, 1, 6)
    assert system.statuses(1) == ["SuspendedEV"]
    system.run(32)
    assert system.statuses(1) == ["Charging"]
