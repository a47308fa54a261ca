"""May this idTag charge here? The authorization cache, and what holds while offline (C 3.5, 4.1)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from csmsd.ocpp.timestamps import parse_time
from csmsd.ocpp.types import IdTagInfo
from csmsd.profiles.core.authorize import AuthorizeConf, AuthorizeReq

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint


class Authorization:
    """Asks the Central System, or what it said last time."""

    def __init__(self, charge_point: "ChargePoint") -> None:
        self._charge_point = charge_point
        self._cache: dict[str, IdTagInfo] = {}

    def remember(self, id_tag: str, info: IdTagInfo) -> None:
        """Updates the cache with what a confirmation says (C 3.5.1)."""
        if self._charge_point.configuration.boolean("AuthorizationCacheEnabled"):
            self._cache[id_tag.casefold()] = info

    def clear_cache(self) -> bool:
        """ClearCache (C 5.4); CE 3.23: impossible without a cache."""
        self._cache.clear()
        return self._charge_point.configuration.boolean("AuthorizationCacheEnabled")

    def ask(self, id_tag: str, then: Callable[[IdTagInfo], None]) -> None:
        """Calls `then` with the verdict, now or when the Central System has answered."""
        charge_point = self._charge_point
        cached = self._cached(id_tag)
        if charge_point.may_send:
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
        info = self._cache.get(id_tag.casefold())
        if info is None or info.status != "Accepted":
            return None
        expiry = parse_time(info.expiry_date) if info.expiry_date else None
        return info if expiry is None or expiry > self._charge_point.clock else None

    def _offline(self, id_tag: str) -> IdTagInfo:
        """C 3.5.4: the cache, if allowed; then the rule for unknown tags."""
        configuration = self._charge_point.configuration
        cached = self._cached(id_tag)
        if cached is not None and configuration.boolean("LocalAuthorizeOffline"):
            return self._verdict(id_tag, cached, "cache")
        known_as_bad = id_tag.casefold() in self._cache and cached is None
        if configuration.boolean("AllowOfflineTxForUnknownId") and not known_as_bad:
            return self._verdict(id_tag, IdTagInfo(status="Accepted"), "offline")
        return self._verdict(id_tag, IdTagInfo(status="Invalid"), "offline")

    def _verdict(self, id_tag: str, info: IdTagInfo, source: str) -> IdTagInfo:
        self._charge_point.tell("authorized", id_tag=id_tag, status=info.status, source=source)
        return info
