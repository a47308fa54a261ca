"""A signer of the site's: an executable that reads a request and writes the certificate with its issuing CAs."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from csmsd.pki.chains import is_issued_by
from csmsd.pki.names import UNREADABLE, UnusableCertificate, one_name
from csmsd.pki.requests import Request
from csmsd.runtime.executables import Failed, run_executable

_MOST_BYTES = 64 * 1024


class SignerFailed(Exception):
    """It gave nothing that can be used; the text says why."""


async def ask_signer(executable: str, request: Request, timeout: float) -> bytes:
    """What it writes for a request in PEM, which it is given on its standard input. Raises SignerFailed."""
    try:
        return await run_executable(executable, request.pem.encode(), timeout, _MOST_BYTES)
    except Failed as error:
        raise SignerFailed(f"the signer {executable} {error}") from None


def read_chain(
    data: bytes, request: Request, trusted: Sequence[x509.Certificate], now: datetime
) -> list[x509.Certificate]:
    """The chain that answers a request: leaf first, without the root. `trusted` are the CAs that may issue to charge
    points. Raises SignerFailed for one with which the charge point would be refused, here or by itself.
    """
    try:
        found = x509.load_pem_x509_certificates(data)
        leaves = [one for one in found if one.public_key() == request.csr.public_key()]
    except UNREADABLE:
        raise SignerFailed("the signer wrote no certificate in PEM that can be read") from None
    if len(leaves) != 1:
        raise SignerFailed("the signer wrote no certificate for the key of the request")
    leaf = leaves[0]
    _require_fitting(leaf, request, now)
    chain = [leaf]
    while issuers := [one for one in found if one not in chain and is_issued_by(chain[-1], one)]:
        if issuers[0].subject == issuers[0].issuer:
            break  # roots are not sent: a charge point trusts the one that it has
        chain.append(issuers[0])
    if not any(is_issued_by(one, ca) for one in chain for ca in trusted):
        raise SignerFailed(
            f"no CA of tls.client_ca has issued it ({leaf.issuer.rfc4514_string()}): with it the charge point would "
            "not be let in"
        )
    return chain


def _require_fitting(leaf: x509.Certificate, request: Request, now: datetime) -> None:
    try:
        organization = one_name(leaf.subject, x509.NameOID.ORGANIZATION_NAME)
        common_name = one_name(leaf.subject, x509.NameOID.COMMON_NAME)
    except UnusableCertificate as error:
        raise SignerFailed(f"the signer wrote a certificate that names nobody: {error}") from None
    if (organization, common_name) != (request.organization, request.common_name):
        raise SignerFailed(f"the signer wrote a certificate for {leaf.subject.rfc4514_string()}")
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        raise SignerFailed(
            f"the signer wrote a certificate that is good from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, and not now"
        )
    try:
        extensions = leaf.extensions
    except UNREADABLE as error:
        raise SignerFailed(f"the signer wrote a certificate that cannot be read: {error}") from None
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            raise SignerFailed("the signer wrote a certificate that makes the charge point a CA")
        if isinstance(value, x509.ExtendedKeyUsage) and x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH not in value:
            raise SignerFailed("the signer wrote a certificate that is not for clients (clientAuth is missing)")
        if isinstance(value, x509.KeyUsage) and not value.digital_signature:
            raise SignerFailed("the signer wrote a certificate that may not sign (digitalSignature is missing)")
