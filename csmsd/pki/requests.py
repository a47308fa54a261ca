"""Requests for certificates (CSR): read in every form that charge points send, and checked before they are signed."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from hashlib import sha256
from ipaddress import ip_address
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from csmsd.pki.names import UNREADABLE, UnusableCertificate, one_name

MOST_CHARACTERS = 5500  # W 5.16
_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 8192  # beyond, a check takes long
# OpenSSL takes client certificates of the curves that it would agree keys on: no P-224, which the whitepaper allows.
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_BEGIN = "-----BEGIN CERTIFICATE REQUEST-----"
_END = "-----END CERTIFICATE REQUEST-----"


class RequestRefused(Exception):
    """A request that is not signed; the text says why, and what to do."""


class Request(NamedTuple):
    """A request that is as it must be."""

    csr: x509.CertificateSigningRequest
    organization: str
    common_name: str
    pem: str
    hash: str  # SHA-256 of its DER, hexadecimal digits, lower case
    key_hash: str  # of its public key


def read_request(text: str) -> Request:
    """Reads and checks one: PEM, PEM whose lines end in a literal \\n, bare base64, or DER in hexadecimal digits.

    Raises RequestRefused. What it asks for beyond O and CN (extensions: to be a CA, for one) is not looked at.
    """
    der = _der(text)
    try:
        csr = x509.load_der_x509_csr(der)
        public = csr.public_key()
        subject = csr.subject
        algorithm = csr.signature_hash_algorithm
    except UNREADABLE as error:
        raise RequestRefused(f"the request cannot be read: {error}") from None
    _require_key(public)
    if not isinstance(algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        raise RequestRefused("the request is not signed with SHA-256, SHA-384 or SHA-512 (A00.FR.506)")
    if not _is_signed(csr):
        raise RequestRefused("the signature of the request is not that of the key in it")
    organization, common_name = _names(subject)
    return Request(
        csr=csr,
        organization=organization,
        common_name=common_name,
        pem=csr.public_bytes(Encoding.PEM).decode(),
        hash=sha256(der).hexdigest(),
        key_hash=key_hash(public),
    )


def key_hash(public: object) -> str:
    """SHA-256 of a public key, in hexadecimal digits."""
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return sha256(spki).hexdigest()


def _der(text: str) -> bytes:
    if len(text) > MOST_CHARACTERS:
        raise RequestRefused(f"the request is longer than {MOST_CHARACTERS} characters")
    plain = text.replace("\\r", "").replace("\\n", "\n").strip()
    if plain.startswith("-----BEGIN"):
        begin, end = plain.find(_BEGIN), plain.find(_END)
        if begin or end < 0 or plain[end + len(_END) :].strip():
            raise RequestRefused("the request is no single CERTIFICATE REQUEST in PEM")
        plain = plain[len(_BEGIN) : end]
    plain = re.sub(r"\s+", "", plain)
    if re.fullmatch(r"([0-9A-Fa-f]{2})+", plain) and plain[:2] == "30":
        return bytes.fromhex(plain)
    try:
        return b64decode(plain, validate=True)
    except (Base64Error, ValueError):
        raise RequestRefused("the request is neither PEM nor base64 nor hexadecimal digits") from None


def _require_key(public: object) -> None:
    if isinstance(public, rsa.RSAPublicKey):
        if not _LEAST_RSA_BITS <= public.key_size <= _MOST_RSA_BITS:
            raise RequestRefused(
                f"its RSA key has {public.key_size} bits; it must have {_LEAST_RSA_BITS} at least (A00.FR.502)"
                if public.key_size < _LEAST_RSA_BITS
                else f"its RSA key has {public.key_size} bits; more than {_MOST_RSA_BITS} are not taken"
            )
    elif isinstance(public, ec.EllipticCurvePublicKey):
        if not isinstance(public.curve, _CURVES):
            raise RequestRefused(
                f"its key is on the curve {public.curve.name}, with which OpenSSL lets nobody in; "
                "P-256, P-384 and P-521 are taken"
            )
    else:
        raise RequestRefused("its key is neither RSA nor ECDSA")


def _is_signed(csr: x509.CertificateSigningRequest) -> bool:
    try:
        return csr.is_signature_valid
    except UNREADABLE:
        return False


def _names(subject: x509.Name) -> tuple[str, str]:
    """O and CN."""
    if not subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME):
        raise RequestRefused("its subject has no O: set the configuration key CpoName before the charge point asks")
    try:
        organization = one_name(subject, x509.NameOID.ORGANIZATION_NAME)
        common_name = one_name(subject, x509.NameOID.COMMON_NAME)
    except UnusableCertificate as error:
        raise RequestRefused(str(error)) from None
    if why := why_no_serial_number(common_name):
        raise RequestRefused(why)
    return organization, common_name


def why_no_serial_number(common_name: str) -> str | None:
    """What speaks against a CN of a charge point (W A00.FR.511)."""
    try:
        ip_address(common_name.strip("[]"))
    except ValueError:
        if "://" not in common_name:
            return None
        return f"the CN {common_name!r} is a URL (A00.FR.511)"
    return f"the CN {common_name!r} is an IP address (A00.FR.511)"


def require_names(request: Request, organizations: Sequence[str], certificate_name: str | None) -> None:
    """O must be one of these, and CN that name, to the letter. Raises RequestRefused."""
    if request.organization not in organizations:
        wanted = " or ".join(repr(name) for name in organizations)
        raise RequestRefused(
            f"its O is {request.organization!r}, and must be {wanted}: set the configuration key CpoName to that"
        )
    if certificate_name is not None and request.common_name != certificate_name:
        raise RequestRefused(
            f"its CN is {request.common_name!r}, and the certificates of this charge point bear {certificate_name!r}"
        )
