"""What the edge of certificates gives: signatures, roots, and the site's own authority."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from csmsd.profiles.record import Milliseconds
from csmsd.profiles.security.certificates import Certificate


class SignedChain(NamedTuple):
    """A certificate for a charge point: its chain as it is sent (PEM, leaf first), and its number in the books."""

    chain: str
    certificate: int


class NotSigned(NamedTuple):
    """Why there is no certificate; `waiting`: an operator has to sign the request."""

    reason: str
    waiting: bool = False


class CertificateSigner(Protocol):
    """What signs the requests of charge points, here or elsewhere. `max_length` is of the chain, in characters: where
    it is longer, the certificate goes alone.

    The same request is answered with the same certificate. Nothing is tried again by itself.
    """

    async def sign(
        self, csr: str, charge_point: str, *, task: int | None = None, max_length: int = 10_000
    ) -> SignedChain | NotSigned: ...


class RequestOffice(Protocol):
    """The requests of charge points, as operators know them. All of it raises NotStored."""

    async def sign_waiting(self, charge_point: str, *, max_length: int = 10_000) -> SignedChain | NotSigned: ...
    async def sign_approved(self, csr: str, charge_point: str) -> SignedChain | NotSigned: ...


class HashData(NamedTuple):
    """CertificateHashData (W 6.3): hexadecimal digits, lower case; the serial number without leading zeros."""

    hash_algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


class RootCertificate(NamedTuple):
    """A root to be installed on charge points, or to be deleted there, under each name that it may be reported by."""

    pem: str
    subject: str  # as RFC 4514 writes it
    serial: str
    fingerprint: str
    not_after: Milliseconds
    names: tuple[HashData, ...]


class Roots(Protocol):
    """Reads root certificates. Both may block."""

    def own_root(self) -> RootCertificate | None:
        """That of our own CA."""
        ...

    def read_root(self, text: str) -> RootCertificate:
        """Of a text in PEM. Raises TlsProblem for what is no self-signed CA."""
        ...


class CertificateOffice(Protocol):
    """The site's certificate authority, as operators know it. All of it raises TlsProblem or NotStored."""

    async def init(self, organization: str, names: Sequence[str]) -> bool: ...
    async def renew_servers(self) -> None: ...
    async def revoke(self, number: int, reason: str) -> Certificate | None: ...
    async def export_ca(self, user: str | None) -> str: ...
