"""What follows from events, by the rules that slices declare as `OBSERVES`."""

from collections.abc import Iterable

from csmsd.profiles import observers
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.site import Site


def observed(events: Iterable[Event], site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """What follows from events by the rules of other slices, and what follows from that.

    Raises RuntimeError when rules bring each other about without an end: that is a mistake in them.
    """
    known = observers()
    changes: list[Change] = []
    more: list[Event] = []
    for _ in range(len(known) + 1):  # no chain of rules without a circle is longer
        following: list[Event] = []
        for event in events:
            for observer in known.get(event.type, ()):
                found, told = observer.observe(event, site, now)
                changes += found
                following += told
        if not following:
            return changes, more
        more += following
        events = following
    raise RuntimeError(f"{events} follow from themselves")
