"""Certificates that charge points have asked for: signed here or elsewhere, and sent.

Accepted has left before (A02.FR.11). Nothing is tried again by itself (A03): what went wrong is told, and an operator
has the charge point ask anew.
"""

import asyncio
import logging
from typing import ClassVar

from csmsd.events import NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.operations.options import Options
from csmsd.operations.runner import OperationRunner
from csmsd.ports.certificates import CertificateSigner, NotSigned
from csmsd.ports.store import NotStored
from csmsd.profiles.action import Steps, Target
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import EventType
from csmsd.profiles.security.certificate_signed import CertificateSignedReq, longest_chain

log = logging.getLogger(__name__)


class CertificateIssue:
    """Listens for requests; of several of a charge point the newest counts, since only that key is still there."""

    STIRRING: ClassVar[tuple[EventType, ...]] = ("certificate.requested",)

    def __init__(self, live: LiveSite, runner: OperationRunner, signer: CertificateSigner, policies: Policies) -> None:
        self._live = live
        self._runner = runner
        self._signer = signer
        self._policies = policies
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def told(self, event: NumberedEvent) -> None:
        if event.charge_point is not None and event.charge_point not in self._under_way:
            self._begin(event.charge_point)

    def _begin(self, identity: str) -> None:
        task = asyncio.create_task(self._issue(identity), name=f"certificate for {identity}")
        self._under_way[identity] = task
        task.add_done_callback(lambda _: self._over(identity))

    def _over(self, identity: str) -> None:
        del self._under_way[identity]
        if identity in self._live.site.security.requests:  # it has asked anew meanwhile
            self._begin(identity)

    async def _issue(self, identity: str) -> None:
        csr = self._live.site.security.requests.pop(identity, None)
        state = self._live.site.charge_point(identity)
        if csr is None or state is None:
            return
        most = longest_chain(Target(self._live.site, state, self._live.now()))
        try:
            signed = await self._signer.sign(csr, state.id, max_length=most)
        except NotStored as error:
            log.error("%s: its certificate could not be stored, and so is not sent: %s", identity, error)
            return
        except Exception:
            log.exception("%s: its request for a certificate could not be looked at", identity)
            return
        if isinstance(signed, NotSigned):
            return  # the signer has told why

        def steps(target: Target) -> Steps:
            yield CertificateSignedReq(certificate_chain=signed.chain)

        state = self._live.site.charge_point(identity)
        if state is None or identity in self._live.site.security.requests:
            return
        try:
            (result,) = await self._runner.run([state], steps, Options(timeout=self._policies.call_timeout))
        except Exception:
            log.exception("%s: its certificate could not be sent", identity)
            return
        if result.outcome != "accepted":
            why = result.error or result.status or result.outcome
            log.warning("%s did not take its certificate: %s; an operator has it ask anew", identity, why)
