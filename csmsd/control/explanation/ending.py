"""How a transaction ended, or what is known of whether it has. Pure: facts in, sentences out."""

from collections.abc import Iterator

from csmsd.control.explanation.commands import Cause
from csmsd.control.explanation.facts import Facts
from csmsd.control.explanation.in_words import REASONS, span_in_words, who_in_words
from csmsd.ocpp.identity import fold
from csmsd.profiles.record import Milliseconds

_BY_FORCE = ("EmergencyStop", "PowerLoss")  # these no command brings about


def ending(facts: Facts, stop: Cause | None) -> Iterator[str]:
    """In sentences, with what is to be done where nothing will happen by itself."""
    transaction = facts.transaction
    match transaction.state:
        case "active":
            yield from _running(facts)
        case "abandoned":
            gone = "charge_point_removed" in transaction.flags
            why = "its charge point was removed" if gone else "another one began on its connector"
            yield f"It was never stopped, and {why}; it counts up to its last reading."
            yield _close(facts)
        case "closed":
            yield f"It was never stopped by its charge point; its books were {transaction.note or 'closed'}."
            yield from _counted(facts)
        case "stopped":
            yield _ended(facts, stop)


def _counted(facts: Facts) -> Iterator[str]:
    """Where it cannot have gone on until its books were closed, these are longer than it was."""
    closed = facts.transaction.stop_time
    if closed is not None and span_in_words(closed - facts.lasts_from) != span_in_words(facts.end - facts.lasts_from):
        yield (
            f"Another one began on its connector before: in lists and reports it lasts until it was closed, "
            f"{span_in_words(closed - facts.lasts_from)}."
        )


def _running(facts: Facts) -> Iterator[str]:
    """`still` only as far as anybody knows."""
    if facts.free_since is not None:
        free = span_in_words(facts.now - facts.free_since)
        yield (
            f"It was never stopped, and its connector has been Available for {free}: "
            "it is over, unless the charge point has the stop yet to tell."
        )
        yield _close(facts)
        return
    if not facts.connected:
        heard = facts.heard_at if facts.heard_at is not None else facts.began
        ago = span_in_words(facts.now - heard)
        yield f"It was running {ago} ago; whether it still is, is not known: its charge point is offline."
    elif (booted := _booted_without_word(facts)) is not None:
        ago = span_in_words(facts.now - booted)
        yield f"Whether it still runs is not known: its charge point booted {ago} ago and has not spoken of it since."
    else:
        yield "It is still running."


def _booted_without_word(facts: Facts) -> Milliseconds | None:
    """When its charge point went down under it, and neither a reading nor a status has shown it since."""
    boots = [event.time for event in facts.events if event.type == "charge_point.booted" and event.time > facts.began]
    signs = [reading.time for reading in facts.measured] + [time for time, _ in facts.statuses]
    return boots[-1] if boots and max(signs, default=0) < boots[-1] else None


def _close(facts: Facts) -> str:
    return f"Close its books with: csmsctl tx close {facts.transaction.id} --reason TEXT"


def _ended(facts: Facts, stop: Cause | None) -> str:
    transaction = facts.transaction
    reason = transaction.stop_reason or "Local"
    meaning = REASONS.get(reason, "the charge point gave a reason of its own")
    if stop is not None and stop.told:
        return f"It ended because {meaning} by {who_in_words(stop.task)} ({reason}, task {stop.task.id})."
    if stop is not None:
        who = who_in_words(stop.task)
        asked = f"{span_in_words(stop.before_ms)} after {who} asked for {stop.task.action} (task {stop.task.id})"
        if reason in _BY_FORCE:
            return f"It ended because {meaning} ({reason}), {asked}."
        # C 4.10: an absent reason means Local, so that one says little.
        gave = "no reason, or Local" if reason == "Local" else f"the reason {reason} ({meaning})"
        return f"It ended {asked}, most likely by that, although the charge point gave {gave}."
    if reason == "Remote":
        how = ", but not by a command that is on record here"
    elif reason == "Local" and transaction.stop_id_tag:
        same = fold(transaction.stop_id_tag) == fold(transaction.id_tag)
        how = f" with {'the same idTag' if same else f'idTag {transaction.stop_id_tag}'}"
    else:
        how = ""
    return f"It ended because {meaning}{how} ({reason})."
