"""Events: numbered after the commit of what they tell, kept for a while, given to whoever subscribed."""

from collections import Counter, deque
from collections.abc import Callable

import msgspec

from csmsd.ocpp.timestamps import format_time
from csmsd.profiles.record import FLEETING, Data, Event, Milliseconds

REMEMBERED = 10_000
# What a crash may have kept from the log of events: numbers begin beyond it, so that none is used twice.
_GAP_AFTER_START = 10_000


class NumberedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event on its way out."""

    number: int
    time: Milliseconds
    event: Event

    @property
    def type(self) -> str:
        return self.event.type

    @property
    def charge_point(self) -> str | None:
        return self.event.charge_point

    @property
    def data(self) -> Data:
        return self.event.data

    def described(self) -> Data:
        """As everybody outside sees it: a promise."""
        return {
            "number": self.number,
            "time": format_time(self.time),
            "type": self.type,
            "charge_point": self.charge_point,
            "data": self.data,
        }


Subscriber = Callable[[NumberedEvent], None]
Keeper = Callable[[NumberedEvent], None]


class EventBus:
    """Numbers events and hands them on; a subscriber must not block."""

    def __init__(self, *, last: int, clock: Callable[[], Milliseconds], keep: Keeper) -> None:
        self._number = last + _GAP_AFTER_START if last else 0
        self._clock = clock
        self._keep = keep
        self._recent: deque[NumberedEvent] = deque(maxlen=REMEMBERED)
        self._subscribers: dict[int, Subscriber] = {}
        self._tickets = 0
        self.counts: Counter[str] = Counter()  # by type, since the start

    @property
    def last(self) -> int:
        """The number of the newest event."""
        return self._number

    def publish(self, event: Event) -> None:
        self._number += 1
        numbered = NumberedEvent(self._number, self._clock(), event)
        self._recent.append(numbered)
        self.counts[event.type] += 1
        if event.type not in FLEETING:
            self._keep(numbered)
        for subscriber in list(self._subscribers.values()):
            subscriber(numbered)

    def remembered_after(self, number: int) -> list[NumberedEvent] | None:
        """The events after that number, or None when memory does not reach back so far."""
        if self._recent and self._recent[0].number <= number + 1:
            return [event for event in self._recent if event.number > number]
        return [] if number >= self._number else None

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Registers; the returned function ends it."""
        self._tickets += 1
        ticket = self._tickets
        self._subscribers[ticket] = subscriber
        return lambda: self._subscribers.pop(ticket, None) and None
