"""Which of an operator's commands led to a transaction, ended it, or have to do with it."""

from typing import Any

import pytest

from csmsd.control.explanation.commands import (
    command_detail,
    command_moment,
    command_that_started,
    command_that_stopped,
    concerns,
)
from csmsd.profiles.task import Task
from tests.csmsd.control.explanation.told import MINUTE, facts, profile, set_profile, task
from tests.csmsd.profiles.scene import NOON

START, STOP = "RemoteStartTransaction", "RemoteStopTransaction"


def test_a_command_counts_from_when_it_was_sent() -> None:
    assert command_moment(task(1, 5, "Reset", {})) == NOON + 5 * MINUTE
    assert command_moment(task(1, 5, "Reset", {}, sent_at=NOON + 9 * MINUTE)) == NOON + 9 * MINUTE


# --- what led to it


def started_by(*tasks: Task, **transaction: Any) -> int | None:
    found = command_that_started(facts(transaction, tasks=list(tasks)))
    return None if found is None else found.id


@pytest.mark.parametrize(
    "request_", [{"idTag": "ADA"}, {"idTag": "ada", "connectorId": 1}, {"idTag": "Ada", "connectorId": None}]
)
def test_a_remote_start_with_its_id_tag_led_to_it(request_: dict[str, Any]) -> None:
    assert started_by(task(5, -1, START, request_)) == 5


@pytest.mark.parametrize(
    "command",
    [
        task(5, -1, START, {"idTag": "BOB"}),
        task(5, -1, START, {}),
        task(5, -1, START, {"idTag": "ADA", "connectorId": 2}),
        task(5, -1, START, {"idTag": "ADA"}, outcome="rejected"),
        task(5, -1, START, {"idTag": "ADA"}, outcome="timeout"),
        task(5, -1, "ReserveNow", {"idTag": "ADA", "connectorId": 1}),
        task(5, -10.001, START, {"idTag": "ADA"}),
        task(5, 0.51, START, {"idTag": "ADA"}),
    ],
)
def test_what_did_not_lead_to_it(command: Task) -> None:
    assert started_by(command) is None


def test_how_long_before_and_after_it_may_be() -> None:
    assert started_by(task(5, -10, START, {"idTag": "ADA"})) == 5
    assert started_by(task(5, 0.5, START, {"idTag": "ADA"})) == 5  # the answer came after the start
    assert started_by(task(5, -30, START, {"idTag": "ADA"}, sent_at=NOON - MINUTE)) == 5  # it was queued


def test_the_last_of_several_led_to_it() -> None:
    asked = {"idTag": "ADA"}
    assert started_by(task(5, -3, START, asked), task(6, -2, START, asked), task(7, -1, "Reset", {})) == 6


def test_a_late_start_is_held_against_when_it_arrived() -> None:
    late = {"start_received_at": NOON + 30 * MINUTE}
    assert started_by(task(5, -1, START, {"idTag": "ADA"}), **late) is None
    assert started_by(task(5, 29, START, {"idTag": "ADA"}), **late) == 5


# --- what ended it


def ended_by(*tasks: Task, **transaction: Any) -> tuple[int, bool, int] | None:
    """(task, whether the charge point says so, seconds before the end)."""
    found = command_that_stopped(facts(transaction, tasks=list(tasks)))
    return None if found is None else (found.task.id, found.told, found.before_ms // 1000)


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        ("Remote", task(8, 40, STOP, {"transactionId": 17})),
        ("UnlockCommand", task(8, 40, "UnlockConnector", {"connectorId": 1})),
        ("HardReset", task(8, 40, "Reset", {"type": "Hard"})),
        ("SoftReset", task(8, 40, "Reset", {"type": "Soft"})),
    ],
)
def test_a_reason_names_its_command_however_long_ago(reason: str, command: Task) -> None:
    assert ended_by(command, stop_reason=reason) == (8, True, 1200)
    assert ended_by(command, stop_reason="Local") is None
    assert ended_by(command, stop_reason=None) is None


