"""Messages that were confirmed, or refused, and could not be booked: what of them is not settled yet."""

from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from csmsd.profiles.record import Milliseconds

# More of one charge point are on disk only.
REMEMBERED = 200
LONGEST_PAYLOAD = 16_384  # characters; of longer ones only their beginning is worth the memory
NO_FIT = "no running transaction fits it"  # of a StopTransaction that may wait for its start


class Orphan(msgspec.Struct, frozen=True):
    """One of them, under its number on disk."""

    number: int
    received_at: Milliseconds
    action: str
    reason: str
    payload: str | None  # None where it is too long
    digest: int  # of the whole payload


class Orphans:
    """Those of one charge point that nobody has settled, the newest of them."""

    def __init__(self) -> None:
        self._open: OrderedDict[int, Orphan] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Orphan]:
        """Oldest first."""
        return iter(self._open.values())

    def add(self, number: int, received_at: Milliseconds, action: str, reason: str, payload: str) -> None:
        kept = payload if len(payload) <= LONGEST_PAYLOAD else None
        self._open[number] = Orphan(number, received_at, action, reason, kept, hash(payload))
        if len(self._open) > REMEMBERED:
            self._open.popitem(last=False)

    def settle(self, number: int) -> None:
        self._open.pop(number, None)

    def get(self, number: int) -> Orphan | None:
        return self._open.get(number)

    def repeated(self, action: str, payload: str) -> Orphan | None:
        """The one that is the same message, if it was sent before."""
        digest = hash(payload)
        found = (orphan for orphan in self._open.values() if orphan.digest == digest and orphan.action == action)
        return next(found, None)

    def stops(self) -> list[Orphan]:
        """StopTransactions that came before their start, perhaps."""
        return [
            orphan
            for orphan in self._open.values()
            if orphan.action == "StopTransaction" and orphan.reason == NO_FIT and orphan.payload is not None
        ]
