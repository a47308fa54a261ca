"""Signatures of firmware (whitepaper L01.FR.04, FR.09): of one SHA-256, by RSA-PSS, RSA PKCS#1 v1.5 or ECDSA.

Charge points differ in what they verify: libevse-security knows RSA by PKCS#1 v1.5 only, the whitepaper says PSS.
"""

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from csmsd.pki.names import UNREADABLE

_HASH = Prehashed(SHA256())
_PKCS1 = padding.PKCS1v15()


class UnusableSignature(Exception):
    """A key, a certificate or a signature that proves nothing; the text says why."""


def signature_of_digest(key: bytes, digest: bytes, rsa_padding: Literal["pss", "pkcs1"] = "pss") -> str:
    """The signature in base64 of what has that SHA-256; `key` is PEM without a passphrase. Raises UnusableSignature."""
    try:
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableSignature(f"the key cannot be used: {error}") from None
    if isinstance(private, rsa.RSAPrivateKey):
        how = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH) if rsa_padding == "pss" else _PKCS1
        made = private.sign(digest, how, _HASH)
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        made = private.sign(digest, ec.ECDSA(_HASH))
    else:
        raise UnusableSignature("the key is neither RSA nor of an elliptic curve")
    return b64encode(made).decode()


def verified_signature(certificate: bytes, digest: bytes, signature: str, now: datetime | None = None) -> str:
    """How what has that SHA-256 was signed with the key of a certificate (PEM): RSA-PSS, say.

    Raises UnusableSignature where it was not, or where the certificate is not valid at that time (now).
    """
    try:
        signing = x509.load_pem_x509_certificate(certificate)
        public = signing.public_key()
    except UNREADABLE as error:
        raise UnusableSignature(f"the signing certificate cannot be read: {error}") from None
    now = now or datetime.now(UTC)
    if not signing.not_valid_before_utc <= now <= signing.not_valid_after_utc:
        raise UnusableSignature(
            f"the signing certificate is valid from {signing.not_valid_before_utc:%Y-%m-%d} "
            f"to {signing.not_valid_after_utc:%Y-%m-%d} only"
        )
    try:
        given = b64decode(signature, validate=True)
    except ValueError:
        raise UnusableSignature("the signature is no base64") from None
    if isinstance(public, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
        for name, how in (("RSA-PSS", pss), ("RSA PKCS#1 v1.5", _PKCS1)):
            try:
                public.verify(given, digest, how, _HASH)
                return name
            except InvalidSignature:
                continue
    elif isinstance(public, ec.EllipticCurvePublicKey):
        try:
            public.verify(given, digest, ec.ECDSA(_HASH))
            return "ECDSA"
        except InvalidSignature:
            pass
    else:
        raise UnusableSignature("the key of the signing certificate is neither RSA nor of an elliptic curve")
    raise UnusableSignature("the signature is not that of this file by the key of the signing certificate")
