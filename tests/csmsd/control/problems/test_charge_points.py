"""What wants attention: a scene, and the problems that it has."""

from collections.abc import Callable

import pytest

from csmsd.control.problems.charge_points import problems_of_charge_point
from csmsd.control.problems.problem import Problem
from csmsd.ocpp.leniency import Deviation
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core.charge_points import ConfigurationKey, DeviationCount
from csmsd.profiles.core.transaction_book import AWAITED
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from tests.csmsd.profiles.scene import DAY, HOUR, NOON, SECOND, Scene

MINUTE = 60 * SECOND


def connected(scene: Scene) -> None:
    scene.cp.connected_at = scene.cp.record.last_seen_at = scene.now


def later(scene: Scene, milliseconds: int) -> None:
    """Time goes on, and the charge point is heard."""
    scene.now += milliseconds
    scene.cp.record.last_seen_at = scene.now


def configured(scene: Scene, key: str, value: str) -> None:
    scene.cp.configuration[key.casefold()] = ConfigurationKey(
        charge_point="CP1", name=key, value=value, reported_at=scene.now
    )


def found(scene: Scene) -> list[Problem]:
    return problems_of_charge_point(scene.cp, scene.site, scene.now)


def only(scene: Scene) -> Problem:
    (problem,) = found(scene)
    return problem


# --- a scene in words: what happens, and the kind and severity of what is wrong then


def never_connected(scene: Scene) -> None:
    scene.cp.connected_at = None


def offline(scene: Scene) -> None:
    connected(scene)
    scene.cp.connected_at = None
    scene.now += HOUR


def pending(scene: Scene) -> None:
    connected(scene)
    scene.cp.record.registration = scene.cp.record.boot_status = "Pending"


def not_booted(scene: Scene) -> None:
    connected(scene)
    scene.cp.record.boot_status = None
    later(scene, 2 * MINUTE)


def silent(scene: Scene) -> None:
    connected(scene)
    scene.now += 601 * SECOND


def silent_by_its_own_interval(scene: Scene) -> None:
    connected(scene)
    configured(scene, "HeartbeatInterval", "40")
    scene.now += 81 * SECOND


def no_answer(scene: Scene) -> None:
    connected(scene)
    scene.cp.unanswered_since = scene.now


def reboot_required(scene: Scene) -> None:
    connected(scene)
    scene.cp.record.reboot_required = True


def clock_in_the_future(scene: Scene) -> None:
    connected(scene)
    count = DeviationCount(
        charge_point="CP1", action="MeterValues", field="timestamp", kind="in_the_future", count=3, last_at=scene.now
    )
    scene.cp.deviations[(count.action, count.field, count.kind)] = count


def says(scene: Scene, action: str, payload: object) -> None:
    """The charge point sends that, and it is counted as the dispatcher does."""
    answer = scene.send(action, payload)
    odd = [Deviation(field, kind, "PropertyConstraintViolation") for field, kind in answer.deviations]
    scene.cp.count_deviations(action, odd, scene.now)
    scene.cp.heard[action] = scene.now


def says_status(scene: Scene, timestamp: str) -> None:
    payload = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": timestamp}
    says(scene, "StatusNotification", payload)


def says_reading(scene: Scene, timestamp: str) -> None:
    values = [{"timestamp": timestamp, "sampledValue": [{"value": "1"}]}]
    says(scene, "MeterValues", {"connectorId": 1, "meterValue": values})


def clock_of_1970(scene: Scene) -> None:
    """Long after its boot, and also after a time that was right."""
    connected(scene)
    scene.cp.record.booted_at = scene.now - HOUR
    says_status(scene, format_timestamp(scene.now - SECOND))
    says_reading(scene, format_timestamp(scene.now - SECOND))
    later(scene, SECOND)
    says_status(scene, "1970-01-01T00:00:00Z")
    says_reading(scene, "1970-01-01T00:00:01Z")


