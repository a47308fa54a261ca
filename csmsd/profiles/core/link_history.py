"""How often a charge point has connected lately: one that cannot stay, and two that push each other out."""

from collections import deque
from typing import NamedTuple

from csmsd.profiles.record import Milliseconds

WINDOW_MS = 600_000
_TWINS = 3  # times that a connection which was alive was replaced
_FLAPS = 5  # connections
_REMEMBERED = 50


class _Connected(NamedTuple):
    at: Milliseconds
    address: str
    replaced: str | None  # the address of a connection that was alive, and whose place it took


class Twins(NamedTuple):
    """`times` that a connection took the place of a living one since `since`, from these addresses."""

    times: int
    since: Milliseconds
    addresses: list[str]


class LinkHistory:
    """The newest connections; nothing of it outlives csmsd, whose own end ends them all."""

    def __init__(self) -> None:
        self._connected: deque[_Connected] = deque(maxlen=_REMEMBERED)

    def note(self, now: Milliseconds, address: str, replaced: str | None) -> None:
        """A connection began; `replaced` is the address of the one whose place it took, if that was alive."""
        self._connected.append(_Connected(now, address, replaced))

    def _lately(self, now: Milliseconds) -> list[_Connected]:
        return [one for one in self._connected if now - one.at < WINDOW_MS]

    def twins(self, now: Milliseconds) -> Twins | None:
        """Whether living connections are replaced again and again: two devices have the same identity."""
        found = [one for one in self._lately(now) if one.replaced is not None]
        if len(found) < _TWINS:
            return None
        addresses = dict.fromkeys(address for one in found for address in (str(one.replaced), one.address))
        return Twins(len(found), found[0].at, list(addresses))

    def flaps(self, now: Milliseconds) -> tuple[int, Milliseconds] | None:
        """How often it connected, and since when, if that was too often for a link that works."""
        found = self._lately(now)
        return (len(found), found[0].at) if len(found) >= _FLAPS else None
