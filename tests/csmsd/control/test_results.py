"""Results as csmsctl gets them: the keys, the exit codes and the words are a promise."""

import pytest

from csmsd.control.results import result_view
from csmsd.operations.result import Obstacle, Result, not_sent_result, result_of_task
from csmsd.profiles.task import Task
from tests.csmsd.profiles.scene import NOON

KEYS = ["charge_point", "action", "outcome", "status", "request", "response", "error", "duration_ms", "task"]

CASES = [
    (Obstacle.SENSELESS, 2, "why"),
    (Obstacle.NOT_THERE, 3, "why"),
    (Obstacle.MALFORMED, 2, "why; --force sends it all the same"),
    (Obstacle.NOT_KNOWN, 3, "why; --force sends it all the same"),
    (Obstacle.OBJECTION, 7, "why; --force sends it all the same"),
    (Obstacle.TRANSACTION, 7, "why (--unless-transaction)"),
    (Obstacle.STOPPING, 1, "why"),
    (Obstacle.NO_FILE_HOST, 1, "why"),
    (Obstacle.NOT_RECORDED, 1, "why"),
    (Obstacle.NOT_QUEUED, 1, "why"),
    (Obstacle.QUEUE_FULL, 1, "why; see: csmsctl task list --state queued"),
    (Obstacle.INTERRUPTED, 1, "why"),
    (Obstacle.FAILED_BEFORE, 1, "why (--fail-fast)"),
    (Obstacle.FAULT, 2, "why"),
]


def task(**fields: object) -> Task:
    known = {"id": 3, "created_at": NOON, "charge_point": "CP1", "action": "Reset", "request": '{"type":"Soft"}'}
    return Task(**known | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("obstacle", "code", "error"), CASES)
def test_what_was_not_sent_has_an_exit_code_and_says_what_to_do(obstacle: Obstacle, code: int, error: str) -> None:
    view = result_view(not_sent_result("CP1", obstacle, "why", action="Reset", request={"type": "Soft"}))
    assert view == {
        "charge_point": "CP1",
        "action": "Reset",
        "outcome": "not_sent",
        "status": None,
        "request": {"type": "Soft"},
        "response": None,
        "error": error,
        "duration_ms": None,
        "task": None,
        "error_code": code,
    }


def test_every_obstacle_is_among_the_cases() -> None:
    assert {obstacle for obstacle, _, _ in CASES} == set(Obstacle)


def test_a_dry_run_is_no_failure() -> None:
    assert list(result_view(Result(charge_point="CP1", action="Reset", outcome="not_sent"))) == KEYS


def test_a_task_that_is_settled() -> None:
    settled = task(
        state="settled", outcome="rejected", status="Rejected", response='{"status":"Rejected"}', duration_ms=7
    )
    assert result_view(result_of_task(settled)) == {
        "charge_point": "CP1",
        "action": "Reset",
        "outcome": "rejected",
        "status": "Rejected",
        "request": {"type": "Soft"},
        "response": {"status": "Rejected"},
        "error": None,
        "duration_ms": 7,
        "task": 3,
    }


def test_a_task_that_was_not_sent_fails_and_one_that_waits_says_until_when() -> None:
    cancelled = result_view(result_of_task(task(state="cancelled", outcome="not_sent", error="cancelled by ann")))
    assert (cancelled["error_code"], cancelled["error"]) == (1, "cancelled by ann")
    waiting = result_view(result_of_task(task(state="queued", outcome="queued", expires_at=NOON)))
    assert list(waiting) == [*KEYS, "expires_at"]
    assert waiting["expires_at"] == "2026-03-01T12:00:00.000Z"
    expired = result_view(result_of_task(task(state="expired", outcome="not_connected", expires_at=NOON)))
    assert list(expired) == KEYS


def test_one_that_has_no_outcome_yet_is_unknown_and_a_note_is_told() -> None:
    assert result_view(result_of_task(task()))["outcome"] == "unknown"
    noted = result_view(Result(charge_point="CP1", outcome="accepted", note="opened"))
    assert list(noted) == [*KEYS, "note"]
