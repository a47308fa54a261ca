"""Boot, registration, heartbeats, reset, availability: the charge point as a whole."""

from csmsctl.simulator.charge_point import ChargePoint
from tests.csmsctl.simulator.central_system import NOON, CentralSystem, booted, charging


def new(**settings: str) -> CentralSystem:
    return CentralSystem(ChargePoint("SIM-1", now=NOON, seed=1, settings=settings))


def test_boot_then_the_status_of_every_connector() -> None:
    central_system = new()
    central_system.run(0)
    actions = [(action, payload.get("connectorId")) for action, payload in central_system.taken()]
    assert actions == [("BootNotification", None), *(("StatusNotification", number) for number in (0, 1, 2))]


def test_pending_waits_answers_calls_and_refuses_to_start() -> None:
    central_system = new()
    central_system.registration, central_system.interval = "Pending", 20
    central_system.run(19)
    assert [action for action, _ in central_system.taken()] == ["BootNotification"]
    assert central_system.call("RemoteStartTransaction", idTag="TAG") == {"status": "Rejected"}
    assert "configurationKey" in central_system.call("GetConfiguration")
    assert central_system.call("TriggerMessage", requestedMessage="StatusNotification", connectorId=1) == {
        "status": "Accepted"
    }
    assert central_system.statuses(1) == ["Available"]
    central_system.registration = "Accepted"
    central_system.run(1)
    assert central_system.charge_point.registration == "Accepted"


def test_pending_boots_at_once_when_triggered() -> None:
    central_system = new()
    central_system.registration, central_system.interval = "Pending", 600
    central_system.run(1)
    central_system.registration = "Accepted"
    assert central_system.call("TriggerMessage", requestedMessage="BootNotification") == {"status": "Accepted"}
    assert central_system.charge_point.registration == "Accepted"


def test_rejected_answers_nothing_and_tries_again_after_the_interval() -> None:
    central_system = new()
    central_system.registration, central_system.interval = "Rejected", 60
    central_system.run(1)
    assert central_system.call("GetConfiguration") is None
    central_system.taken()
    central_system.run(58)
    assert central_system.taken() == []
    central_system.run(2)
    assert [action for action, _ in central_system.taken()] == ["BootNotification"]


def test_interval_zero_is_not_a_flood() -> None:
    central_system = new()
    central_system.registration, central_system.interval = "Pending", 0
    central_system.run(60)
    assert len(central_system.taken("BootNotification")) <= 3


def test_a_boot_without_an_answer_is_repeated() -> None:
    central_system = new()
    central_system.silent_to = {"BootNotification"}
    central_system.run(30)
    central_system.silent_to = set()
    central_system.run(31)
    assert central_system.charge_point.registration == "Accepted"


def test_the_clock_follows_the_central_system() -> None:
    central_system = new()
    point = central_system.charge_point
    central_system.run(0)
    assert point.clock == point.now
    point.receive('[3,"nobody asked",{}]')  # and an answer to nothing does no harm
    point.heartbeat()
    (text,) = point.data_to_send()
    unique_id = text.split(b'"')[1].decode()
    point.receive(f'[3,"{unique_id}",{{"currentTime":"2030-01-01T00:00:00Z"}}]')
    assert point.clock == 1_893_456_000_000


def test_heartbeats_at_the_interval_of_the_boot_and_as_changed() -> None:
    central_system = new()
    central_system.interval = 30
    central_system.run(91)
    assert len(central_system.taken("Heartbeat")) == 3
    central_system.call("ChangeConfiguration", key="HeartbeatInterval", value="10")
    central_system.run(61)
    assert len(central_system.taken("Heartbeat")) == 6


def test_no_boot_after_a_reconnect_and_only_changed_statuses() -> None:
    central_system = booted()
    point = central_system.charge_point
    central_system.act(point.go_offline)
    central_system.act(point.connectors[2].plug)
    central_system.run(5)
    assert central_system.taken() == []
    central_system.act(point.go_online)
    (only,) = central_system.taken()
    assert only[0] == "StatusNotification"
    assert (only[1]["connectorId"], only[1]["status"]) == (2, "Preparing")


def test_a_status_that_came_and_went_while_offline_is_not_told() -> None:
    central_system = booted()
    point = central_system.charge_point
    central_system.act(point.go_offline)
    central_system.act(point.connectors[1].plug)
    central_system.act(point.connectors[1].unplug)
    central_system.act(point.go_online)
    assert central_system.taken() == []


def test_soft_reset_delivers_the_stop_before_it_boots() -> None:
    central_system = charging()
    assert central_system.call("Reset", type="Soft") == {"status": "Accepted"}
    central_system.run(10)
    calls = central_system.taken()
    actions = [action for action, _ in calls]
    assert actions.index("StopTransaction") < actions.index("BootNotification")
    (stop,) = [payload for action, payload in calls if action == "StopTransaction"]
    assert stop["reason"] == "SoftReset"
    assert "idTag" not in stop


def test_soft_reset_goes_ahead_when_the_stop_cannot_be_delivered() -> None:
    central_system = charging()
    central_system.silent_to = {"StopTransaction"}
    central_system.call("Reset", type="Soft")
    assert central_system.call("Reset", type="Soft") == {"status": "Rejected"}
    central_system.run(11)
    central_system.silent_to = set()
    central_system.taken()
    central_system.run(10)
    assert [action for action, _ in central_system.taken("BootNotification", "StopTransaction")] == [
        "BootNotification",
        "StopTransaction",
    ]


def test_hard_reset_sends_the_stop_after_the_boot() -> None:
    central_system = charging()
    assert central_system.call("Reset", type="Hard") == {"status": "Accepted"}
    central_system.run(10)
    calls = central_system.taken("BootNotification", "StopTransaction")
    assert [action for action, _ in calls] == ["BootNotification", "StopTransaction"]
    assert calls[1][1]["reason"] == "HardReset"
    assert central_system.charge_point.connectors[1].status == "Finishing"


def test_a_power_failure_takes_the_link_with_it() -> None:
    central_system = charging()
    central_system.act(central_system.charge_point.power_failure)
    central_system.run(10)
    calls = central_system.taken("BootNotification", "StopTransaction")
    assert calls[1][1]["reason"] == "PowerLoss"


def test_being_back_online_waits_for_the_power() -> None:
    central_system = booted()
    point = central_system.charge_point
    central_system.act(point.power_failure)
    central_system.act(point.go_online)
    assert point.link == "cut"


def test_a_reset_slept_through_still_boots() -> None:
    """The computer was suspended: the end and the next start are due at the same moment."""
    central_system = booted()
    central_system.call("Reset", type="Hard")
    central_system.charge_point.advance(central_system.charge_point.now + 60_000)
    central_system.run(1)
    assert [action for action, _ in central_system.taken("BootNotification")] == ["BootNotification"]


def test_the_same_seed_gives_the_same_course_of_events() -> None:
    def course() -> list[tuple[str, str]]:
        central_system = charging()
        central_system.run(600)
        return [(notice.event, str(notice.details)) for notice in central_system.notices]

    assert course() == course()
