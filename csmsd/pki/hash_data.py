"""CertificateHashData (W 6.3): certificates named as in OCSP, by hashes of their issuer's name and key."""

from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from csmsd.ports.certificates import HashData

HashAlgorithm = Literal["SHA256", "SHA384", "SHA512"]
ALGORITHMS: tuple[HashAlgorithm, ...] = get_args(HashAlgorithm)


def hash_data(
    certificate: x509.Certificate, issuer: x509.Certificate | None = None, algorithm: HashAlgorithm = "SHA256"
) -> HashData:
    """Of a certificate; of a root without its issuer: it is its own. Equal to `openssl ocsp`."""
    chosen = {"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}[algorithm]
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer or certificate, chosen).build()
    return HashData(
        algorithm, request.issuer_name_hash.hex(), request.issuer_key_hash.hex(), f"{request.serial_number:x}"
    )
