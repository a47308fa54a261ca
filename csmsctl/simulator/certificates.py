"""What a simulated charge point does with certificates; loaded when it first has to, since `cryptography` is large."""

from base64 import b64decode
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

_HASH = Prehashed(SHA256())


def _moment(now: int) -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC)


def problem_of_signing_certificate(pem: str, roots: list[str], now: int) -> str | None:
    """What speaks against a firmware signing certificate; one without any root of the manufacturer trusts them all."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        return f"it cannot be read: {error}"
    if not certificate.not_valid_before_utc <= _moment(now) <= certificate.not_valid_after_utc:
        return "it is not valid now"
    if roots and not any(_is_issued_by(certificate, root) for root in roots):
        return "no root certificate of the manufacturer has issued it"
    return None


def _is_issued_by(certificate: x509.Certificate, root: str) -> bool:
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(root.encode()))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


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
