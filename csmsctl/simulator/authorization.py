"""May this idTag charge here? The authorization cache, and what holds while offline (C 3.5, 4.1)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import IdTagInfo
from csmsd.profiles.core.authorize import AuthorizeConf, AuthorizeReq

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint


class Authorization:
    """Asks the Central System, its list, or what it said last time."""

    def __init__(self, charge_point: "ChargePoint") -> None:
        self._charge_point = charge_point
        self._cache: dict[str, IdTagInfo] = {}

    def remember(self, id_tag: str, info: IdTagInfo) -> None:
        """Updates the cache with what a confirmation says (C 3.5.1)."""
        # C 3.5.3: what the Local Authorization List holds is not cached.
        if self._charge_point.configuration.boolean("AuthorizationCacheEnabled") and self._listed(id_tag) is None:
            self._cache[fold(id_tag)] = info

    def clear_cache(self) -> bool:
        """ClearCache (C 5.4); CE 3.23: impossible without a cache."""
        self._cache.clear()
        return self._charge_point.configuration.boolean("AuthorizationCacheEnabled")

    def ask(self, id_tag: str, then: Callable[[IdTagInfo], None]) -> None:
        """Calls `then` with the verdict, now or when the Central System has answered."""
        charge_point = self._charge_point
        listed = self._listed(id_tag)
        cached = self._cached(id_tag)
        if charge_point.may_send:
            if listed is not None and self._good(listed) and charge_point.configuration.boolean("LocalPreAuthorize"):
                then(self._verdict(id_tag, listed, "local_list"))
                return
            # C 3.5.3: a known good tag need not wait for the Central System.
            if cached is not None and charge_point.configuration.boolean("LocalPreAuthorize"):
                then(self._verdict(id_tag, cached, "cache"))
                return
            charge_point.call(
                AuthorizeReq(id_tag=id_tag),
                lambda confirmation: self._answered(id_tag, confirmation, then),
                lambda _: then(self._offline(id_tag)),
            )
        else:
            then(self._offline(id_tag))

    def _answered(self, id_tag: str, confirmation: AuthorizeConf, then: Callable[[IdTagInfo], None]) -> None:
        self.remember(id_tag, confirmation.id_tag_info)
        then(self._verdict(id_tag, confirmation.id_tag_info, "central_system"))

    def _cached(self, id_tag: str) -> IdTagInfo | None:
        info = self._cache.get(fold(id_tag))
        return info if info is not None and self._good(info) else None

    def _listed(self, id_tag: str) -> IdTagInfo | None:
        """The entry of the Local Authorization List, which goes before the cache (C 3.5.3)."""
        found = (profile.listed(id_tag) for profile in self._charge_point.profiles)
        return next((info for info in found if info is not None), None)

    def _good(self, info: IdTagInfo) -> bool:
        expiry = parse_timestamp(info.expiry_date) if info.expiry_date else None
        return info.status == "Accepted" and (expiry is None or expiry > self._charge_point.clock)

    def _offline(self, id_tag: str) -> IdTagInfo:
        """C 3.5.4: the cache, if allowed; then the rule for unknown tags."""
        configuration = self._charge_point.configuration
        listed = self._listed(id_tag)
        if listed is not None:
            # C 3.5.4: one that is listed and not good must be rejected, whatever else is allowed.
            if listed.status == "Accepted" and not self._good(listed):
                listed = IdTagInfo(status="Expired")
            elif listed.status == "Accepted" and not configuration.boolean("LocalAuthorizeOffline"):
                listed = IdTagInfo(status="Invalid")
            return self._verdict(id_tag, listed, "local_list")
        cached = self._cached(id_tag)
        if cached is not None and configuration.boolean("LocalAuthorizeOffline"):
            return self._verdict(id_tag, cached, "cache")
        known_as_bad = fold(id_tag) in self._cache and cached is None
        if configuration.boolean("AllowOfflineTxForUnknownId") and not known_as_bad:
            return self._verdict(id_tag, IdTagInfo(status="Accepted"), "offline")
        return self._verdict(id_tag, IdTagInfo(status="Invalid"), "offline")

    def _verdict(self, id_tag: str, info: IdTagInfo, source: str) -> IdTagInfo:
        self._charge_point.tell("authorized", id_tag=id_tag, status=info.status, source=source)
        return info
