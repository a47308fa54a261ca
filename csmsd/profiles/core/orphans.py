"""Messages that were confirmed, or refused, and could not be booked: what of them is not settled yet.

Nobody evicts anybody: what is on the list stays on it until it is settled. A message for which there is no room is not
confirmed, so that it comes again (C 3.7).
"""

from collections import Counter
from collections.abc import Iterator

import msgspec

from csmsd.profiles.record import Milliseconds

# Of one action and one charge point, and of all charge points at one address. Readings do not take the room of stops.
MOST = 1_000
MOST_BYTES = 16 * 1024 * 1024
MOST_AT_ADDRESS = 10_000
MOST_BYTES_AT_ADDRESS = 128 * 1024 * 1024

# A stop that may wait for its start is booked from memory; what does not go in there is for the operator to settle.
LONGEST_PAYLOAD = 16_384  # characters
MOST_IN_MEMORY = 128 * 1024  # characters, of one charge point
NO_FIT = "no running transaction fits it"  # of a StopTransaction that may wait for its start
FAILED = "csms failed to handle it"  # which is a mistake in it; the message comes again, but not for ever


class Orphan(msgspec.Struct, frozen=True):
    """One of them, under its number on disk."""

    number: int
    received_at: Milliseconds
    action: str
    reason: str
    payload: str | None  # None where it can wait for nothing, or there was no room
    digest: int  # of the whole payload
    size: int  # bytes of it


class Held:
    """How much there is, by action."""

    __slots__ = ("__weakref__", "_bytes", "_rows")

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def add(self, action: str, rows: int, size: int) -> None:
        self._rows[action] += rows
        self._bytes[action] += size

    def has_room(self, action: str, size: int, rows: int, most_bytes: int) -> bool:
        """Whether one more of that size stays below so many rows and bytes."""
        return self._rows[action] < rows and self._bytes[action] + size <= most_bytes


class Orphans:
    """Those of one charge point that nobody has settled."""

    def __init__(self) -> None:
        self._open: dict[int, Orphan] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._held = Held()
        self._at_address = Held()  # with those of others that come from there
        self._in_memory = 0
        self.failed: set[int] = set()  # numbers of those that csms failed to handle
        self.turned_away: tuple[Milliseconds, str, int] | None = None  # (when, action, bytes) of what had no room last

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Orphan]:
        """Oldest first."""
        return iter(self._open.values())

    def count_with(self, at_address: Held) -> None:
        """Has these count with those of others."""
        if at_address is self._at_address:
            return
        for orphan in self:
            self._at_address.add(orphan.action, -1, -orphan.size)
            at_address.add(orphan.action, 1, orphan.size)
        self._at_address = at_address

    def has_room(self, action: str, size: int) -> bool:
        """Whether one more message of so many bytes can be kept."""
        own = self._held.has_room(action, size, MOST, MOST_BYTES)
        return own and self._at_address.has_room(action, size, MOST_AT_ADDRESS, MOST_BYTES_AT_ADDRESS)

    @property
    def full_since(self) -> tuple[Milliseconds, str] | None:
        """(when, action) of the last message that had no room, while it would have none now."""
        if self.turned_away is None:
            return None
        when, action, size = self.turned_away
        return None if self.has_room(action, size) else (when, action)

    def add(self, number: int, received_at: Milliseconds, action: str, reason: str, payload: str) -> None:
        """Takes what is kept, whether or not there is room: `has_room` is asked before."""
        size = size_of_orphan(payload)
        part = payload.startswith('"')  # of a message: the text of its frame
        waits = action == "StopTransaction" and (reason == NO_FIT or part) and len(payload) <= LONGEST_PAYLOAD
        kept = payload if waits and self._in_memory + len(payload) <= MOST_IN_MEMORY else None
        orphan = Orphan(number, received_at, action, reason, kept, hash(payload), size)
        self._open[number] = orphan
        self._numbers[action, orphan.digest] = number
        if reason == FAILED:
            self.failed.add(number)
        self._in_memory += len(kept or "")
        for held in (self._held, self._at_address):
            held.add(action, 1, size)

    def settle(self, number: int) -> None:
        orphan = self._open.pop(number, None)
        if orphan is None:
            return
        self.failed.discard(number)
        if self._numbers.get((orphan.action, orphan.digest)) == number:
            del self._numbers[orphan.action, orphan.digest]
        self._in_memory -= len(orphan.payload or "")
        for held in (self._held, self._at_address):
            held.add(orphan.action, -1, -orphan.size)

    def repeated(self, action: str, payload: str) -> Orphan | None:
        """The one that is the same message, if it was sent before."""
        number = self._numbers.get((action, hash(payload)))
        return None if number is None else self._open[number]

    def stops(self) -> list[Orphan]:
        """StopTransactions that came before their start, perhaps."""
        return [orphan for orphan in self._open.values() if orphan.payload is not None and orphan.reason == NO_FIT]

    def parts(self) -> list[Orphan]:
        """StopTransactions that were cut off, or damaged otherwise: they may come whole."""
        return [
            orphan
            for orphan in self._open.values()
            if orphan.payload is not None and orphan.reason not in (NO_FIT, FAILED)
        ]


def size_of_orphan(payload: str) -> int:
    """Bytes that a payload takes on disk."""
    return len(payload) if payload.isascii() else len(payload.encode(errors="surrogatepass"))
