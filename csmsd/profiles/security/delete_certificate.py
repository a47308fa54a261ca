"""DeleteCertificate (whitepaper 5.3, M04): take a root certificate from a charge point."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.record import Change, Event
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.security.certificate_hash_data import (
    USES,
    CertificateHashData,
    as_reported,
    name_of_hash_data,
    name_of_installed,
    same_name,
    serial_number_of,
)
from csmsd.profiles.security.get_installed_certificate_ids import GetInstalledCertificateIdsReq
from csmsd.profiles.security.installed_certificates import InstalledCertificate


class DeleteCertificateReq(Message, kw_only=True):
    certificate_hash_data: CertificateHashData


class DeleteCertificateConf(Message, kw_only=True):
    status: Literal["Accepted", "Failed", "NotFound"]


def _meant(request: DeleteCertificateReq, target: Target) -> InstalledCertificate | None:
    """The one of those that were reported."""
    wanted = name_of_hash_data(request.certificate_hash_data)
    return next((one for one in _reported(target) if name_of_installed(one) == wanted), None)


def _reported(target: Target) -> list[InstalledCertificate]:
    installed = target.site.security.installed_certificates
    return [one for use in USES.values() for one in installed.of(target.charge_point.id, use)]


def _check(request: DeleteCertificateReq, target: Target) -> str | None:
    wanted = name_of_hash_data(request.certificate_hash_data)
    own = target.site.security.own_root()
    names = {same_name(*name) for name in own.names} if own is not None else set()
    if wanted in names and target.charge_point.record.security_profile >= 2:
        return "it is the root of csmsd's own certificate: without it, this charge point cannot connect any more"
    meant = _meant(request, target)
    if meant is None:
        return None
    others = list(target.site.security.installed_certificates.of(meant.charge_point, meant.type))
    if len(others) == 1 and meant.type == "ManufacturerRootCertificate":
        return "it is the last root of its manufacturer: without one it installs no signed firmware any more"
    if len(others) == 1 and target.charge_point.record.security_profile >= 2:
        return "it is the last root for csmsd's certificate: without one this charge point cannot connect any more"
    return None


def _settle(
    request: DeleteCertificateReq, confirmation: DeleteCertificateConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """It is gone, or was not there."""
    meant = _meant(request, target)
    if meant is None or confirmation.status == "Failed":
        return [], []
    installed = target.site.security.installed_certificates
    left = [one for one in installed.of(meant.charge_point, meant.type) if one is not meant]
    return installed.report(meant.charge_point, meant.type, left), []


def _why(request: DeleteCertificateReq, confirmation: DeleteCertificateConf, target: Target) -> str | None:
    if confirmation.status == "Failed":
        return "it may be the one that its connection is checked with (M04.FR.06)"
    return None


OUTGOING = Outgoing(
    DeleteCertificateReq,
    DeleteCertificateConf,
    check=_check,
    settle=_settle,
    why=_why,
    also_accepted=frozenset({"Success"}),  # as M04.FR.02 has it
)


class DeleteCertificate(Operation, kw_only=True):
    """Take a root certificate from a charge point.

    It is asked first which ones it has, and the one that is meant is named exactly as it names it.
    """

    command: ClassVar[str] = "delete-certificate"
    example: ClassVar[str] = "csmsctl delete-certificate CP1 --match old-root.pem"
    question: ClassVar[str | None] = (
        "What is trusted by this certificate alone is trusted no more. Take it from {targets}?"
    )

    match: (
        Annotated[
            Annotated[str, Meta(max_length=5500)],
            Meta(description="The certificate itself, PEM", extra={"metavar": "FILE", "file": "pem"}),
        ]
        | None
    ) = None
    serial: (
        Annotated[str, Meta(description="The one with this serial number, hexadecimal", extra={"metavar": "HEX"})]
        | None
    ) = None

    def steps(self, target: Target) -> Steps:
        if (self.match is None) == (self.serial is None):
            raise CannotSend("Say which one: either --match FILE or --serial HEX.")
        number = None if self.serial is None else serial_number_of(self.serial)
        if self.serial is not None and number is None:
            raise CannotSend(f"{self.serial!r} is no serial number: hexadecimal digits, as 1a:2b:3c.")
        names = target.site.security.names_of_root(self.match) if self.match is not None else None
        for use in USES.values():
            yield GetInstalledCertificateIdsReq(certificate_type=use)
        found = [
            one
            for one in _reported(target)
            if (number is not None and serial_number_of(one.serial_number) == number)
            or (names is not None and name_of_installed(one) in names)
        ]
        if not found:
            raise NotThere(f"{target.charge_point.id} has reported no such certificate.")
        if len(found) > 1:
            raise CannotSend(
                f"{target.charge_point.id} has {len(found)} certificates that may be meant; name it by --match FILE."
            )
        yield DeleteCertificateReq(certificate_hash_data=as_reported(found[0]))
