"""What came of requests, as `csmsctl --json` prints it; the keys are a promise."""

from csmsd.control.rpc import Json
from csmsd.control.views import time_text
from csmsd.operations.result import Obstacle, Result

_OTHER, _USAGE, _NOT_THERE, _FORBIDDEN = 1, 2, 3, 7  # of csmsctl's exit codes
_ALL_THE_SAME = "; --force sends it all the same"
_CODES = {
    Obstacle.SENSELESS: _USAGE,
    Obstacle.MALFORMED: _USAGE,
    Obstacle.FAULT: _USAGE,
    Obstacle.NOT_THERE: _NOT_THERE,
    Obstacle.NOT_KNOWN: _NOT_THERE,
    Obstacle.OBJECTION: _FORBIDDEN,
    Obstacle.TRANSACTION: _FORBIDDEN,
}
# What the operator may do about it, or has asked for.
_REMARKS = {
    Obstacle.MALFORMED: _ALL_THE_SAME,
    Obstacle.NOT_KNOWN: _ALL_THE_SAME,
    Obstacle.OBJECTION: _ALL_THE_SAME,
    Obstacle.TRANSACTION: " (--unless-transaction)",
    Obstacle.FAILED_BEFORE: " (--fail-fast)",
    Obstacle.QUEUE_FULL: "; see: csmsctl task list --state queued",
}


def result_view(result: Result) -> Json:
    view: Json = {
        "charge_point": result.charge_point,
        "action": result.action,
        "outcome": result.outcome,
        "status": result.status,
        "request": result.request,
        "response": result.response,
        "error": result.error,
        "duration_ms": result.duration_ms,
        "task": result.task,
    }
    if result.obstacle is not None:
        view["error"] = f"{result.error}{_REMARKS.get(result.obstacle, '')}"
    code = error_code(result)
    if code is not None:
        view["error_code"] = code
    if result.expires_at is not None:
        view["expires_at"] = time_text(result.expires_at)
    if result.note is not None:
        view["note"] = result.note
    return view


def error_code(result: Result) -> int | None:
    """csmsctl's exit code for what was not sent; None for anything else, and for a dry run."""
    if result.obstacle is not None:
        return _CODES.get(result.obstacle, _OTHER)
    return _OTHER if result.outcome == "not_sent" and result.task is not None else None
