"""Events: numbered after the commit of what they tell, kept for a while, given to whoever subscribed."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import get_args

import msgspec

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.record import FLEETING, Data, Event, EventType, Milliseconds

log = logging.getLogger(__name__)

REMEMBERED = 10_000


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
            "time": format_timestamp(self.time),
            "type": self.type,
            "charge_point": self.charge_point,
            "data": self.data,
        }


Subscriber = Callable[[NumberedEvent], None]
Keep = Callable[[NumberedEvent], None]


class EventBus:
    """Numbers events and hands them on; a subscriber must not block."""

    def __init__(self, *, last: int, clock: Callable[[], Milliseconds], keep: Keep) -> None:
        self._number = last
        self._clock = clock
        self._keep = keep
        self._recent: deque[NumberedEvent] = deque(maxlen=REMEMBERED)
        self._subscribers: dict[int, tuple[Subscriber, frozenset[str]]] = {}
        self._by_type: dict[str, tuple[Subscriber, ...]] = dict.fromkeys(get_args(EventType), ())
        self._tickets = 0
        self.counts: Counter[str] = Counter()  # by type, since the start

    @property
    def last(self) -> int:
        """The number of the newest event."""
        return self._number

    def go_on_after(self, number: int) -> None:
        """No event has that number, or a lower one, from now on."""
        self._number = max(self._number, number)

    def publish(self, event: Event) -> None:
        self._number += 1
        numbered = NumberedEvent(self._number, self._clock(), event)
        if not event.bulky:
            self._recent.append(numbered)
        self.counts[event.type] += 1
        if event.type not in FLEETING:
            try:
                self._keep(numbered)
            except Exception:
                log.exception("event %d %s could not be kept", self._number, event.type)
        for subscriber in self._by_type[event.type]:
            try:
                subscriber(numbered)
            except Exception:  # one listener's mistake must not keep it from the others, nor end what it tells of
                log.exception("one of those who listen could not take event %d %s", self._number, event.type)

    def remembered_after(self, number: int) -> list[NumberedEvent] | None:
        """The events after that number, or None when memory does not reach back so far."""
        if self._recent and self._recent[0].number <= number + 1:
            return [event for event in self._recent if event.number > number]
        return [] if number >= self._number else None

    def subscribe(self, subscriber: Subscriber, types: Iterable[EventType] | None = None) -> Callable[[], None]:
        """Registers for events of these types, or for all; the returned function ends it."""
        self._tickets += 1
        ticket = self._tickets
        self._subscribers[ticket] = subscriber, frozenset(get_args(EventType) if types is None else types)
        self._arrange()

        def end() -> None:
            if self._subscribers.pop(ticket, None) is not None:
                self._arrange()

        return end

    def _arrange(self) -> None:
        """Who is called for each type, in the order in which they came."""
        known = self._subscribers.values()
        self._by_type = {
            kind: tuple(subscriber for subscriber, types in known if kind in types) for kind in get_args(EventType)
        }
