"""Certificates of every kind, good and bad, for the tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
DAY = timedelta(days=1)


@cache
def rsa_key(bits: int = 2048, which: int = 0) -> rsa.RSAPrivateKey:
    """Made once: they take long."""
    return rsa.generate_private_key(65537, bits)


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def distinguished(*common_names: str, organizations: Sequence[str] = ("My CPO",)) -> x509.Name:
    return x509.Name(
        [
            *(x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, name) for name in organizations),
            *(x509.NameAttribute(x509.NameOID.COMMON_NAME, name) for name in common_names),
        ]
    )


class Issued(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def written(self, directory: Path, name: str, *, chain: Sequence["Issued"] = ()) -> tuple[str, str]:
        """The files of the certificate, followed by `chain`, and of the key."""
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(self.pem + b"".join(one.pem for one in chain))
        key.touch(mode=0o600)
        key.write_bytes(self.key_pem)
        return str(certificate), str(key)


def issue(
    subject: x509.Name,
    issuer: Issued | None = None,
    *,
    key: Key | None = None,
    ca: bool = False,
    names: Sequence[x509.GeneralName] = (),
    days: tuple[float, float] = (-1, 30),
    serial: int | None = None,
    algorithm: Any = None,
) -> Issued:
    """A certificate; without an issuer it is self-signed. `days`: from when to when, from now."""
    own = key or ec_key()
    now = datetime.now(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now + DAY * days[0])
        .not_valid_after(now + DAY * days[1])
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signer = issuer.key if issuer else own
    return Issued(builder.sign(signer, algorithm or hashes.SHA256()), own)


def authority(name: str = "Test Root", issuer: Issued | None = None, **more: Any) -> Issued:
    return issue(distinguished(name), issuer, ca=True, **more)


def revocation_list(ca: Issued, *revoked: Issued, days: tuple[float, float] = (-1, 30)) -> bytes:
    now = datetime.now(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.certificate.subject)
        .last_update(now + DAY * days[0])
        .next_update(now + DAY * days[1])
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(now)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def request(
    *common_names: str,
    organizations: Sequence[str] = ("My CPO",),
    key: Key | None = None,
    algorithm: Any = None,
    ca: bool = False,
) -> x509.CertificateSigningRequest:
    """A CSR as a charge point makes it; `ca`: one that asks for too much."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        distinguished(*common_names, organizations=organizations)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("csms.local")]), critical=False)
    return builder.sign(key or ec_key(), algorithm or hashes.SHA256())


def request_pem(*common_names: str, **more: Any) -> str:
    return request(*common_names, **more).public_bytes(Encoding.PEM).decode()
