"""What becomes of an update or an upload after its command, by the same rules for both."""

from collections.abc import Sequence

from csmsd.profiles.action import Context, Observation
from csmsd.profiles.firmware_management.followed import Book, F, Followed
from csmsd.profiles.record import Change, Event, Milliseconds


def superseded_outcome(book: Book[F], record: F, now: Milliseconds) -> tuple[Sequence[Change], list[Event]]:
    """The newest command counts: what was under way before at the same charge point is reported no more."""
    earlier = book.open_before(record)
    for one in earlier:
        one.state = "superseded"
        one.changed_at = now
        one.error = f"{one.word} {record.id} took its place"
    return earlier, [one.event() for one in earlier]


def under_way_without_outcome(book: Book[F], charge_point: str) -> F | None:
    """The one that speaks against another command, since a charge point does one after the other."""
    current = book.current(charge_point)
    return None if current is None or current.ended else current


def reported_outcome(book: Book[F], status: str, at: Context, timeout: int) -> tuple[list[Change], list[Event]] | None:
    """Takes a status for the one that reports are about; None when it is about none of ours. `timeout` in seconds."""
    current = book.current(at.charge_point.id)
    if current is None:
        return None
    current.report(status, at.now, timeout * 1000)
    return [current], [current.event()]


def observed_outcome(record: Followed | None, *, there: bool, failed: str | None = None) -> Observation:
    """Whether its effect is `there`; otherwise why it will not come any more, once it has ended."""
    if record is None:
        return Observation("unknown", failed="csmsd does not know any more what became of it")
    if there:
        failed = None
    elif failed is None and record.ended:
        failed = record.state.replace("_", " ")
    return Observation(record.state, reached=there, failed=failed, silent=record.state == "unknown", record=record)
