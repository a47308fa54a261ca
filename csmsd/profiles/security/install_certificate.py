"""InstallCertificate (whitepaper 5.11, M05): give a charge point a root certificate to trust."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.security.certificate_hash_data import USES, CertificateKind, CertificateUse

Pem = Annotated[str, Meta(max_length=5500)]


class InstallCertificateReq(Message, kw_only=True):
    certificate_type: CertificateUse
    certificate: Pem


class InstallCertificateConf(Message, kw_only=True):
    status: Literal["Accepted", "Failed", "Rejected"]


def _check(request: InstallCertificateReq, target: Target) -> str | None:
    """Only a root is of use there: from any other certificate a charge point builds no path."""
    wrong = target.site.security.problem_of_root(request.certificate)
    if wrong is not None:
        return f"it is no root certificate: {wrong}"
    state = target.charge_point
    most = state.configured_number("CertificateStoreMaxLength")
    has = sum(len(target.site.security.installed_certificates.of(state.id, use)) for use in USES.values())
    if most is not None and has >= most:
        return f"it holds {has} certificates already, and no more than {most} (CertificateStoreMaxLength)"
    return None


def _why(request: InstallCertificateReq, confirmation: InstallCertificateConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return None
    checked = (target.charge_point.configured("AdditionalRootCertificateCheck") or "").casefold() == "true"
    if checked and request.certificate_type == "CentralSystemRootCertificate":
        return "a new root must be signed by the one that it replaces (AdditionalRootCertificateCheck)"
    if confirmation.status == "Rejected":
        return "the certificate is not one that it takes, or it has no room for another"
    return None


OUTGOING = Outgoing(InstallCertificateReq, InstallCertificateConf, check=_check, why=_why)


class InstallCertificate(Operation, kw_only=True):
    """Give a charge point a root certificate to trust.

    central-system: of the certificate of csmsd; manufacturer: of firmware signing certificates.
    """

    command: ClassVar[str] = "install-certificate"
    example: ClassVar[str] = "csmsctl install-certificate CP1 --type central-system --certificate root.pem"
    exposed: ClassVar[str | None] = "the root certificate that it is to trust"

    type: Annotated[CertificateKind, Meta(description="What it is trusted for")]
    certificate: (
        Annotated[Pem, Meta(description="The root certificate, PEM", extra={"metavar": "FILE", "file": "pem"})] | None
    ) = None
    own_ca: Annotated[bool, Meta(description="The root of the CA of csmsd")] = False

    def steps(self, target: Target) -> Steps:
        if self.own_ca == (self.certificate is not None):
            raise CannotSend("Say which certificate: either --certificate FILE or --own-ca.")
        pem = self.certificate
        if self.own_ca:
            own = target.site.security.own_root()
            if own is None:
                raise CannotSend("csmsd has no CA of its own: cert init makes one. Or give --certificate FILE.")
            pem = own.pem
        assert pem is not None
        yield InstallCertificateReq(certificate_type=USES[self.type], certificate=pem)
