"""Who was not there while a transaction ran: csmsd, or the charge point. Pure."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from csmsd.control.explanation.facts import Facts
from csmsd.profiles.record import Milliseconds

# Charge points look for csmsd now and then: one that is back so soon after it was not the one that was away.
_RETURN_MS = 300_000


class Absence(NamedTuple):
    """From `begin` to `end`, as far as the transaction ran."""

    begin: Milliseconds
    end: Milliseconds
    whose: Literal["csmsd", "charge point"]

    @property
    def length(self) -> Milliseconds:
        return self.end - self.begin


def absences(facts: Facts) -> list[Absence]:
    """In the order of time. While csmsd itself was down, and the charge point found it again, nobody knows more."""
    downs = [(begin, _returned(facts, end)) for begin, end in facts.downs]
    found = [Absence(begin, end, "csmsd") for begin, end in downs]
    found += [
        Absence(begin, end, "charge point") for lost in _without_connection(facts) for begin, end in _less(lost, downs)
    ]
    began, end = facts.transaction.began, facts.heard_end
    inside = (Absence(max(absence.begin, began), min(absence.end, end), absence.whose) for absence in found)
    return sorted(absence for absence in inside if absence.length > 0)


def _returned(facts: Facts, started: Milliseconds) -> Milliseconds:
    """When the charge point was back after csmsd was started."""
    for event in facts.events:
        if event.type == "charge_point.connected" and started <= event.time <= started + _RETURN_MS:
            return event.time
    return started


def _without_connection(facts: Facts) -> Iterator[tuple[Milliseconds, Milliseconds]]:
    lost: Milliseconds | None = None
    starts = {end for _, end in facts.downs}
    for event in facts.events:
        if event.type == "charge_point.disconnected" or (event.type == "daemon.started" and event.time in starts):
            lost = event.time if lost is None else lost
        elif event.type == "charge_point.connected" and lost is not None:
            yield lost, event.time
            lost = None
    if lost is not None:
        yield lost, facts.end


def _less(
    span: tuple[Milliseconds, Milliseconds], others: Sequence[tuple[Milliseconds, Milliseconds]]
) -> Iterator[tuple[Milliseconds, Milliseconds]]:
    """What of a span lies in none of the others, which are in order."""
    begin, end = span
    for other_begin, other_end in others:
        if other_end <= begin or other_begin >= end:
            continue
        if begin < other_begin:
            yield begin, other_begin
        begin = max(begin, other_end)
    if begin < end:
        yield begin, end
