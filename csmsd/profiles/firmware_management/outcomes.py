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


def reported_outcome(
    record: Followed | None, status: str, at: Context, timeout: int
) -> tuple[list[Change], list[Event]] | None:
    """Takes a status for the one that it is about; None when it is about none of ours. `timeout` in seconds."""
    if record is None:
        return None
    record.report(status, at.now, timeout * 1000)
    return [record], [record.event()]


def reported_update(update: Followed | None, status: str, at: Context) -> tuple[list[Change], list[Event]]:
    """What a status of an update changes; without an update of ours it is news all the same."""
    taken = reported_outcome(update, status, at, at.site.policies.firmware_timeout)
    if taken is not None:
        return taken
    news: dict[str, object] = {"update": None, "state": None, "status": status[:50], "file": None}
    return [], [Event("firmware.status", at.charge_point.id, news)]


def reported_upload(upload: Followed | None, status: str, at: Context) -> tuple[list[Change], list[Event]]:
    """The same of an upload."""
    taken = reported_outcome(upload, status, at, at.site.policies.diagnostics_timeout)
    if taken is not None:
        return taken
    news: dict[str, object] = {"upload": None, "kind": None, "state": None, "status": status[:50]}
    return [], [Event("diagnostics.status", at.charge_point.id, news)]


def observed_outcome(record: Followed | None, *, there: bool, failed: str | None = None) -> Observation:
    """Whether its effect is `there`; otherwise why it will not come any more, once it has ended."""
    if record is None:
        return Observation("unknown", failed="csmsd does not know any more what became of it")
    if there:
        failed = None
    elif failed is None and record.ended:
        failed = record.state.replace("_", " ")
    return Observation(record.state, reached=there, failed=failed, silent=record.state == "unknown", record=record)
