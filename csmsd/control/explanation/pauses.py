"""When nothing flowed although a transaction ran, and which limit explains it. Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from csmsd.control.explanation.facts import Facts
from csmsd.control.explanation.in_words import span_in_words
from csmsd.control.explanation.limits import Limit, at
from csmsd.profiles.record import Milliseconds

AROUND_MS = 60_000  # clocks of charge points differ
# Many clocks have whole seconds: what is over within one was no pause.
_SHORTEST_MS = 1000


class Pause(msgspec.Struct, frozen=True):
    """A time in which nothing flowed, and the limit that explains it, if one does. `told_at` is that of its status."""

    told_at: Milliseconds
    begin: Milliseconds
    end: Milliseconds
    status: str
    limit: Limit | None


def pauses(facts: Facts, limits: list[Limit]) -> Iterator[Pause]:
    """From each Suspended to the next status, as far as the transaction ran."""
    for (begin, status), (end, _) in pairwise([*facts.statuses, (facts.end, "")]):
        begin_in, end_in = max(begin, facts.began), min(end, facts.end)
        if status.startswith("Suspended") and end_in - begin_in >= _SHORTEST_MS:
            limit = at(limits, begin, AROUND_MS) if status == "SuspendedEVSE" else None
            yield Pause(begin, begin_in, end_in, status, limit)


def pauses_told(facts: Facts, found: Sequence[Pause]) -> Iterator[str]:
    """In sentences: how long it was paused by whom, and why."""
    vehicle = [pause for pause in found if pause.status == "SuspendedEV"]
    if vehicle:
        text = f"The vehicle paused it for {_total(vehicle)} (SuspendedEV)"
        if found[-1] is vehicle[-1] and vehicle[-1].end == facts.end:
            soc = facts.soc_at(facts.end)
            text += ", up to its end" + (f"; its battery was at {soc:.0f} %" if soc is not None else "")
        yield text + "."
    by_limit: dict[str, list[Pause]] = {}
    unexplained = []
    for pause in found:
        if pause.status != "SuspendedEVSE":
            continue
        if pause.limit is not None and pause.limit.stops:
            by_limit.setdefault(pause.limit.text, []).append(pause)
        else:
            unexplained.append(pause)
    for text, under_it in by_limit.items():
        yield f"The charge point paused it for {_total(under_it)} (SuspendedEVSE): the limit was {text}."
    if unexplained:
        id_tag = facts.transaction.id_tag_status
        why = "it has a limit or a reason of its own"
        if id_tag != "Accepted":  # C 4.8: it gives no energy, or ends the transaction
            why = f"its idTag was {id_tag}, which is reason enough"
        yield (
            f"The charge point paused it for {_total(unexplained)} (SuspendedEVSE), and no limit from here "
            f"explains that: {why}."
        )


def _total(found: Sequence[Pause]) -> str:
    return span_in_words(sum(pause.end - pause.begin for pause in found))
