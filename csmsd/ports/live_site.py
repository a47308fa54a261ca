"""What the live state is given, and what it is to those who have news."""

from collections.abc import Callable
from typing import Protocol

from csmsd.profiles.record import Event, Milliseconds


class Publisher(Protocol):
    """The event bus, as `LiveSite` sees it: it takes events once what they tell is certain."""

    def publish(self, event: Event) -> None: ...


class Teller(Protocol):
    """`LiveSite`, for those who have news and change nothing."""

    def tell(self, *events: Event) -> None: ...


Clock = Callable[[], Milliseconds]
