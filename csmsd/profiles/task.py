"""Tasks: every command that was ever sent, by whom, to whom, and what came of it."""

from typing import ClassVar, Literal

from csmsd.profiles.record import Milliseconds, Record

Outcome = Literal["accepted", "rejected", "call_error", "timeout", "not_connected", "queued", "unknown", "not_sent"]


class Task(Record, kw_only=True):
    """A command. It is recorded before its CALL is sent and settled after; `request` and `response` are JSON."""

    table: ClassVar[str] = "task"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    created_at: Milliseconds
    uid: int | None = None
    user: str | None = None
    charge_point: str
    action: str
    request: str
    state: Literal["recorded", "sent", "settled"] = "recorded"
    outcome: Outcome | None = None
    status: str | None = None
    response: str | None = None
    error: str | None = None
    sent_at: Milliseconds | None = None
    settled_at: Milliseconds | None = None
    duration_ms: int | None = None
