"""GetInstalledCertificateIds (whitepaper 5.7, M03): which root certificates a charge point trusts."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.record import Change, Event
from csmsd.profiles.security.certificate_hash_data import (
    USES,
    CertificateHashData,
    CertificateKind,
    CertificateUse,
    name_of_installed,
)
from csmsd.profiles.security.installed_certificates import InstalledCertificate

_MOST = 200  # of a type that are kept


class GetInstalledCertificateIdsReq(Message, kw_only=True):
    certificate_type: CertificateUse


class GetInstalledCertificateIdsConf(Message, kw_only=True):
    status: Literal["Accepted", "NotFound"]
    certificate_hash_data: list[CertificateHashData] | None = None


def _settle(
    request: GetInstalledCertificateIdsReq, confirmation: GetInstalledCertificateIdsConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """What it has now takes the place of what it had; NotFound and an empty list are none."""
    if confirmation.status not in ("Accepted", "NotFound"):
        return [], []
    found: dict[object, InstalledCertificate] = {}
    for data in (confirmation.certificate_hash_data or [])[:_MOST]:
        one = InstalledCertificate(
            charge_point=target.charge_point.id,
            type=request.certificate_type,
            hash_algorithm=data.hash_algorithm,
            issuer_name_hash=data.issuer_name_hash,
            issuer_key_hash=data.issuer_key_hash,
            serial_number=data.serial_number,
            reported_at=target.now,
        )
        found.setdefault(name_of_installed(one), one)
    installed = target.site.security.installed_certificates
    return installed.report(target.charge_point.id, request.certificate_type, [*found.values()]), []


OUTGOING = Outgoing(
    GetInstalledCertificateIdsReq,
    GetInstalledCertificateIdsConf,
    accepted=frozenset({"Accepted", "NotFound"}),
    settle=_settle,
)


class GetInstalledCertificateIds(Operation, kw_only=True):
    """Ask a charge point which root certificates it trusts.

    It names them by hashes, as in OCSP. Both types are asked for unless one is named.
    """

    command: ClassVar[str] = "get-installed-certificate-ids"
    example: ClassVar[str] = "csmsctl get-installed-certificate-ids CP1"

    type: Annotated[CertificateKind, Meta(description="Those of this type only")] | None = None

    def steps(self, target: Target) -> Steps:
        for kind in (self.type,) if self.type is not None else USES:
            yield GetInstalledCertificateIdsReq(certificate_type=USES[kind])
