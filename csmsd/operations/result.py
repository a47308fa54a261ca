"""What came of a command at one charge point: a typed answer, for operators and for what starts by itself alike."""

import json
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from csmsd.profiles.record import Milliseconds
from csmsd.profiles.task import Outcome, Task


class Obstacle(Enum):
    """Why something was not sent."""

    SENSELESS = "senseless"  # as it was given, it makes no sense here
    NOT_THERE = "not_there"  # it names what does not exist
    MALFORMED = "malformed"  # no charge point takes such a request
    NOT_KNOWN = "not_known"  # it names what is not known here, and may be known there
    OBJECTION = "objection"  # the specification, or what is known of the charge point, speaks against it
    TRANSACTION = "transaction"  # one is active there, and it was not to be disturbed
    STOPPING = "stopping"  # csmsd is
    NO_FILE_HOST = "no_file_host"  # it could not be opened
    NOT_RECORDED = "not_recorded"  # it could not be followed, or sent twice after a crash
    NOT_QUEUED = "not_queued"  # it could not be stored
    QUEUE_FULL = "queue_full"
    INTERRUPTED = "interrupted"  # the operator wants nothing more to be sent
    FAILED_BEFORE = "failed_before"  # at another charge point, and that was to end it
    FAULT = "fault"  # of ours

    @property
    def lasting(self) -> bool:
        """Whether it speaks against the command as it was given, so that it is no use to wait."""
        return self in _LASTING


_LASTING = (
    Obstacle.SENSELESS,
    Obstacle.NOT_THERE,
    Obstacle.MALFORMED,
    Obstacle.NOT_KNOWN,
    Obstacle.OBJECTION,
    Obstacle.FAULT,
)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one request; of a task, as far as it has come.

    `request` and `response` are payloads of OCPP with secrets masked; a command that takes several requests and waits
    has a list of them. `error` is a fact in words. A dry run has neither a task nor an obstacle.
    """

    charge_point: str
    action: str | None = None  # None: it did not come to a request
    outcome: Outcome
    status: str | None = None
    request: Any = None
    response: Any = None
    error: str | None = None
    obstacle: Obstacle | None = None
    duration_ms: int | None = None
    task: int | None = None
    expires_at: Milliseconds | None = None  # of one that waits: when it is given up
    note: str | None = None  # what was done here besides


Report = Callable[[Result], None]


def not_sent_result(
    charge_point: str, obstacle: Obstacle, error: str, *, action: str | None = None, request: object = None
) -> Result:
    return Result(
        charge_point=charge_point, action=action, outcome="not_sent", request=request, error=error, obstacle=obstacle
    )


def result_of_task(task: Task) -> Result:
    return Result(
        charge_point=task.charge_point,
        action=task.action,
        outcome=task.outcome or "unknown",
        status=task.status,
        request=json.loads(task.request),
        response=None if task.response is None else json.loads(task.response),
        error=task.error,
        duration_ms=task.duration_ms,
        task=task.id,
        expires_at=task.expires_at if task.state == "queued" else None,
    )
