"""Root certificates on charge points, as GetInstalledCertificateIds reported them (W 5.8)."""

from typing import ClassVar

from csmsd.ocpp.identity import fold
from csmsd.profiles.record import Change, Deleted, Milliseconds, Record


class InstalledCertificate(Record, kw_only=True):
    """One as it was reported, to the letter: it is deleted with the very same words."""

    table: ClassVar[str] = "installed_certificate"
    key: ClassVar[tuple[str, ...]] = (
        "charge_point",
        "type",
        "hash_algorithm",
        "issuer_name_hash",
        "issuer_key_hash",
        "serial_number",
    )

    charge_point: str
    type: str  # CentralSystemRootCertificate or ManufacturerRootCertificate
    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
    reported_at: Milliseconds


class InstalledCertificates:
    """The newest reports, by charge point and type."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], list[InstalledCertificate]] = {}

    def load(self, certificate: InstalledCertificate) -> None:
        self._of.setdefault((fold(certificate.charge_point), certificate.type), []).append(certificate)

    def of(self, charge_point: str, kind: str) -> list[InstalledCertificate]:
        """What was reported last; none where it was never asked."""
        return list(self._of.get((fold(charge_point), kind), ()))

    def report(self, charge_point: str, kind: str, found: list[InstalledCertificate]) -> list[Change]:
        """All of a type that a charge point has now, in place of what it had; what is to be written."""
        place = (fold(charge_point), kind)
        gone = [Deleted(known) for known in self._of.get(place, ())]
        self._of[place] = found
        return [*gone, *found]

    def removed(self, charge_point: str) -> list[Change]:
        """The charge point is none of the site any more."""
        places = [place for place in self._of if place[0] == fold(charge_point)]
        return [Deleted(known) for place in places for known in self._of.pop(place)]
