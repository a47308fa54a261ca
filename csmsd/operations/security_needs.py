"""What a charge point needs for TLS before its profile is raised: our root, and a certificate (A05.FR.03, 04)."""

import asyncio
from shlex import quote

from csmsd.events import EventBus, NumberedEvent
from csmsd.operations.options import Options
from csmsd.operations.result import Obstacle, Report, Result, not_sent_result
from csmsd.operations.sending import Sending, configured, reported
from csmsd.profiles.action import Steps, Target
from csmsd.profiles.policies import Security
from csmsd.profiles.security.certificate_hash_data import USES, name_of_installed, same_name
from csmsd.profiles.security.certificate_signed import OUTGOING as CERTIFICATE_SIGNED
from csmsd.profiles.security.extended_trigger_message import ExtendedTriggerMessageReq
from csmsd.profiles.security.get_installed_certificate_ids import GetInstalledCertificateIdsReq
from csmsd.profiles.security.install_certificate import InstallCertificateReq

_CENTRAL = USES["central-system"]
_SECONDS_FOR_A_CERTIFICATE = 60.0


class SecurityNeeds:
    """Each is looked for first, so that what broke off is gone on with."""

    def __init__(self, sending: Sending, bus: EventBus, security: Security) -> None:
        self._sending = sending
        self._live = sending.live
        self._bus = bus
        self._security = security

    async def give_root(self, identity: str, options: Options, report: Report) -> tuple[list[Result], bool]:
        """Our chain must end in a root that it has (A05.FR.03)."""

        def ask(target: Target) -> Steps:
            yield GetInstalledCertificateIdsReq(certificate_type=_CENTRAL)

        results = await self._sending.run(identity, ask, options, report)
        own = self._live.site.security.own_root()
        installed = self._live.site.security.installed_certificates.of(identity, _CENTRAL)
        names = {same_name(*name) for name in own.names} if own is not None else set()
        if options.dry_run or any(name_of_installed(one) in names for one in installed):  # a dry run asks nothing
            return results, True
        if own is None:
            if installed or options.force:
                return results, True
            text = "it has no root certificate, and csmsd has no CA of its own: give it that of your certificate first"
            return results + reported(report, not_sent_result(identity, Obstacle.OBJECTION, text)), False

        def install(target: Target) -> Steps:
            yield InstallCertificateReq(certificate_type=_CENTRAL, certificate=own.pem)

        results += await self._sending.run(identity, install, options, report)
        return results, results[-1].outcome == "accepted" or options.force

    async def give_certificate(self, identity: str, options: Options, report: Report) -> tuple[list[Result], bool]:
        """One of its own (A05.FR.04), which it has taken: of one that was only issued nobody knows that."""
        certificates = self._live.site.security.certificates
        current = certificates.current(identity)
        good = current is not None and (current.not_after or 0) > self._live.now()
        if options.dry_run or (current is not None and good and (current.state == "used" or current.taken_at)):
            return [], True
        results: list[Result] = []
        own = (one.organization for one in certificates.of("") if one.kind == "ca")
        organization = next(iter(self._security.organizations), None) or next(own, None)
        state = self._sending.state(identity)
        if organization is not None and state is not None and state.configured("CpoName") != organization:
            results += await self._sending.run(identity, configured(("CpoName", organization)), options, report)

        def trigger(target: Target) -> Steps:
            yield ExtendedTriggerMessageReq(requested_message="SignChargePointCertificate")

        taken = asyncio.get_running_loop().create_future()

        def told(event: NumberedEvent) -> None:
            ours = event.charge_point == identity and not taken.done()
            if ours and event.type == "task.settled" and event.data.get("action") == CERTIFICATE_SIGNED.action:
                taken.set_result(event.data.get("outcome") == "accepted")
            elif ours and (event.type == "certificate.refused" or event.data.get("state") == "requested"):
                taken.set_result(False)

        end = self._bus.subscribe(told, ("task.settled", "certificate.refused", "certificate.changed"))
        try:
            results += await self._sending.run(identity, trigger, options, report)
            if results[-1].outcome != "accepted":
                return results, good or options.force  # one that cannot ask was given its certificate by hand
            async with asyncio.timeout(_SECONDS_FOR_A_CERTIFICATE):
                has_taken_it = await taken
        except TimeoutError:
            has_taken_it = False
        finally:
            end()
        if has_taken_it:
            return results, True
        text = "it has no certificate of its own: the request was refused, did not come, or it did not take what came"
        if any(one.state == "requested" for one in self._live.site.security.certificates.of(identity)):
            text = f"its request for a certificate waits; then once more: cert sign {quote(identity)}"
        return results + reported(report, not_sent_result(identity, Obstacle.OBJECTION, text)), False
