"""SignCertificate (whitepaper 5.17, A02, A03): a charge point asks for a certificate for its new key."""

from typing import Annotated, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.record import Event


class SignCertificateReq(Message, kw_only=True):
    csr: Annotated[str, Meta(max_length=5500)]


class SignCertificateConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected"]


def sign_certificate(request: SignCertificateReq, at: Context) -> Reply[SignCertificateConf]:
    """Rejected where nobody signs here (A02.FR.12). What is wrong with the request itself an operator is told.

    The request is looked at after the answer: CertificateSigned comes behind it.
    """
    security = at.site.security
    unable = security.unable_to_sign()
    if unable is None and not request.csr.strip():
        unable = "the request is empty"
    if unable is not None:
        return Reply(
            SignCertificateConf(status="Rejected"),
            [],
            [Event("certificate.refused", at.charge_point.id, {"reason": unable})],
        )
    security.requests[at.charge_point.id] = request.csr
    return Reply(SignCertificateConf(status="Accepted"), [], [Event("certificate.requested", at.charge_point.id, {})])


INCOMING = Incoming(SignCertificateReq, SignCertificateConf, sign_certificate, writes=False)