def clock_two_hours_ahead(scene: Scene) -> None:
    """As its start, its statuses, its readings and its stop tell, all of them."""
    connected(scene)
    scene.cp.record.booted_at = scene.now - HOUR
    ahead = format_timestamp(scene.now + 2 * HOUR)
    says(scene, "StartTransaction", {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": ahead})
    for _ in range(2):
        says_status(scene, ahead)
        says_reading(scene, ahead)
        later(scene, SECOND)
        ahead = format_timestamp(scene.now + 2 * HOUR)
    says(scene, "StopTransaction", {"transactionId": 1, "meterStop": 1300, "timestamp": ahead})


def status_ahead(scene: Scene) -> None:
    connected(scene)
    says_status(scene, format_timestamp(scene.now + 61 * SECOND))


def firmware_failed(scene: Scene) -> None:
    connected(scene)
    scene.site.firmware.updates.add(
        FirmwareUpdate(
            id=9,
            charge_point="CP1",
            created_at=NOON,
            changed_at=NOON,
            deadline_at=NOON,
            location="ftp://x/y",
            retrieve_at=NOON,
            state="installation_failed",
        )
    )


def abandoned(scene: Scene) -> None:
    connected(scene)
    scene.start()
    later(scene, MINUTE)
    scene.start(meterStart=2000)


def faulted(scene: Scene) -> None:
    connected(scene)
    scene.status(1, "Faulted", errorCode="GroundFailure", info="wet")


def error_while_charging(scene: Scene) -> None:
    connected(scene)
    scene.status(1, "Charging", errorCode="WeakSignal")


def refused_tag(scene: Scene) -> None:
    connected(scene)
    scene.start(idTag="STRANGER")


def jumping_register(scene: Scene) -> None:
    connected(scene)
    scene.start()
    scene.meter("500000")
    scene.meter("1200")


def readings_missing(scene: Scene) -> None:
    connected(scene)
    configured(scene, "MeterValueSampleInterval", "60")
    scene.start()
    later(scene, 181 * SECOND)


def readings_ended(scene: Scene) -> None:
    """Its interval is not known, but it did send some."""
    connected(scene)
    scene.start()
    scene.meter("1100")
    later(scene, 901 * SECOND)


@pytest.mark.parametrize(
    ("happens", "kind", "severity"),
    [
        (never_connected, "never_connected", "warning"),
        (offline, "offline", "critical"),
        (pending, "registration_pending", "warning"),
        (not_booted, "not_booted", "warning"),
        (silent, "silent", "warning"),
        (silent_by_its_own_interval, "silent", "warning"),
        (no_answer, "no_answer", "warning"),
        (reboot_required, "reboot_required", "warning"),
        (clock_in_the_future, "suspect_clock", "warning"),
        (clock_two_hours_ahead, "suspect_clock", "warning"),
        (status_ahead, "suspect_clock", "warning"),
        (clock_of_1970, "suspect_clock", "warning"),
        (firmware_failed, "firmware_failed", "warning"),
        (abandoned, "transactions_abandoned", "warning"),
        (faulted, "faulted", "critical"),
        (error_while_charging, "error_reported", "warning"),
        (refused_tag, "id_tag_refused", "warning"),
        (jumping_register, "energy_suspect", "warning"),
        (readings_missing, "meter_values_missing", "warning"),
        (readings_ended, "meter_values_missing", "warning"),
    ],
)
def test_each_problem_is_found_and_alone(happens: Callable[[Scene], None], kind: str, severity: str) -> None:
    scene = Scene()
    happens(scene)
    problem = only(scene)
    assert (problem.kind, problem.severity, problem.charge_point) == (kind, severity, "CP1")
    assert problem.next.startswith("csmsctl ")


# --- what is none


def charges_and_is_measured(scene: Scene) -> None:
    configured(scene, "MeterValueSampleInterval", "60")
    scene.start()
    later(scene, 170 * SECOND)
    scene.meter("1100")
    later(scene, 170 * SECOND)


def sends_no_readings_by_its_own_will(scene: Scene) -> None:
    configured(scene, "MeterValueSampleInterval", "0")
    scene.start()
    scene.meter("1100")
    later(scene, 10 * HOUR)


def may_send_none_for_all_we_know(scene: Scene) -> None:
    scene.start()
    later(scene, 10 * HOUR)


def was_wrong_about_the_time_long_ago(scene: Scene) -> None:
    clock_in_the_future(scene)
    later(scene, DAY)


def was_wrong_about_the_time_before_it_had_booted(scene: Scene) -> None:
    says_status(scene, "1970-01-01T00:00:00Z")
    scene.now += SECOND
    says(scene, "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    scene.now += SECOND
    says_status(scene, "1970-01-01T00:00:02Z")  # it takes its time to set its clock


def was_wrong_until_a_status_was_right(scene: Scene) -> None:
    says_status(scene, "1970-01-01T00:00:00Z")
    scene.now += SECOND
    says_status(scene, format_timestamp(scene.now - SECOND))


def was_wrong_until_a_reading_was_right(scene: Scene) -> None:
    says_reading(scene, "1970-01-01T00:00:00Z")
    says_status(scene, "1970-01-01T00:00:00Z")
    scene.now += SECOND
    says_reading(scene, format_timestamp(scene.now))


def is_out_of_order_by_decision(scene: Scene) -> None:
    scene.status(1, "Unavailable")


def was_stopped_late(scene: Scene) -> None:
    first = scene.started()
    later(scene, MINUTE)
    scene.start(meterStart=2000)
    scene.stop(first)


@pytest.mark.parametrize(
    "happens",
    [
        charges_and_is_measured,
        sends_no_readings_by_its_own_will,
        may_send_none_for_all_we_know,
        was_wrong_about_the_time_long_ago,
        was_wrong_about_the_time_before_it_had_booted,
        was_wrong_until_a_status_was_right,
        was_wrong_until_a_reading_was_right,
        is_out_of_order_by_decision,
        was_stopped_late,
    ],
)
def test_what_is_as_it_should_be_is_no_problem(happens: Callable[[Scene], None]) -> None:
    scene = Scene()
    connected(scene)
    happens(scene)
    assert found(scene) == []


def test_a_fault_of_a_charge_point_that_is_offline_is_history() -> None:
    scene = Scene()
    faulted(scene)
    scene.start()
    scene.cp.connected_at = None
    problem = only(scene)
    assert (problem.kind, problem.text) == ("offline", "offline, while 1 transaction ran")


def test_the_worst_comes_first() -> None:
    scene = Scene()
    reboot_required(scene)
    faulted(scene)
    assert [problem.severity for problem in found(scene)] == ["critical", "warning"]


def test_a_fault_says_all_that_was_reported() -> None:
    scene = Scene()
    connected(scene)
    scene.status(2, "Faulted", errorCode="OtherError", info="door open", vendorErrorCode="E17")
    problem = only(scene)
    assert problem.text == "Faulted: OtherError (vendor code E17, door open)"
    assert problem.connector == 2


def test_what_the_shell_would_expand_is_quoted_in_the_next_command() -> None:
    scene = Scene()
    state = scene.register("DE*ABC*E1")
    (problem,) = problems_of_charge_point(state, scene.site, scene.now)
    assert problem.next == "csmsctl cp show 'DE*ABC*E1'"


def test_each_message_from_the_future_is_counted_and_one_of_a_minute_ahead_is_not() -> None:
    scene = Scene()
    connected(scene)
    says_status(scene, format_timestamp(scene.now + MINUTE))
    assert not scene.cp.deviations

    clock_two_hours_ahead(scene)

    assert {action for action, _, kind in scene.cp.deviations if kind == "ahead_of_arrival"} == {
        "StartTransaction",
        "StatusNotification",
        "MeterValues",
        "StopTransaction",
    }


def test_it_is_offline_since_its_connection_ended_or_since_it_was_certainly_there_last() -> None:
    """After csmsd was killed it knows what is on disk: what was said last may be older than a start."""
    scene = Scene()
    scene.cp.connected_at = None
    assert scene.cp.offline_since is None
    scene.cp.record.last_seen_at = scene.now
    assert only(scene).since == scene.now
    scene.cp.record.offline_since = scene.now + MINUTE
    assert only(scene).since == scene.now + MINUTE
    scene.now += HOUR
    started = scene.now
    scene.start()
    assert scene.cp.offline_since == started


def test_of_very_many_that_were_never_stopped_the_older_ones_are_on_disk_alone() -> None:
    scene = Scene()
    texts = {}
    for number in range(AWAITED + 1):
        scene.start(meterStart=number, timestamp=format_timestamp(scene.now + number * SECOND))
        texts[number] = [problem.text for problem in found(scene) if problem.kind == "transactions_abandoned"]
    assert texts[AWAITED - 1][0].startswith(f"{AWAITED - 1} transactions never stopped: 1, 2")
    assert texts[AWAITED][0].startswith(f"{AWAITED} transactions or more never stopped: 1, 2")


@pytest.mark.parametrize(("minutes", "kinds"), [(59, []), (60, ["energy_suspect"])])
def test_an_estimate_may_wait_for_the_register_for_an_hour(minutes: int, kinds: list[str]) -> None:
    scene = Scene()
    connected(scene)
    scene.started()
    for _ in range(minutes):
        scene.now += MINUTE
        scene.meter({"value": "11000", "measurand": "Power.Active.Import"})

    found = [problem.kind for problem in problems_of_charge_point(scene.cp, scene.site, scene.now)]
    assert [kind for kind in found if kind == "energy_suspect"] == kinds
