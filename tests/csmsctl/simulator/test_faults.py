"""Misbehaviour on request: each kind does what its name says."""

import pytest

from csmsctl.simulator.faults import FAULTS
from tests.csmsctl.simulator.central_system import CentralSystem, charging


def events(central_system: CentralSystem) -> list[str]:
    return [notice.event for notice in central_system.notices]


def test_offline_comes_back_with_the_backlog() -> None:
    central_system = charging(misbehave=["offline"], MeterValueSampleInterval="5")
    central_system.run(60)
    calls = central_system.taken()
    actions = [action for action, _ in calls]
    assert "BootNotification" not in actions
    (stop,) = [payload for action, payload in calls if action == "StopTransaction"]
    assert stop["timestamp"] == "2026-01-01T12:00:16.000Z"
    assert events(central_system).count("connected") == 2


def test_retry_sends_starts_and_stops_twice() -> None:
    central_system = charging(misbehave=["retry"])
    central_system.run(20)
    central_system.act(lambda: central_system.charge_point.connectors[1].present("TAG"))
    central_system.run(20)
    assert events(central_system).count("loses_answer") == 2
    starts_and_stops = central_system.taken("StartTransaction", "StopTransaction")
    # The first StartTransaction was sent before `charging` forgot what came.
    assert [action for action, _ in starts_and_stops] == ["StartTransaction", "StopTransaction", "StopTransaction"]
    assert starts_and_stops[1] == starts_and_stops[2]


def test_silent_answers_nothing_but_charges() -> None:
    central_system = charging(misbehave=["silent"])
    assert central_system.call("GetConfiguration") is None
    assert events(central_system)[-1] == "ignored"


def test_odd_fields() -> None:
    central_system = charging(misbehave=["odd"], schemas=False, MeterValueSampleInterval="5")
    central_system.run(6)
    ((_, payload),) = central_system.taken("MeterValues")
    assert all(isinstance(sample["value"], float) for sample in payload["meterValue"][0]["sampledValue"])
    central_system.act(lambda: central_system.charge_point.connectors[1].present("TAG"))
    ((_, stop),) = central_system.taken("StopTransaction")
    assert isinstance(stop["meterStop"], str)


def test_no_id() -> None:
    central_system = charging(misbehave=["no-id"])
    central_system.act(lambda: central_system.charge_point.connectors[1].present("TAG"))
    ((_, stop),) = central_system.taken("StopTransaction")
    assert stop["transactionId"] == -1


def test_register_reset() -> None:
    central_system = charging(misbehave=["register-reset"])
    central_system.run(60)
    central_system.act(lambda: central_system.charge_point.connectors[1].present("TAG"))
    ((_, stop),) = central_system.taken("StopTransaction")
    assert stop["meterStop"] < int(stop["transactionData"][0]["sampledValue"][0]["value"])


def test_power_failure() -> None:
    central_system = charging(misbehave=["power-failure"])
    central_system.run(60)
    calls = central_system.taken("BootNotification", "StopTransaction")
    assert [action for action, _ in calls] == ["BootNotification", "StopTransaction"]
    assert calls[1][1]["reason"] == "PowerLoss"


@pytest.mark.parametrize("kind", FAULTS)
def test_each_kind_says_what_it_does(kind: str) -> None:
    assert FAULTS[kind].summary


def test_late_answers_leave_when_their_time_has_come() -> None:
    central_system = charging(misbehave=["late-answers"])
    assert central_system.call("ClearCache") is None
    central_system.run(0.9)
    assert not central_system._answers
    central_system.run(35)
    assert list(central_system._answers.values()) == [{"status": "Accepted"}]


def test_doubled_answers_leave_twice() -> None:
    point = charging(misbehave=["doubled-answers"]).charge_point
    point.receive('[2, "cs-1", "ClearCache", {}]')
    assert [text[:9] for text in point.data_to_send()] == [b'[3,"cs-1"'] * 2
