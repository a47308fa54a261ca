"""Tells of connections that are refused: to the records, the log and whoever watches."""

import logging

from csmsd.live_site import LiveSite
from csmsd.profiles.core.refused_connections import Reason, refused_reason_text, remedy_for_refused
from csmsd.profiles.record import Data, Event
from csmsd.profiles.security.security_events import OwnType

# What is refused for a reason that bears on security is a security event as well.
_SECURITY_EVENTS: dict[Reason, OwnType] = {
    "no_password": "FailedToAuthenticateAtCentralSystem",
    "wrong_password": "FailedToAuthenticateAtCentralSystem",
    "wrong_user": "FailedToAuthenticateAtCentralSystem",
    "wrong_profile": "SecurityProfileRefused",
    "no_certificate": "InvalidChargePointCertificate",
    "wrong_certificate": "InvalidChargePointCertificate",
    "tls": "FailedTLSHandshake",
    "tls_version": "InvalidTLSVersion",
    "tls_suite": "InvalidTLSCipherSuite",
    "tls_certificate": "InvalidChargePointCertificate",
    "too_long": "InvalidMessages",
}

log = logging.getLogger(__name__)


class Refusals:
    """Whoever refuses a connection notes it here. It was refused, whether or not that can be stored."""

    def __init__(self, live: LiveSite) -> None:
        self._live = live

    def note(self, identity: str | None, address: str, reason: Reason, detail: str | None = None) -> str:
        """Returns why it is refused, and what mends it, in words."""
        state = self._live.site.charge_point(identity) if identity is not None else None
        named = state.id if state is not None else identity
        one, telling = self._live.site.refused.note(
            named, address, reason, self._live.now(), registered=state is not None, detail=detail
        )
        help_ = remedy_for_refused(reason, one.charge_point, registered=state is not None)
        if telling:
            log.warning("%s: %s is refused: %s; %s", address, named or "somebody", refused_reason_text(one), help_)
            told: Data = {
                "address": address,
                "reason": reason,
                "detail": detail,
                "attempts": one.attempts,
                "next": help_,
            }
            self._live.tell(Event("charge_point.refused", named, told))
        kind = _SECURITY_EVENTS.get(reason)
        if kind is not None:
            self._note_security_event(named, kind, refused_reason_text(one), address)
        return f"{refused_reason_text(one)}; {help_}"

    def _note_security_event(self, identity: str | None, kind: OwnType, tech_info: str, address: str) -> None:
        """Keeps what was seen of a charge point, or of somebody, and tells it the first time."""
        news = self._live.site.security.events.note(identity, kind, tech_info, self._live.now(), address=address)
        if news is not None:
            self._live.tell(news)
