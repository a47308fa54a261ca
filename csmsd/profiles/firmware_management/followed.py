"""What is followed after its command was answered: the charge point reports states for hours, or falls silent.

Three facts are kept apart: what the charge point says (`state`, `reported`), what arrived at or left our own host, and
for firmware the version that it boots with.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Generic, TypeVar

from csmsd.ocpp.identity import fold
from csmsd.profiles.record import Change, Event, Milliseconds, Record

MAX_KEPT_TEXT = 255
_REMEMBERED = 5  # of each charge point, besides those that are not over

# What never reached the charge point, was refused by it, or ended with its registration: reports are about something
# else.
NOT_REPORTED_ON = frozenset({"not_sent", "refused", "cancelled"})
# What is certain when there was no confirmation. After a timeout the charge point may be at it all the same.
_CERTAIN = {"call_error": "refused", "not_connected": "not_sent", "not_sent": "not_sent"}


class Followed(Record, kw_only=True, gc=False):
    """What the records of updates and uploads have in common; `id` is the number of their task."""

    word: ClassVar[str]  # for people

    id: int
    charge_point: str
    created_at: Milliseconds
    changed_at: Milliseconds
    deadline_at: Milliseconds  # silence until then makes it `unknown`
    location: str  # credentials and tokens masked
    token_hash: str | None = None  # of the token in the URL, when csmsd hosts the file
    state: str = "requested"
    reported: str | None = None  # the charge point's last word
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more is waited for. A late report is taken all the same."""
        raise NotImplementedError

    @property
    def token_dead(self) -> bool:
        """Whether its URL is of no use any more, whatever the time."""
        return self.state in NOT_REPORTED_ON or self.state == "superseded"

    def overdue(self, now: Milliseconds) -> bool:
        return not self.ended and self.deadline_at <= now

    def report(self, status: str, now: Milliseconds, timeout: Milliseconds) -> None:
        """Takes what the charge point says."""
        raise NotImplementedError

    def event(self, **more: object) -> Event:
        raise NotImplementedError


F = TypeVar("F", bound=Followed)


class Book(Generic[F]):
    """The newest records of each charge point, and all that are not over."""

    def __init__(self) -> None:
        self._by_id: dict[int, F] = {}
        self._by_charge_point: dict[str, list[F]] = {}
        self._by_token: dict[str, F] = {}

    def add(self, record: F) -> None:
        self._by_id[record.id] = record
        own = self._by_charge_point.setdefault(fold(record.charge_point), [])
        # A queued command that could not be sent after all begins anew under its number.
        own[:] = [known for known in own if known.id != record.id]
        own.append(record)
        own.sort(key=lambda known: known.id)
        if record.token_hash is not None:
            self._by_token[record.token_hash] = record
        for old in own[:-_REMEMBERED]:
            if old.ended and not self.must_stay(old):
                self.forget(old)

    def must_stay(self, record: F) -> bool:
        """Whether a record that is over is looked for all the same."""
        return False

    def forget(self, record: F) -> None:
        self._by_id.pop(record.id, None)
        own = self._by_charge_point[fold(record.charge_point)]
        own.remove(record)
        if record.token_hash is not None:
            self._by_token.pop(record.token_hash, None)

    def get(self, number: int | None) -> F | None:
        return self._by_id.get(number) if number is not None else None

    def of_token(self, token_hash: str) -> F | None:
        return self._by_token.get(token_hash)

    def of_charge_point(self, identity: str) -> Sequence[F]:
        """The oldest first."""
        return self._by_charge_point.get(fold(identity), ())

    def with_token(self) -> Iterator[F]:
        """Those whose file csmsd hosts, or hosted."""
        return iter(list(self._by_token.values()))

    def newest(self, identity: str) -> F | None:
        own = self.of_charge_point(identity)
        return own[-1] if own else None

    def current(self, identity: str) -> F | None:
        """The one that reports of that charge point are about."""
        own = self.of_charge_point(identity)
        return next((record for record in reversed(own) if record.state not in NOT_REPORTED_ON), None)

    def unconfirmed(self, number: int | None, outcome: str, now: Milliseconds) -> tuple[list[Change], list[Event]]:
        """Takes the outcome of a command that was not confirmed."""
        record = self.get(number)
        if record is None or record.reported is not None or outcome not in _CERTAIN:
            return [], []
        record.state, record.changed_at = _CERTAIN[outcome], now
        return [record], [record.event()]

    def end_for(self, identity: str, reason: str, now: Milliseconds) -> list[F]:
        """Ends what is not over for a charge point, and takes back all its tokens; what changed."""
        changed = []
        for record in self.of_charge_point(identity):
            if record.ended and (record.token_hash is None or record.token_dead):
                continue
            if not record.ended:
                record.state, record.error, record.changed_at = "cancelled", reason, now
            if record.token_hash is not None:
                self._by_token.pop(record.token_hash, None)
                record.token_hash = None
            changed.append(record)
        return changed

    def open_before(self, record: F) -> list[F]:
        """Earlier ones of the same charge point that are not over."""
        own = self.of_charge_point(record.charge_point)
        return [earlier for earlier in own if earlier.id < record.id and not earlier.ended]

    def __iter__(self) -> Iterator[F]:
        return iter(list(self._by_id.values()))
