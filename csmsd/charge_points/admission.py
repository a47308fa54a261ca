"""Charge points that nobody registered: refused, or let in as the settings say."""

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from csmsd.live_site import LiveSite
from csmsd.ports.store import NotStored, PastTransactions
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.record import Change, Event
from csmsd.runtime.gate import origin_of

log = logging.getLogger(__name__)

# Identities cost nothing: nobody fills the books with them. Operators register as many as they like.
MOST_CHARGE_POINTS = 10_000  # while there are so many, none is let in by policy
MOST_AT_ADDRESS = 1_000  # let in by policy since the start

Policy = Literal["reject", "accept", "pending"]


class Admission:
    """Looks identities up, and deals with those that are not there."""

    def __init__(self, live: LiveSite, past: PastTransactions) -> None:
        self._live = live
        self._past = past
        self._let_in: Counter[str] = Counter()  # by where they came from

    def known(self, identity: str) -> ChargePointState | None:
        return self._live.site.charge_point(identity)

    def all_known(self) -> Iterable[ChargePointState]:
        return self._live.site.charge_points.values()

    async def admit(self, identity: str, policy: Policy, address: str = "unknown") -> ChargePointState | None:
        """The state under which it is let in, or None when it is to be refused."""
        origin = origin_of(address)
        met = self.known(identity)  # by another connection, a moment ago
        if met is not None:
            return met
        if policy == "reject" or not self._live.accepting:
            return None
        if len(self._live.site.charge_points) >= MOST_CHARGE_POINTS or self._let_in[origin] >= MOST_AT_ADDRESS:
            return None
        self._let_in[origin] += 1
        try:
            history = await self._past.history(identity)
        except NotStored:
            return None
        met = self.known(identity)
        if met is not None or not self._live.accepting:
            return met
        now = self._live.now()
        record = ChargePoint(
            id=identity, registration="Accepted" if policy == "accept" else "Pending", registered_at=now
        )
        site = self._live.site
        changes: list[Change] = [record, *site.refused.forget(identity)]
        site.add_charge_point(record, history)
        told = Event("charge_point.registered", identity, {"registration": record.registration, "by": "policy"})
        try:
            await self._live.keep(changes, [told])
        except NotStored as error:
            log.error("%s could not be registered: %s", identity, error)
            return None
        return self._live.site.charge_point(identity)
