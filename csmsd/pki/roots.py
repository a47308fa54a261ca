"""Root certificates that charge points are to trust."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from csmsd.pki.chains import is_ca, is_issued_by
from csmsd.pki.hash_data import ALGORITHMS, hash_data
from csmsd.pki.names import UNREADABLE, milliseconds
from csmsd.ports.certificates import RootCertificate
from csmsd.ports.tls import TlsProblem

MOST_CHARACTERS = 5500  # W 5.10


def read_root(text: str) -> RootCertificate:
    """A self-signed CA in PEM, alone. Raises TlsProblem: one that is no root makes charge points trust nobody."""
    try:
        found = x509.load_pem_x509_certificates(text.encode())
        names = [(one.subject.rfc4514_string(), one.issuer.rfc4514_string()) for one in found]
    except UNREADABLE as error:
        raise TlsProblem(f"there is no certificate in PEM in it that can be read: {error}") from None
    if len(found) != 1:
        raise TlsProblem(f"there are {len(found)} certificates in it; a charge point is given one root at a time")
    [root], [(subject, issuer)] = found, names
    if not is_issued_by(root, root):
        raise TlsProblem(f"{subject} is no root: it was issued by {issuer}; give that one")
    if not is_ca(root):
        raise TlsProblem(f"{subject} is no CA: its certificate says so")
    pem = root.public_bytes(Encoding.PEM).decode()
    if len(pem) > MOST_CHARACTERS:
        raise TlsProblem(f"{subject} is longer than {MOST_CHARACTERS} characters in PEM, and so cannot be sent")
    return RootCertificate(
        pem=pem,
        subject=subject,
        serial=f"{root.serial_number:x}",
        fingerprint=root.fingerprint(hashes.SHA256()).hex(),
        not_after=milliseconds(root.not_valid_after_utc),
        names=tuple(hash_data(root, root, algorithm) for algorithm in ALGORITHMS),
    )
