"""Certificates for tests: of a Central System, of charge points, and of those who are none."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
ORGANIZATION = "My CPO"
NAME = "csms.test"


@cache
def authority(name: str) -> trustme.CA:
    """A root; of two names, two that know nothing of each other."""
    return trustme.CA(organization_name=name)


@dataclass(frozen=True)
class Pair:
    """A certificate with those that issued it, and its key, in PEM."""

    certificate: bytes
    key: bytes

    @property
    def der(self) -> bytes:
        return x509.load_pem_x509_certificate(self.certificate).public_bytes(Encoding.DER)

    def write(self, directory: Path, name: str) -> Path:
        """Both in one file, which only its owner can read."""
        file = directory / f"{name}.pem"
        file.touch(0o600)
        file.write_bytes(self.key + self.certificate)
        return file


@cache
def server(kind: str = "ec", issuer: str = "site") -> Pair:
    """Of csms.test and 127.0.0.1; `kind` is ec or rsa."""
    made = authority(issuer).issue_cert(
        NAME, "127.0.0.1", common_name=NAME, key_type=trustme.KeyType.RSA if kind == "rsa" else trustme.KeyType.ECDSA
    )
    return Pair(b"".join(blob.bytes() for blob in made.cert_chain_pems), made.private_key_pem.bytes())


@cache
def client(
    common_name: str,
    organization: str = ORGANIZATION,
    *,
    issuer: str = "site",
    days: int = 30,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    bits: int | None = None,
    more_names: tuple[tuple[x509.ObjectIdentifier, str], ...] = (),
) -> Pair:
    """Of a charge point: ECDSA, RSA where `bits` says so. One of -1 days is over since yesterday."""
    ca = authority(issuer)
    root = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
    issuers_key = root.public_key()
    assert isinstance(issuers_key, ec.EllipticCurvePublicKey)
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = ec.generate_private_key(ec.SECP256R1())
    if bits is not None:
        key = rsa.generate_private_key(65537, bits)
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    names += [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    names += [x509.NameAttribute(kind, text) for kind, text in more_names]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key), critical=False)
        .sign(ca._private_key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Pair(made.public_bytes(Encoding.PEM), secret)


def server_context(directory: Path, *pairs: Pair, client_certificate: str = "none") -> ssl.SSLContext:
    """As csmsd has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(SUITES))
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    for number, pair in enumerate(pairs or (server(),)):
        context.load_cert_chain(pair.write(directory, f"server{number}"))
    if client_certificate != "none":
        context.load_verify_locations(cadata=authority("site").cert_pem.bytes().decode())
        context.verify_mode = ssl.CERT_REQUIRED if client_certificate == "required" else ssl.CERT_OPTIONAL
    return context


def client_context(
    directory: Path, pair: Pair | None = None, *, trusts: str = "site", ciphers: str = "", tls: str = ""
) -> ssl.SSLContext:
    """A charge point that trusts one root. `tls` is the only version it speaks: 1.2 or 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority(trusts).cert_pem.bytes().decode())
    if tls:
        context.minimum_version = context.maximum_version = ssl.TLSVersion[f"TLSv{tls.replace('.', '_')}"]
    if ciphers:
        context.set_ciphers(ciphers)
    if pair is not None:
        context.load_cert_chain(pair.write(directory, "client"))
    return context


def device_context(directory: Path, root: str, chain: str = "", key: str = "", *, ciphers: str = "") -> ssl.SSLContext:
    """A charge point that trusts that root alone, and shows the certificate that it was given; all in PEM.

    With `ciphers` it speaks TLS 1.2 alone.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=root)
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    if chain:
        context.load_cert_chain(Pair(chain.encode(), key.encode()).write(directory, "device"))
    return context


def tls_settings(directory: Path, **security: Any) -> dict[str, Any]:
    """Settings of a site with TLS and a CA for charge points."""
    ca = directory / "clients.pem"
    ca.write_bytes(authority("site").cert_pem.bytes())
    certificates = [{"certificate": str(server(kind).write(directory, kind))} for kind in ("rsa", "ec")]
    return {
        "tls": {"certificates": certificates, "client_ca": [str(ca)]},
        "security": {"organizations": [ORGANIZATION], "failure_delay": 0.05} | security,
    }
