"""Cards that were held to a reader and that nobody has added: `csmsctl tag unknown` names the last ones."""

from collections.abc import Iterator

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.profiles.record import Milliseconds

MOST = 100


class UnknownCard(msgspec.Struct):
    """An idTag that is not known here: where it was held last and when, how often, and what it was answered."""

    id_tag: str
    charge_point: str
    last_at: Milliseconds
    status: str
    attempts: int = 0


class UnknownCards:
    """The last ones, in memory only: they are of use to whoever stands there with the card."""

    def __init__(self) -> None:
        self._cards: dict[str, UnknownCard] = {}

    def __iter__(self) -> Iterator[UnknownCard]:
        """The one that was held last comes first."""
        return iter([*self._cards.values()][::-1])

    def held(self, id_tag: str, charge_point: str, now: Milliseconds, status: str) -> None:
        """One was held to a reader."""
        before = self._cards.pop(fold(id_tag), None)
        attempts = before.attempts + 1 if before is not None else 1
        self._cards[fold(id_tag)] = UnknownCard(id_tag, charge_point, now, status, attempts)
        if len(self._cards) > MOST:
            del self._cards[next(iter(self._cards))]
