"""Tasks: every command that was ever given, by whom, to whom, and what came of it."""

from typing import ClassVar, Literal

from csmsd.profiles.record import Milliseconds, Record

Outcome = Literal["accepted", "rejected", "call_error", "timeout", "not_connected", "queued", "unknown", "not_sent"]
TaskState = Literal["queued", "recorded", "sent", "settled", "expired", "cancelled"]
ENDED = ("settled", "expired", "cancelled")


class Task(Record, kw_only=True):
    """A command. It is recorded before its CALL is sent and settled after; `request` and `response` are JSON.

    One that was `queued` keeps its number for its first CALL; any other CALL that it takes is a task that is
    `part_of` it. While it is queued and takes several requests, `request` is a list of them.
    """

    table: ClassVar[str] = "task"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    created_at: Milliseconds
    uid: int | None = None
    user: str | None = None
    charge_point: str
    action: str
    request: str
    state: TaskState = "recorded"
    outcome: Outcome | None = None
    status: str | None = None
    response: str | None = None
    error: str | None = None
    sent_at: Milliseconds | None = None
    settled_at: Milliseconds | None = None
    duration_ms: int | None = None
    expires_at: Milliseconds | None = None  # of one that was queued: when it would have been given up
    part_of: int | None = None
    socket: str | None = None  # that the command came by


class QueuedCommand(Record, kw_only=True):
    """What a queued task is made from when its time has come; `task` is its number.

    `parameters` is JSON with secrets as they were given, since they are to be sent; the row goes with the first CALL.
    """

    table: ClassVar[str] = "queued_command"
    key: ClassVar[tuple[str, ...]] = ("task",)

    task: int
    charge_point: str
    command: str  # of an operation; `call` is any action
    parameters: str
    force: bool
    idle_connector: int | None  # not to be sent while a transaction is active there; 0 is any connector
    timeout: float  # seconds per CALL
    expires_at: Milliseconds
