"""What the books keep of a certificate."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from csmsd.profiles.record import Milliseconds
from csmsd.profiles.security.certificates import Certificate, CertificateKind

if TYPE_CHECKING:
    from cryptography import x509


def record_of_certificate(
    number: int,
    certificate: "x509.Certificate",
    *,
    kind: CertificateKind,
    now: Milliseconds,
    pem: str,
    charge_point: str = "",
) -> Certificate:
    """As it is kept, with what can be asked of it without reading it anew."""
    from csmsd.pki.names import peer_certificate
    from csmsd.pki.requests import key_hash

    read = peer_certificate(_der_of_certificate(certificate))
    return Certificate(
        id=number,
        charge_point=charge_point,
        kind=kind,
        state="issued",
        organization=read.organization,
        common_name=read.common_name,
        issuer=read.issuer,
        serial=read.serial,
        fingerprint=read.fingerprint,
        key_hash=key_hash(certificate.public_key()),
        not_before=read.not_before,
        not_after=read.not_after,
        pem=pem,
        created_at=now,
        changed_at=now,
    )


def fingerprint_of_certificate(certificate: "x509.Certificate") -> str:
    """SHA-256, in hexadecimal digits."""
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex()


def moment_of_certificate(now: Milliseconds) -> datetime:
    """The time, as certificates have it."""
    return datetime.fromtimestamp(now / 1000, UTC)


def _der_of_certificate(certificate: "x509.Certificate") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)
