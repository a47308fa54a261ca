"""What a charge point's certificate says, read from its DER: `getpeercert()` shows the last of several CNs only."""

from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from csmsd.profiles.record import Milliseconds

# What the library makes of certificates and requests that are none, or odd ones. Whoever sends them chooses which.
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_MOST_CHARACTERS = 64  # of a CN and of an O (RFC 5280, A.1)


class UnusableCertificate(Exception):
    """A certificate that names nobody; the text says why."""


class PeerCertificate(NamedTuple):
    """A certificate by what admission goes by."""

    common_name: str
    organization: str
    serial: str  # hexadecimal digits, lower case, without leading zeros
    fingerprint: str  # SHA-256 of its DER, hexadecimal digits, lower case
    not_before: Milliseconds
    not_after: Milliseconds
    issuer: str  # as RFC 4514 writes it

    def is_valid_at(self, now: Milliseconds) -> bool:
        return self.not_before <= now <= self.not_after


def peer_certificate(der: bytes) -> PeerCertificate:
    """What a certificate says that TLS has found good. It has exactly one CN and one O. Raises UnusableCertificate."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject
        return PeerCertificate(
            common_name=one_name(subject, x509.NameOID.COMMON_NAME),
            organization=one_name(subject, x509.NameOID.ORGANIZATION_NAME),
            serial=f"{certificate.serial_number:x}",
            fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
            not_before=milliseconds(certificate.not_valid_before_utc),
            not_after=milliseconds(certificate.not_valid_after_utc),
            issuer=certificate.issuer.rfc4514_string(),
        )
    except UNREADABLE as error:
        raise UnusableCertificate(f"the certificate cannot be read: {error}") from None


def one_name(subject: x509.Name, kind: x509.ObjectIdentifier) -> str:
    """The only CN or O of a subject, whole. Raises UnusableCertificate: with several, each reader believes another."""
    name = "CN" if kind == x509.NameOID.COMMON_NAME else "O"
    found = subject.get_attributes_for_oid(kind)
    if len(found) != 1:
        raise UnusableCertificate(f"the subject has {len(found) or 'no'} {name}, and must have one")
    [value] = (attribute.value for attribute in found)
    if not isinstance(value, str) or not value.isprintable() or value != value.strip() or not value:
        raise UnusableCertificate(f"the {name} of the subject is {value!r}, which is no name")
    if len(value) > _MOST_CHARACTERS:
        raise UnusableCertificate(f"the {name} of the subject is longer than {_MOST_CHARACTERS} characters")
    return value


def milliseconds(moment: datetime) -> Milliseconds:
    return int(moment.timestamp() * 1000)
