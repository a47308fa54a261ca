"""Which records of the store are meant, and a listing of them."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

import msgspec

from csmsd.profiles.record import Milliseconds


class Places(msgspec.Struct):
    """Whose records are meant: those of these identities, and of those that match a glob."""

    identities: list[str] = []
    globs: list[str] = []

    def has(self, identity: str) -> bool:
        """Whether its records are among them."""
        folded = identity.casefold()
        return folded in {known.casefold() for known in self.identities} or any(
            fnmatchcase(folded, glob.casefold()) for glob in self.globs
        )


T = TypeVar("T")


class Torn(msgspec.Struct, frozen=True):
    """A part of the log of messages that cannot be read: numbers and times of its first and its last message."""

    first: int
    last: int
    since: Milliseconds
    until: Milliseconds


class Rows(list[T]):
    """What a listing found; with `more` the rest was left out, since these have become long."""

    more = False
    torn: Sequence[Torn] = ()


class TransactionFilter(msgspec.Struct, kw_only=True):
    """Which transactions are meant; `since` and `until` are about the start. None does not count, limit 0 is all."""

    charge_point: str | None = None
    tag: str | None = None
    state: str | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    stopped_since: Milliseconds | None = None
    stopped_until: Milliseconds | None = None
    places: Places | None = None
    before_id: int | None = None
    limit: int = 100


class TaskFilter(msgspec.Struct, kw_only=True):
    """Which tasks are meant. None does not count, limit 0 is all; with `most_text` characters no more are read."""

    charge_point: str | None = None
    action: str | None = None
    outcome: str | None = None
    state: str | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    places: Places | None = None
    before_id: int | None = None
    limit: int = 100
    most_text: int = 0


class AuditFilter(msgspec.Struct, kw_only=True):
    """What of the audit is meant. None does not count, limit 0 is all; with `most_text` characters no more are read."""

    user: str | None = None
    refused: bool | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    before_id: int | None = None
    limit: int = 100
    most_text: int = 0


class ReservationFilter(msgspec.Struct, kw_only=True):
    """Which reservations are meant. None does not count, limit 0 is all."""

    charge_point: str | None = None
    tag: str | None = None
    state: str | None = None
    number: int | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    places: Places | None = None
    limit: int = 100
    offset: int = 0


class OrphanFilter(msgspec.Struct, kw_only=True):
    """Which messages that could not be booked are meant, by when they came. None does not count, limit 0 is all;
    with `most_text` characters no more are read.
    """

    numbers: Sequence[int] | None = None
    charge_point: str | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    settled: bool = True  # those that are settled as well
    places: Places | None = None
    before_id: int | None = None
    limit: int = 0
    most_text: int = 0


class CertificateFilter(msgspec.Struct, kw_only=True):
    """Which certificates are meant, by when they were asked for. None does not count, limit 0 is all."""

    kind: str | None = None
    state: str | None = None
    number: int | None = None
    fingerprint: str | None = None
    serial: str | None = None
    expiring: Milliseconds | None = None  # those in use, or to be, that are good until then at the most
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    places: Places | None = None
    before_id: int | None = None
    limit: int = 100
    most_text: int = 0


class SecurityEventFilter(msgspec.Struct, kw_only=True):
    """Which security events are meant, by when they came last. None does not count, limit 0 is all."""

    types: Sequence[str] | None = None
    source: str | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    places: Places | None = None
    before_id: int | None = None
    limit: int = 100
    most_text: int = 0
