"""Raising a charge point's security profile (whitepaper A05): a record that ends with its first connection.

Before it is asked to use it, a charge point is given what it needs (`preparing`); where csmsd ends meanwhile, it comes
in as before, and the attempt is `interrupted`. From then on, until a connection shows which profile it uses, both are
admitted, however long that takes: nobody is locked out because csmsd was away, or an answer was lost. `expired` is
said loudly, and decided by the next connection all the same.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.own_ids import OwnIds
from csmsd.profiles.record import Data, Event, Milliseconds, Record

UpgradeState = Literal["preparing", "interrupted", "asked", "accepted", "confirmed", "fell_back", "expired", "refused"]
UNDECIDED = frozenset({"asked", "accepted", "expired"})
DECIDED = frozenset({"confirmed", "fell_back", "refused", "interrupted"})


class SecurityUpgrade(Record, kw_only=True, gc=False):
    """One attempt. It is kept before the charge point is sent anything."""

    table: ClassVar[str] = "security_upgrade"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    charge_point: str
    from_profile: int
    to_profile: int
    state: UpgradeState = "preparing"
    created_at: Milliseconds
    changed_at: Milliseconds
    expires_at: Milliseconds
    user: str | None = None
    reason: str | None = None
    earlier: list[int] = []  # profiles that it was asked to use before, fell back from, and may use all the same

    @property
    def open(self) -> bool:
        """Whether a connection is to decide it."""
        return self.state in UNDECIDED

    @property
    def admitted(self) -> frozenset[int]:
        """The profiles that are admitted besides the one that is registered.

        Also where it fell back: who came with the old one, which asks for less, may have been somebody else, and the
        charge point have changed long since.
        """
        return frozenset((self.to_profile, *self.earlier) if self.open or self.state == "fell_back" else ())

    def move(self, state: UpgradeState, now: Milliseconds, reason: str | None = None) -> Event:
        """It is so from now on; the news of it."""
        self.state, self.changed_at, self.reason = state, now, reason
        return self.news()

    def described(self) -> Data:
        """As events and listings show it."""
        return {
            "id": self.id,
            "charge_point": self.charge_point,
            "from_profile": self.from_profile,
            "to_profile": self.to_profile,
            "state": self.state,
            "created_at": format_timestamp(self.created_at),
            "changed_at": format_timestamp(self.changed_at),
            "expires_at": format_timestamp(self.expires_at),
            "user": self.user,
            "reason": self.reason,
        }

    def news(self) -> Event:
        return Event("security.upgrade", self.charge_point, self.described())


class SecurityUpgrades(OwnIds):
    """The newest of each charge point."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: dict[str, SecurityUpgrade] = {}

    def put(self, upgrade: SecurityUpgrade) -> None:
        self._newest[fold(upgrade.charge_point)] = upgrade

    def of(self, charge_point: str) -> SecurityUpgrade | None:
        return self._newest.get(fold(charge_point))

    def removed(self, charge_point: str) -> None:
        """The charge point is none of the site any more; what was tried stays on disk."""
        self._newest.pop(fold(charge_point), None)

    def __iter__(self) -> Iterator[SecurityUpgrade]:
        return iter(list(self._newest.values()))
