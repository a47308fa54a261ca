"""What a charge point does with certificates, for what plays one; loaded when needed: `cryptography` is large."""

import itertools
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from csmsd.profiles.security.certificate_hash_data import CertificateHashData

_HASH = Prehashed(SHA256())
_ALGORITHMS: dict[Literal["SHA256", "SHA384", "SHA512"], HashAlgorithm] = {
    "SHA256": SHA256(),
    "SHA384": SHA384(),
    "SHA512": SHA512(),
}


def _moment(now: int) -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC)


# --- roots


def problem_of_root(pem: str, now: int) -> str | None:
    """What speaks against trusting a root certificate (M05.FR.06); `now` in ms since 1970."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature) as error:
        return f"it is not signed by itself: {error}"
    return _out_of_time(certificate, now) if _is_ca(certificate) else "it is no CA"


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False


def _out_of_time(certificate: x509.Certificate, now: int) -> str | None:
    valid = certificate.not_valid_before_utc <= _moment(now) <= certificate.not_valid_after_utc
    return None if valid else "it is not valid now"


def is_issued_by(pem: str, root: str) -> bool:
    """Whether the first certificate of a text was signed with the key of another one."""
    try:
        certificate = x509.load_pem_x509_certificates(pem.encode())[0]
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(root.encode()))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def hash_data_of(pem: str, algorithm: Literal["SHA256", "SHA384", "SHA512"] = "SHA256") -> CertificateHashData:
    """The name of a root (6.1): it is its own issuer."""
    certificate = x509.load_pem_x509_certificate(pem.encode())

    def digest(data: bytes) -> str:
        made = Hash(_ALGORITHMS[algorithm])
        made.update(data)
        return made.finalize().hex()

    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return CertificateHashData(
        hash_algorithm=algorithm,
        issuer_name_hash=digest(certificate.issuer.public_bytes()),
        issuer_key_hash=digest(_bits_of_key(key)),
        serial_number=f"{certificate.serial_number:x}",
    )


def _bits_of_key(info: bytes) -> bytes:
    """The content of the BIT STRING of a SubjectPublicKeyInfo, without tag, length and unused bits."""
    _, body, _ = _element(info)
    _, _, rest = _element(body)  # the algorithm
    _, bits, _ = _element(rest)
    return bits[1:]


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """(tag, content, what follows) of the first element."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return der[0], der[start : start + length], der[start + length :]


# --- a certificate of its own


def new_key_and_request(common_name: str, organization: str, *, kind: Literal["ec", "rsa"] = "ec") -> tuple[str, str]:
    """A new private key and the request for its certificate (A02.FR.02, FR.03, FR.13), both in PEM."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    request = x509.CertificateSigningRequestBuilder(_name(common_name, organization)).sign(key, SHA256())
    return _pem_of_key(key), request.public_bytes(Encoding.PEM).decode()


def _name(common_name: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name),
        ]
    )


def _values(name: x509.Name, kind: x509.ObjectIdentifier) -> list[str | bytes]:
    return [one.value for one in name.get_attributes_for_oid(kind)]


def _pem_of_key(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def problem_of_chain(
    chain: str, roots: list[str], key: str, common_name: str, organization: str, now: int
) -> str | None:
    """What speaks against a certificate that came (A02.FR.06): key, names, time, and the path to a root."""
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
        own = load_pem_private_key(key.encode(), None).public_key()
    except ValueError as error:
        return f"it cannot be read: {error}"
    leaf = certificates[0]
    formed = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if leaf.public_key().public_bytes(*formed) != own.public_bytes(*formed):
        return "it is not for the key that was made last"
    if _values(leaf.subject, x509.NameOID.COMMON_NAME) != [common_name]:
        return "it is for another name"
    if _values(leaf.subject, x509.NameOID.ORGANIZATION_NAME) != [organization]:
        return "it is for another organization"
    wrong = _out_of_time(leaf, now)
    if wrong is not None:
        return wrong
    for issued, issuer in itertools.pairwise(certificates):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            return "its chain is broken"
        if not _is_ca(issuer):
            return "in its chain is an issuer that is no CA"
    last = certificates[-1].public_bytes(Encoding.PEM).decode()
    if not any(is_issued_by(last, root) for root in roots):
        return "no root that is installed has issued it"
    return None


def problem_of_server_certificate(der: bytes, name: str) -> str | None:
    """What the certification has against a certificate of a Central System of that name (TC_086)."""
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    least = 2048 if isinstance(key, rsa.RSAPublicKey) else 224
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) or key.key_size < least:
        return f"its key must be RSA of 2048 bits, or EC of 224, at least, and is {key!r}"
    names = _values(certificate.subject, x509.NameOID.COMMON_NAME)
    return None if names == [name] else f"its commonName must be {name}, and is {names}"


def expired_certificate(common_name: str, organization: str, now: int) -> tuple[str, str]:
    """A certificate whose time is over, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, end = _name(common_name, organization), _moment(now) - timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, end - timedelta(days=30), end).sign(key, SHA256())
    return made.public_bytes(Encoding.PEM).decode(), _pem_of_key(key)


# --- signed firmware


def problem_of_signing_certificate(pem: str, roots: list[str], now: int) -> str | None:
    """What speaks against a firmware signing certificate; one without any root of the manufacturer trusts them all."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        return f"it cannot be read: {error}"
    wrong = _out_of_time(certificate, now)
    if wrong is None and roots and not any(is_issued_by(pem, root) for root in roots):
        return "no root certificate of the manufacturer has issued it"
    return wrong


def problem_of_signature(pem: str, signature: str, digest: bytes) -> str | None:
    """What is wrong with the signature of a file that has that SHA-256."""
    try:
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        given = b64decode(signature, validate=True)
    except (ValueError, UnsupportedAlgorithm) as error:
        return str(error)
    if isinstance(key, ec.EllipticCurvePublicKey):
        try:
            key.verify(given, digest, ec.ECDSA(_HASH))
        except InvalidSignature:
            return "it is not by the key of the certificate"
        return None
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
        for how in (pss, padding.PKCS1v15()):
            try:
                key.verify(given, digest, how, _HASH)
            except InvalidSignature:
                continue
            return None
    return "it is not by the key of the certificate"


# --- what a maker of charge points, or an operator, has


def new_root(common_name: str) -> str:
    """A root certificate, of ten days."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(*(False,) * 5, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
    made = (
        _new_certificate(common_name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def new_signing_certificate(common_name: str) -> tuple[str, str]:
    """A certificate to sign firmware with, of ten days, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _new_certificate(common_name, key).sign(key, SHA256())
    return made.public_bytes(Encoding.PEM).decode(), _pem_of_key(key)


def _new_certificate(common_name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    name, begin = _name(common_name, "csms"), datetime.now(UTC) - timedelta(days=1)
    number = x509.random_serial_number()
    return x509.CertificateBuilder(name, name, key.public_key(), number, begin, begin + timedelta(days=10))


def signature_of(key: str, digest: bytes) -> str:
    """The signature, in base64, of what has that SHA-256."""
    private = load_pem_private_key(key.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return b64encode(private.sign(digest, ec.ECDSA(_HASH))).decode()
