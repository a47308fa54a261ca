"""csmsd renews its own certificates in time, by itself, and uses the new ones without a restart."""

import asyncio
import logging

from csmsd.live_site import LiveSite
from csmsd.pki.own_certificates import OwnCertificates
from csmsd.pki.server_contexts import ServerContexts
from csmsd.ports.store import NotStored
from csmsd.ports.tls import TlsProblem
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.security.certificates import Certificate
from csmsd.settings.sections import Tls

log = logging.getLogger(__name__)

_EVERY_SECONDS = 3600.0
_LAST_PART = 1 / 3  # of its time, in which a certificate is renewed


class Renewal:
    """Looks every hour. A clock that has jumped renews nothing for an hour: it may be taken back."""

    def __init__(self, live: LiveSite, own: OwnCertificates, contexts: ServerContexts, settings: Tls) -> None:
        self._live = live
        self._own = own
        self._contexts = contexts
        self._settings = settings

    async def run(self) -> None:
        """Never returns."""
        while True:
            if not await self.renew_what_is_due():
                await self._contexts.look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def renew_what_is_due(self) -> bool:
        """Whether anything was. What fails is tried again in the next round."""
        if self._settings.certificates or not self._live.accepting:
            return False  # those that are named are somebody else's
        now = self._live.to_expire_by()
        servers = [one for one in self._live.site.security.certificates.of("") if one.kind == "server"]
        if not any(one.state == "used" and _is_due(one, now) for one in servers):
            return False
        try:
            await self._own.renew_servers()
        except (TlsProblem, NotStored) as error:
            log.error("the certificates of csmsd could not be renewed: %s", error)
            return False
        log.info("the certificates of csmsd were renewed")
        return True


def _is_due(certificate: Certificate, now: Milliseconds) -> bool:
    if certificate.not_before is None or certificate.not_after is None:
        return False
    lasts = certificate.not_after - certificate.not_before
    return now >= certificate.not_after - lasts * _LAST_PART
