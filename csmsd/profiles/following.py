"""What follows from events, by the rules that slices declare as `CONSEQUENCES`."""

from collections.abc import Sequence

from csmsd.ocpp.types import Message
from csmsd.profiles import consequences
from csmsd.profiles.action import Reply
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.site import Site


def with_what_follows(reply: Reply[Message], site: Site, now: Milliseconds) -> Reply[Message]:
    """A reply with all that follows from its events."""
    if not reply.events:
        return reply
    changes, events = what_follows(reply.events, site, now)
    if not changes and not events:  # nearly always
        return reply
    return Reply(reply.confirmation, reply.changes + changes, reply.events + events, reply.later)


def what_follows(events: Sequence[Event], site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """What follows from events by the rules of other slices, and what follows from that.

    Raises RuntimeError when rules bring each other about without an end: that is a mistake in them.
    """
    known = consequences()
    for event in events:
        if event.type in known:
            break
    else:  # nearly always
        return [], []
    changes: list[Change] = []
    more: list[Event] = []
    for _ in range(len(known) + 1):  # no chain of rules without a circle is longer
        following: list[Event] = []
        for event in events:
            for rule in known.get(event.type, ()):
                found, told = rule.follow(event, site, now)
                changes += found
                following += told
        if not following:
            return changes, more
        more += following
        events = following
    raise RuntimeError(f"{events} follow from themselves")
