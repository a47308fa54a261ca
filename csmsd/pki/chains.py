"""Who issued whom."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from csmsd.pki.names import UNREADABLE


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether it may issue others."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        return error.oid == x509.KeyUsage.oid and constraints.ca
    except UNREADABLE:
        return False
    return constraints.ca and usage.key_cert_sign


def is_issued_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    """By name and signature; whether it may is another question."""
    try:
        certificate.verify_directly_issued_by(ca)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True
