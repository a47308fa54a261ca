"""The log of messages and events, as the methods see it."""

from collections.abc import Sequence
from typing import Any, Protocol

from csmsd.ports.listings import Rows
from csmsd.profiles.record import Milliseconds


class LogBook(Protocol):
    """The log of messages and events, as the methods need it."""

    async def first_event_time(self) -> Milliseconds | None: ...
    async def messages(
        self,
        charge_points: Sequence[str] | None,
        *,
        since: Milliseconds | None,
        before_id: int | None,
        limit: int,
        until: Milliseconds | None = None,
        after_id: int | None = None,
        oldest: bool = False,
        most_text: int = 0,
    ) -> Rows[Any]: ...
    async def events(
        self,
        charge_points: Sequence[str] | None,
        types: Sequence[str] | None,
        *,
        since: Milliseconds | None = None,
        until: Milliseconds | None = None,
        after: int | None = None,
        before: int | None = None,
        limit: int = 0,
        oldest: bool = False,
        most_text: int = 0,
    ) -> Rows[Any]: ...
