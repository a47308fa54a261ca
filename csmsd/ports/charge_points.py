"""What the edge of charge points gives: their connections, as operators' commands need them."""

from collections.abc import Callable
from typing import Literal, Protocol

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Outgoing
from csmsd.profiles.record import Milliseconds


class CallEnd:
    """How a CALL of ours ended."""

    __slots__ = ("confirmation", "duration_ms", "error", "outcome", "payload", "sent_at")

    def __init__(
        self,
        outcome: Literal["confirmed", "call_error", "timeout", "not_connected", "unknown", "withdrawn"],
        *,
        confirmation: Message | None = None,
        payload: bytes | None = None,
        error: str | None = None,
        duration_ms: int | None = None,
    ) -> None:
        self.outcome = outcome
        self.confirmation = confirmation
        self.payload = payload
        self.error = error
        self.duration_ms = duration_ms
        self.sent_at: Milliseconds | None = None

    @property
    def never_sent(self) -> bool:
        """Whether it is certain that the charge point has not seen the CALL."""
        waited_in_vain = self.outcome == "timeout" and self.duration_ms is None
        return waited_in_vain or self.outcome in ("not_connected", "withdrawn")


class CallTicket:
    """Lets the one who asked for a CALL withdraw it while it waits in the queue."""

    __slots__ = ("cancelled", "withdraw")

    def __init__(self) -> None:
        self.cancelled = False  # by an operator, for good
        self.withdraw: Callable[[], bool] = lambda: False  # True: it had not been sent and will not be


class Links(Protocol):
    """The connections, as operators' commands need them."""

    def is_connected(self, identity: str) -> bool: ...
    def is_ready(self, identity: str) -> bool: ...
    async def call(
        self,
        identity: str,
        action: str,
        payload: bytes,
        outgoing: Outgoing[Message, Message] | None,
        *,
        timeout: float,
        ticket: "CallTicket",
    ) -> CallEnd: ...
    def disconnect(self, identity: str, reason: str) -> bool: ...
