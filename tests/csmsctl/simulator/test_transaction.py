"""Transaction-related messages: queued while offline, in order, repeated until confirmed or given up (C 3.7)."""

from tests.csmsctl.simulator.central_system import CentralSystem, Payload, booted, charging, payload_of


def at(payload: Payload) -> str:
    """The time that a message is about."""
    time: str = payload["timestamp"] if "timestamp" in payload else payload["meterValue"][0]["timestamp"]
    return time


def test_a_transaction_goes_on_offline_and_is_delivered_in_order() -> None:
    central_system = charging(MeterValueSampleInterval="10")
    point = central_system.charge_point
    transaction = central_system.transaction_id()
    central_system.act(point.go_offline)
    central_system.run(25)
    central_system.act(lambda: point.connectors[1].present("TAG"))
    central_system.act(point.connectors[1].unplug)
    central_system.run(60)
    assert central_system.taken() == []
    central_system.act(point.go_online)
    calls = central_system.taken()
    # The status is Available before and after, so there is nothing to tell of it but the end of Charging.
    assert [action for action, _ in calls] == ["MeterValues", "MeterValues", "StopTransaction", "StatusNotification"]
    assert all(payload["transactionId"] == transaction for _, payload in calls[:3])
    times = [at(payload) for _, payload in calls[:3]]
    assert times == ["2026-01-01T12:00:10.000Z", "2026-01-01T12:00:20.000Z", "2026-01-01T12:00:25.000Z"]


def test_a_transaction_that_began_offline_learns_its_id_on_the_way() -> None:
    central_system = booted(MeterValueSampleInterval="10", AllowOfflineTxForUnknownId="true")
    point = central_system.charge_point
    central_system.act(point.go_offline)
    central_system.act(point.connectors[1].plug)
    central_system.act(lambda: point.connectors[1].present("STRANGER"))
    central_system.run(15)
    central_system.act(lambda: point.connectors[1].present("STRANGER"))
    central_system.act(point.go_online)
    calls = central_system.taken("StartTransaction", "MeterValues", "StopTransaction")
    assert [action for action, _ in calls] == ["StartTransaction", "MeterValues", "StopTransaction"]
    assert {payload["transactionId"] for _, payload in calls[1:]} == {1}


def test_offline_only_known_tags_may_charge() -> None:
    central_system = booted()
    point = central_system.charge_point
    central_system.act(lambda: point.connectors[1].present("KNOWN"))
    central_system.act(lambda: point.connectors[1].present("KNOWN"))  # and away again
    central_system.act(point.go_offline)
    central_system.act(point.connectors[1].plug)
    central_system.act(lambda: point.connectors[1].present("STRANGER"))
    assert central_system.status() == "Preparing"
    central_system.act(lambda: point.connectors[1].present("known"))
    assert central_system.status() == "Charging"


def sent_stops(central_system: CentralSystem) -> int:
    return len(central_system.taken("StopTransaction"))


def stopped(**settings: str) -> CentralSystem:
    """A charge point whose StopTransaction has just failed for the first time."""
    central_system = charging(**settings)
    central_system.failing = {"StopTransaction": 99}
    central_system.act(lambda: central_system.charge_point.connectors[1].present("TAG"))
    assert sent_stops(central_system) == 1
    return central_system


def test_a_message_that_fails_is_repeated_after_ever_longer_waits() -> None:
    central_system = stopped(TransactionMessageAttempts="3", TransactionMessageRetryInterval="60")
    central_system.run(59)
    assert sent_stops(central_system) == 0
    central_system.run(1)
    assert sent_stops(central_system) == 1
    central_system.run(119)
    assert sent_stops(central_system) == 0
    central_system.run(1)
    assert sent_stops(central_system) == 1
    central_system.run(3600)  # the third attempt was the last
    assert sent_stops(central_system) == 0
    assert "given_up" in [notice.event for notice in central_system.notices]


def test_what_fails_does_not_overtake_and_does_not_hold_up_statuses() -> None:
    central_system = stopped(TransactionMessageRetryInterval="60")
    connector = central_system.charge_point.connectors[1]
    central_system.act(lambda: connector.present("TAG"))  # the next transaction
    assert central_system.taken("StartTransaction") == []
    assert central_system.status() == "Charging"
    central_system.failing = {}
    central_system.run(60)
    calls = central_system.taken("StartTransaction", "StopTransaction")
    assert [action for action, _ in calls] == ["StopTransaction", "StartTransaction"]


def test_a_lost_link_is_no_failed_attempt() -> None:
    central_system = charging(TransactionMessageAttempts="1", MessageTimeout="30")
    central_system.silent_to = {"StopTransaction"}
    point = central_system.charge_point
    central_system.act(lambda: point.connectors[1].present("TAG"))
    assert sent_stops(central_system) == 1
    central_system.act(point.go_offline)
    central_system.silent_to = set()
    central_system.act(point.go_online)
    assert sent_stops(central_system) == 1
    assert len(point.transactions) == 0


def test_a_start_that_is_never_answered_goes_on_as_minus_one() -> None:
    """CE 3.18"""
    central_system = booted(TransactionMessageAttempts="2", TransactionMessageRetryInterval="1", MessageTimeout="5")
    central_system.silent_to = {"StartTransaction"}
    connector = central_system.charge_point.connectors[1]
    central_system.act(connector.plug)
    central_system.act(lambda: connector.present("TAG"))
    central_system.run(20)
    assert len(central_system.taken("StartTransaction")) == 2
    central_system.act(lambda: connector.present("TAG"))
    ((_, stop),) = central_system.taken("StopTransaction")
    assert stop["transactionId"] == -1


def test_a_reboot_keeps_the_queue() -> None:
    central_system = charging()
    point = central_system.charge_point
    central_system.act(point.go_offline)
    central_system.act(lambda: point.connectors[1].present("TAG"))
    central_system.act(lambda: point.reboot("Reboot"))
    central_system.run(10)
    calls = central_system.taken("BootNotification", "StopTransaction")
    assert [action for action, _ in calls] == ["BootNotification", "StopTransaction"]
    assert calls[1][1]["reason"] == "Local"


def test_a_long_transaction_keeps_its_first_and_last_reading() -> None:
    central_system = charging(MeterValueSampleInterval="1")
    central_system.run(300)
    central_system.act(lambda: central_system.charge_point.connectors[1].present("TAG"))
    data = payload_of(central_system, "StopTransaction")["transactionData"]
    assert len(data) == 100
    contexts = [value["sampledValue"][0]["context"] for value in data]
    assert (contexts[0], contexts[-1]) == ("Transaction.Begin", "Transaction.End")
