"""What came of requests, as `csmsctl --json` prints it; the keys are a promise."""

import json

from csmsd.control.rpc import Json
from csmsd.control.views import time_text
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.task import Outcome, Task


def not_recorded(state: ChargePointState, action: str, shown: object) -> Json:
    error = "it could not be recorded, so it was not sent"
    return result_of(state, action, "not_sent", request=shown, error=error, error_code=1)


def result_of_task(task: Task) -> Json:
    """What came of a task, as a result."""
    result: Json = {
        "charge_point": task.charge_point,
        "action": task.action,
        "outcome": task.outcome or "unknown",
        "status": task.status,
        "request": json.loads(task.request),
        "response": None if task.response is None else json.loads(task.response),
        "error": task.error,
        "duration_ms": task.duration_ms,
        "task": task.id,
    }
    if task.outcome == "not_sent":
        result["error_code"] = 1
    if task.state == "queued":
        result["expires_at"] = time_text(task.expires_at)
    return result


def result_of(
    state: ChargePointState,
    action: str | None,
    outcome: Outcome,
    *,
    request: object = None,
    error: str | None = None,
    error_code: int | None = None,
) -> Json:
    """What came of a request that is no task."""
    result: Json = {
        "charge_point": state.id,
        "action": action,
        "outcome": outcome,
        "status": None,
        "request": request,
        "response": None,
        "error": error,
        "duration_ms": None,
        "task": None,
    }
    return result if error_code is None else result | {"error_code": error_code}
