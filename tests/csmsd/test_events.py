"""The event bus: numbers, memory, and who is called for what."""

import pytest

from csmsd import events
from csmsd.events import EventBus, NumberedEvent
from csmsd.profiles.record import Event, EventType


class Kept(list[str]):
    """What is kept, and a bus that keeps it."""

    def bus(self, last: int = 0) -> EventBus:
        return EventBus(last=last, clock=lambda: 1000, keep=lambda event: self.append(event.type))


def tell(bus: EventBus, *types: EventType) -> None:
    for kind in types:
        bus.publish(Event(kind, None, {}))


def test_a_subscriber_is_called_for_what_it_wants_until_it_ends() -> None:
    bus = Kept().bus()
    everything: list[NumberedEvent] = []
    tags: list[str] = []
    bus.subscribe(everything.append)
    end = bus.subscribe(lambda event: tags.append(event.type), ("tag.changed", "tag.removed"))
    tell(bus, "tag.changed", "reservation.used", "tag.removed")
    end()
    end()
    tell(bus, "tag.changed")
    assert tags == ["tag.changed", "tag.removed"]
    assert [(event.number, event.type) for event in everything] == [
        (1, "tag.changed"), (2, "reservation.used"), (3, "tag.removed"), (4, "tag.changed"),
    ]  # fmt: skip


def test_one_that_ends_or_begins_while_an_event_is_told_changes_nothing_for_that_event() -> None:
    bus = Kept().bus()
    told: list[str] = []

    def first(event: NumberedEvent) -> None:
        told.append("first")
        end()
        bus.subscribe(lambda event: told.append("late"))

    bus.subscribe(first, ("tag.changed",))
    end = bus.subscribe(lambda event: told.append("second"), ("tag.changed",))
    tell(bus, "tag.changed")
    assert told == ["first", "second"]
    tell(bus, "tag.removed")
    assert told == ["first", "second", "late"]


def test_an_event_that_a_subscriber_tells_of_comes_after_the_one_that_it_was_told() -> None:
    bus = Kept().bus()
    seen: list[tuple[int, str]] = []
    bus.subscribe(lambda event: tell(bus, "hook.failed"), ("tag.changed",))
    bus.subscribe(lambda event: seen.append((event.number, event.type)))
    tell(bus, "tag.changed")
    assert sorted(seen) == [(1, "tag.changed"), (2, "hook.failed")]


def test_what_comes_in_great_numbers_is_counted_and_not_kept() -> None:
    kept = Kept()
    bus = kept.bus()
    tell(bus, "meter_values", "meter_values", "tag.changed")
    assert kept == ["tag.changed"]
    assert bus.counts == {"meter_values": 2, "tag.changed": 1}


def test_numbers_go_on_behind_the_last_one_that_is_known() -> None:
    bus = Kept().bus(last=7)
    tell(bus, "tag.changed")
    assert bus.last == 8
    bus.go_on_after(100)
    bus.go_on_after(50)
    tell(bus, "tag.changed")
    assert bus.last == 101


def test_memory_says_what_was_missed_or_that_it_does_not_reach_back() -> None:
    bus = Kept().bus()
    for _ in range(events.REMEMBERED + 1):
        tell(bus, "tag.changed")
    missed = bus.remembered_after(bus.last - 2)
    assert missed is not None
    assert [event.number for event in missed] == [bus.last - 1, bus.last]
    assert bus.remembered_after(bus.last) == []
    assert bus.remembered_after(1) is not None
    assert bus.remembered_after(0) is None


def test_what_a_charge_point_made_long_is_told_and_not_remembered() -> None:
    bus = Kept().bus()
    told: list[int] = []
    bus.subscribe(lambda event: told.append(event.number))
    tell(bus, "tag.changed")
    bus.publish(Event("meter_values", "CP1", {"samples": {}}, bulky=True))
    tell(bus, "tag.removed")
    assert told == [1, 2, 3]
    remembered = bus.remembered_after(0)
    assert remembered is not None
    assert [event.number for event in remembered] == [1, 3]


def test_how_everybody_outside_sees_an_event() -> None:
    assert NumberedEvent(7, 1_700_000_000_123, Event("tag.changed", "CP1", {"tag": "A"})).described() == {
        "number": 7,
        "time": "2023-11-14T22:13:20.123Z",
        "type": "tag.changed",
        "charge_point": "CP1",
        "data": {"tag": "A"},
    }


def test_what_cannot_be_kept_and_whom_it_cannot_be_told_keep_it_from_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def mistaken(event: NumberedEvent) -> None:
        raise RuntimeError("a mistake")

    bus = EventBus(last=0, clock=lambda: 1000, keep=mistaken)
    told: list[int] = []
    bus.subscribe(mistaken)
    bus.subscribe(lambda event: told.append(event.number))
    tell(bus, "tag.changed", "tag.removed")
    assert told == [1, 2]
    assert caplog.text.count("RuntimeError: a mistake") == 4
