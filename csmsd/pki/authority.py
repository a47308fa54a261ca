"""The site's own certificate authority: a root that issues to charge points and to csmsd itself, and its files.

Everything here blocks: keys are made, files written.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from csmsd.pki.key_files import read_key_file
from csmsd.pki.names import UNREADABLE
from csmsd.pki.own_files import OwnFiles, write_file
from csmsd.pki.requests import Request
from csmsd.ports.tls import TlsProblem

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

CA_DAYS = 3653
RSA_BITS = 2048  # J 6.2.1: with more, small charge points are overtaxed
# Clocks of charge points go wrong by hours: what is valid from now on is not valid there yet.
BACK_DATED = timedelta(days=1)
_MOST_CHARACTERS = 64  # of a CN (RFC 5280, A.1)
_HOST_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


class Authority(NamedTuple):
    """The root with its key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def organization(self) -> str:
        [attribute] = self.certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
        return str(attribute.value)

    def issue(self, request: Request, now: datetime, days: int) -> x509.Certificate:
        """The certificate of a charge point: O and CN as they were asked for, everything else as it is here."""
        return _sign(
            self,
            _subject(request.organization, request.common_name),
            request.csr.public_key(),  # type: ignore[arg-type]
            now,
            days,
            usages=[x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH],
        )

    def issue_server(self, names: Sequence[str], key: PrivateKey, now: datetime, days: int) -> x509.Certificate:
        """A certificate of this Central System for names and addresses, of which the first is its CN."""
        return _sign(
            self,
            _subject(self.organization, names[0]),
            key.public_key(),
            now,
            days,
            usages=[x509.oid.ExtendedKeyUsageOID.SERVER_AUTH],
            alternatives=server_names(names),
        )

    def revocation_list(self, revoked: Sequence[tuple[str, datetime]], now: datetime) -> bytes:
        """In PEM, of serial numbers (hexadecimal digits) and since when. It is as good as the root is for as long."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(max(now - BACK_DATED, self.certificate.not_valid_before_utc))
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
            .add_extension(_key_identifier(self.certificate), critical=False)
        )
        for serial, since in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(since)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def create_authority(files: OwnFiles, organization: str, now: datetime) -> Authority:
    """A new root, on disk when this returns. Raises OSError."""
    key = ec.generate_private_key(ec.SECP256R1())
    # Two roots of one organization have two names: charge points tell them apart by these.
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:6]
    suffix = f" CSMS Root {identifier}"
    subject = _subject(organization, organization[: _MOST_CHARACTERS - len(suffix)].rstrip() + suffix)
    start = _whole(now) - BACK_DATED
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = Authority(certificate, key)
    write_file(files.ca_key, _key_pem(key) + _pem(certificate))
    publish(files, made)
    return made


def load_authority(files: OwnFiles) -> Authority | None:
    """The root of the files; None where there is none. Raises TlsProblem."""
    if not files.ca_key.exists():
        if files.ca.exists():
            raise TlsProblem(
                f"{files.ca_key}: the key of the CA is missing, and without it nothing can be issued; "
                "put back what was written with: csmsctl cert export-ca"
            )
        return None
    data = read_key_file(files.ca_key)
    try:
        key = load_pem_private_key(data, None)
        certificate = x509.load_pem_x509_certificate(data)
    except Exception:  # whatever it says may quote the key
        raise TlsProblem(f"{files.ca_key}: there is no key with its certificate in it") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) or (
        key.public_key() != certificate.public_key()
    ):
        raise TlsProblem(f"{files.ca_key}: the key is not that of the certificate in it")
    return Authority(certificate, key)


def publish(files: OwnFiles, authority: Authority, revoked: Sequence[tuple[str, datetime]] = ()) -> None:
    """Writes the root without its key, and the list of what it has revoked. Raises OSError."""
    write_file(files.crl, authority.revocation_list(revoked, datetime.now(UTC)))
    write_file(files.ca, _pem(authority.certificate))


def create_server_certificates(
    files: OwnFiles, authority: Authority, names: Sequence[str], now: datetime, days: int
) -> list[x509.Certificate]:
    """Two new pairs, one with an RSA and one with an ECDSA key: there are suites for one of them only (W 2.5).

    Raises OSError.
    """
    made: list[x509.Certificate] = []
    keys: list[tuple[Path, PrivateKey]] = [
        (files.rsa, rsa.generate_private_key(65537, RSA_BITS)),
        (files.ec, ec.generate_private_key(ec.SECP256R1())),
    ]
    for path, key in keys:
        certificate = authority.issue_server(names, key, now, days)
        write_file(path, _key_pem(key) + _pem(certificate))
        made.append(certificate)
    return made


def load_server_certificates(files: OwnFiles) -> list[x509.Certificate]:
    """Those of the files, RSA first. Raises TlsProblem."""
    found: list[x509.Certificate] = []
    for path in files.servers:
        if path.exists():
            try:
                found.append(x509.load_pem_x509_certificate(read_key_file(path)))
            except UNREADABLE:
                raise TlsProblem(
                    f"{path}: there is no certificate in it; make another one: csmsctl cert renew"
                ) from None
    return found


def names_of(certificate: x509.Certificate) -> list[str]:
    """The names and addresses that a certificate of ours is for: that of its CN first."""
    [common_name] = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    named = [str(common_name.value), *alternatives.get_values_for_type(x509.DNSName)]
    return list(dict.fromkeys(named))


def canonical_name(name: str) -> str:
    """A name or an address of this machine as certificates have it. Raises TlsProblem."""
    try:
        return str(ip_address(name.strip("[]")))
    except ValueError:
        pass
    if "*" in name:
        raise TlsProblem(f"{name!r} has a wildcard, which many charge points do not know; name each name")
    try:
        ascii_name = name.rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        ascii_name = ""
    if len(ascii_name) > _MOST_CHARACTERS or not _HOST_NAME.fullmatch(ascii_name):
        raise TlsProblem(f"{name!r} is neither a name nor an address of a machine, such as csms.local or 192.168.1.10")
    return ascii_name


def server_names(names: Sequence[str]) -> list[x509.GeneralName]:
    """An address is there as such and as a name: mbedTLS finds it nowhere but among the names."""
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            address = ip_address(name)
        except ValueError:
            found.append(x509.DNSName(name))
        else:
            found += [x509.IPAddress(address), x509.DNSName(str(address))]
    return found


def chain_pem(*certificates: x509.Certificate) -> str:
    """As charge points are sent it: leaf first, lines that end in LF."""
    return "".join(_pem(certificate).decode() for certificate in certificates)


def _sign(
    authority: Authority,
    subject: x509.Name,
    public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
    *,
    usages: Sequence[x509.ObjectIdentifier],
    alternatives: Sequence[x509.GeneralName] = (),
) -> x509.Certificate:
    ca = authority.certificate
    # RSA suites without forward secrecy encrypt to the key: without that usage mbedTLS and GnuTLS refuse them.
    encrypts = isinstance(public, rsa.RSAPublicKey) and bool(alternatives)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(_whole(now) - BACK_DATED, ca.not_valid_before_utc))
        .not_valid_after(min(_whole(now) + timedelta(days=days), ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(encrypts=encrypts), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_key_identifier(ca), critical=False)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def _subject(organization: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(*, signs_certificates: bool = False, encrypts: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=encrypts,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_identifier(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _whole(moment: datetime) -> datetime:
    """Certificates know whole seconds."""
    return moment.replace(microsecond=0)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
