"""CertificateSigned (whitepaper 5.1, A02, A03): the certificate that a charge point has asked for."""

from typing import Annotated, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Outgoing, Target
from csmsd.profiles.record import Change, Event

LONGEST_CHAIN = 10_000  # characters (5.1)


class CertificateSignedReq(Message, kw_only=True):
    certificate_chain: Annotated[str, Meta(max_length=LONGEST_CHAIN)]


class CertificateSignedConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected"]


def longest_chain(target: Target) -> int:
    """How long the chain may be for a charge point (7.3)."""
    said = target.charge_point.configured_number("CertificateSignedMaxChainSize")
    return LONGEST_CHAIN if said is None or not 0 < said < LONGEST_CHAIN else said


def _check(request: CertificateSignedReq, target: Target) -> str | None:
    most = longest_chain(target)
    length = len(request.certificate_chain)
    if length > most:
        return f"the chain has {length} characters; it takes no more than {most} (CertificateSignedMaxChainSize)"
    return None


def _settle(
    request: CertificateSignedReq, confirmation: CertificateSignedConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """Accepted is not in use: that shows when it connects with it. Rejected: it keeps the one that it has."""
    if confirmation.status == "Accepted":
        certificates = target.site.security.certificates
        return certificates.taken(target.charge_point.id, request.certificate_chain, target.now)
    told = Event(
        "certificate.refused", target.charge_point.id, {"reason": "the charge point does not take its certificate"}
    )
    return [], [told]


def _why(request: CertificateSignedReq, confirmation: CertificateSignedConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return None
    return "it does not take the certificate: is it for the key that it made last, and is its clock right?"


OUTGOING = Outgoing(CertificateSignedReq, CertificateSignedConf, check=_check, settle=_settle, why=_why)
