"""Certificates where slices look for them: our roots, whether anybody signs here, and who sends what was signed."""

from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.operations.certificate_issue import CertificateIssue
from csmsd.operations.runner import OperationRunner
from csmsd.ports.certificates import CertificateSigner, RootCertificate, Roots
from csmsd.ports.tls import TlsProblem
from csmsd.settings.sections import Settings


class _Roots:
    def __init__(self, roots: Roots) -> None:
        self._roots = roots

    def own(self) -> RootCertificate | None:
        try:
            return self._roots.own_root()
        except TlsProblem:  # it is a problem of its own, and told
            return None

    def read(self, text: str) -> RootCertificate | str:
        try:
            return self._roots.read_root(text)
        except TlsProblem as problem:
            return str(problem)


def put_certificates_in_place(
    roots: Roots,
    signer: CertificateSigner,
    live: LiveSite,
    runner: OperationRunner,
    bus: EventBus,
    settings: Settings,
) -> None:
    """To be called when the live state is there; what is put there is carried over to every later one."""

    def unable_to_sign() -> str | None:
        if settings.ca.signer == "off":
            return "nobody signs requests here (ca.signer is off)"
        own = live.site.security.certificates.of("")
        if settings.ca.signer == "local" and not any(one.kind == "ca" and one.state == "used" for one in own):
            return "there is no CA here to sign it: cert init makes one"
        return None

    live.site.security.roots = _Roots(roots)
    live.site.security.unable_to_sign = unable_to_sign
    live.site.security.policy = settings.security
    issue = CertificateIssue(live, runner, signer, settings.ocpp)
    bus.subscribe(issue.told, issue.STIRRING)
