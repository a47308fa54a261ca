"""Charge points that nobody registered: refused and listed, or let in as the settings say."""

import logging
from typing import Literal

from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import fold
from csmsd.ports import NotStored
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState, UnknownChargePoint
from csmsd.profiles.record import Change, Deleted, Event

log = logging.getLogger(__name__)

MAX_REMEMBERED = 1000
_SAVE_EVERY_MS = 60_000

Policy = Literal["reject", "accept", "pending"]


class Admission:
    """Looks identities up, and deals with those that are not there."""

    def __init__(self, live: LiveSite) -> None:
        self._live = live
        self._saved_at: dict[str, int] = {}

    def known(self, identity: str) -> ChargePointState | None:
        return self._live.site.charge_point(identity)

    async def admit(self, identity: str, address: str, policy: Policy) -> ChargePointState | None:
        """The state under which it is let in, or None when it is refused; either way it is on record."""
        met = self.known(identity)  # by another connection, a moment ago
        if met is not None:
            return met
        if policy == "reject" or not self._live.accepting:
            self._note(identity, address)
            return None
        now = self._live.now()
        record = ChargePoint(
            id=identity, registration="Accepted" if policy == "accept" else "Pending", registered_at=now
        )
        changes: list[Change] = [record]
        site = self._live.site
        known = site.unknown_charge_points.pop(fold(identity), None)
        if known is not None:
            changes.append(Deleted(known))
        site.charge_points[fold(identity)] = ChargePointState(record)
        told = Event("charge_point.registered", identity, {"registration": record.registration, "by": "policy"})
        try:
            await self._live.keep(changes, [told])
        except NotStored as error:
            log.error("%s could not be registered: %s", identity, error)
            return None
        return self._live.site.charge_point(identity)

    def _note(self, identity: str, address: str) -> None:
        now = self._live.now()
        unknown = self._live.site.unknown_charge_points
        knocking = unknown.get(fold(identity))
        if knocking is None:
            if len(unknown) >= MAX_REMEMBERED:
                oldest = min(unknown.values(), key=lambda known: known.last_at)
                del unknown[fold(oldest.id)]
                self._saved_at.pop(fold(oldest.id), None)
                self._keep([Deleted(oldest)])
            knocking = UnknownChargePoint(id=identity, address=address, first_at=now, last_at=0)
            unknown[fold(identity)] = knocking
            log.warning(
                "%s: refused: %s is not registered; to let it in: csmsctl cp accept %s", address, identity, identity
            )
        knocking.attempts += 1
        knocking.address = address
        knocking.last_at = now
        if now - self._saved_at.get(fold(identity), 0) >= _SAVE_EVERY_MS:
            self._saved_at[fold(identity)] = now
            self._keep([knocking])
            # It was refused, whether or not that can be stored.
            self._live.tell(
                Event("charge_point.refused", identity, {"address": address, "attempts": knocking.attempts})
            )

    def _keep(self, changes: list[Change]) -> None:
        if self._live.accepting:
            self._live.submit(changes, [], lambda error: None)