def test_the_command_of_the_reason_goes_before_a_later_one() -> None:
    stop, reset = task(8, 59.2, STOP, {"transactionId": 17}), task(9, 59.8, "Reset", {"type": "Soft"})
    assert ended_by(stop, reset, stop_reason="Remote") == (8, True, 48)
    assert ended_by(stop, reset, stop_reason="Local") == (9, False, 12)


def test_the_last_of_several_ended_it() -> None:
    first, second = (task(number, 40 + number, STOP, {"transactionId": 17}) for number in (8, 9))
    assert ended_by(first, second, stop_reason="Remote") == (9, True, 660)


def test_without_an_answer_it_ended_it_only_just_before() -> None:
    def lost(minute: float) -> Task:
        return task(8, minute, STOP, {"transactionId": 17}, outcome="timeout")

    assert ended_by(lost(59), stop_reason="Remote") == (8, True, 60)
    assert ended_by(lost(58.99), stop_reason="Remote") is None


def test_only_what_was_sent_while_it_ran() -> None:
    unlock = {"connectorId": 1}
    short = {"start_received_at": NOON + 59.5 * MINUTE, "stop_reason": "Local"}
    assert ended_by(task(8, 59.5, "UnlockConnector", unlock), **short) == (8, False, 30)
    assert ended_by(task(8, 59.4, "UnlockConnector", unlock), **short) is None
    assert ended_by(task(8, 60, "UnlockConnector", unlock)) == (8, False, 0)
    assert ended_by(task(8, 60.01, "UnlockConnector", unlock)) is None


def test_a_command_that_was_refused_ended_nothing() -> None:
    refused = task(8, 59.9, STOP, {"transactionId": 17}, outcome="rejected", status="Rejected")
    assert ended_by(refused, stop_reason="Remote") is None


def test_one_that_was_never_stopped_was_ended_by_nothing() -> None:
    assert ended_by(task(8, 59.9, STOP, {"transactionId": 17}), stop_received_at=None) is None


# --- what has to do with it


@pytest.mark.parametrize(
    ("command", "does"),
    [
        ((STOP, {"transactionId": 17}), True),
        ((STOP, {"transactionId": 18}), False),
        ((START, {"idTag": "ada"}), True),
        ((START, {"idTag": "ada", "connectorId": 2}), False),
        ((START, {"idTag": "BOB", "connectorId": 1}), False),
        (("SetChargingProfile", {"connectorId": 0}), True),
        (("SetChargingProfile", {"connectorId": 1}), True),
        (("SetChargingProfile", {"connectorId": 2}), False),
        (("ClearChargingProfile", {}), True),
        (("ClearChargingProfile", {"connectorId": 2}), False),
        (("UnlockConnector", {"connectorId": 2}), False),
        (("ChangeAvailability", {"connectorId": 0}), True),
        (("ChangeAvailability", {"connectorId": 2}), False),
        (("Reset", {"type": "Soft"}), True),
        (("UpdateFirmware", {}), True),
        (("ChangeConfiguration", {"key": "A", "value": "1"}), True),
        (("GetConfiguration", {}), False),
        (("TriggerMessage", {"connectorId": 1}), False),
    ],
)
def test_what_concerns_it(command: tuple[str, dict[str, Any]], does: bool) -> None:
    assert concerns(task(8, 30, *command), facts()) is does


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (task(8, 0, "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}), " (HeartbeatInterval=60)"),
        (task(8, 0, "Reset", {"type": "Hard"}), " (Hard)"),
        (task(8, 0, "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}), " (Inoperative)"),
        (task(8, 0, START, {"idTag": "ADA"}), " (ADA)"),
        (task(8, 0, START, {"idTag": "ADA", "chargingProfile": profile(16)}), " (ADA with a charging profile)"),
        (set_profile(8, 0, 16), " (profile 3, TxDefaultProfile, level 0)"),
        (set_profile(8, 0, 16, id=4), " (night, TxDefaultProfile, level 0)"),
        (task(8, 0, STOP, {"transactionId": 17}), ""),
    ],
)
def test_the_part_of_a_request_that_matters(command: Task, part: str) -> None:
    assert command_detail(command, facts(profile_names={4: "night"})) == part
