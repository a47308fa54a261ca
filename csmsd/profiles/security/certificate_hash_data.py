"""CertificateHashData (whitepaper 6.1): how a certificate on a charge point is named, as in OCSP."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message
from csmsd.profiles.security.installed_certificates import InstalledCertificate

CertificateUse = Literal["CentralSystemRootCertificate", "ManufacturerRootCertificate"]
CertificateKind = Literal["central-system", "manufacturer"]
USES: dict[CertificateKind, CertificateUse] = {
    "central-system": "CentralSystemRootCertificate",
    "manufacturer": "ManufacturerRootCertificate",
}
_Hash = Annotated[str, Meta(max_length=128)]
Named = tuple[str, str, str, int | None]  # what two spellings of one name have in common


class CertificateHashData(Message, kw_only=True):
    """Charge points write hexadecimal digits in either case; what they reported is sent back to the letter."""

    droppable: ClassVar[bool | Literal["unless all"]] = True

    hash_algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: _Hash
    issuer_key_hash: _Hash
    serial_number: Annotated[str, Meta(max_length=40)]


def serial_number_of(text: str) -> int | None:
    """Hexadecimal digits as the number that they are; with colons, blanks or 0x as people copy them."""
    digits = text.replace(":", "").replace(" ", "").strip().lower().removeprefix("0x")
    try:
        return int(digits, 16)
    except ValueError:
        return None


def same_name(algorithm: str, name_hash: str, key_hash: str, serial_number: str) -> Named:
    """By what two names of one certificate are equal."""
    return algorithm, name_hash.strip().lower(), key_hash.strip().lower(), serial_number_of(serial_number)


def name_of_installed(known: InstalledCertificate) -> Named:
    return same_name(known.hash_algorithm, known.issuer_name_hash, known.issuer_key_hash, known.serial_number)


def name_of_hash_data(data: CertificateHashData) -> Named:
    return same_name(data.hash_algorithm, data.issuer_name_hash, data.issuer_key_hash, data.serial_number)


def as_reported(known: InstalledCertificate) -> CertificateHashData:
    """What a charge point reported, to the letter (M04.FR.07: with the algorithm that it uses itself)."""
    return CertificateHashData(
        hash_algorithm=known.hash_algorithm,  # type: ignore[arg-type]  # text that nobody knows comes back as well
        issuer_name_hash=known.issuer_name_hash,
        issuer_key_hash=known.issuer_key_hash,
        serial_number=known.serial_number,
    )
