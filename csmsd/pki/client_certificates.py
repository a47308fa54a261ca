"""Whether a charge point's certificate lets it in now (W A00.FR.403 to 407, 427, 702, 704).

TLS has found the path good at the handshake, and looks no more. Whose certificate it is, and whether it is still good,
is asked at every connection, of our own records: never of a serial number that a charge point reports.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from csmsd.pki.key_files import read_public_file
from csmsd.pki.server_contexts import ServerContexts
from csmsd.ports.tls import TlsProblem
from csmsd.profiles.core.charge_points import ChargePoint
from csmsd.profiles.policies import Security
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.security.certificates import Certificates

if TYPE_CHECKING:
    from cryptography import x509

_MOST_IN_PATH = 8


class ClientCertificates:
    """The certificates of charge points, looked at as they come; `security` is changed by a reload."""

    def __init__(self, known: Callable[[], Certificates], security: Security, contexts: ServerContexts) -> None:
        self._known = known
        self._security = security
        self._contexts = contexts
        self._loaded: tuple[object, list[x509.Certificate], list[x509.CertificateRevocationList]] | None = None

    def fingerprint(self, der: bytes) -> str:
        """SHA-256, in hexadecimal digits."""
        from csmsd.pki.names import peer_certificate

        return peer_certificate(der).fingerprint

    def problem(self, charge_point: ChargePoint, der: bytes, now: Milliseconds) -> str | None:
        """Why a certificate whose path is good is not this charge point's, or may not be used now."""
        from csmsd.pki.names import UnusableCertificate, peer_certificate

        try:
            shown = peer_certificate(der)
        except UnusableCertificate as error:
            return str(error)
        if not shown.is_valid_at(now):
            return "it is over, or not valid yet"
        if shown.organization not in self._organizations():
            return f"its organization (O) is {shown.organization!r}, and none of this site's"
        if charge_point.certificate_name is None:
            return "no name is pinned that its certificate has to bear"
        if shown.common_name != charge_point.certificate_name:
            return f"its name (CN) is {shown.common_name!r}, and not {charge_point.certificate_name!r}"
        return self._known().why_refused(shown.fingerprint, shown.issuer, charge_point.id)

    def _organizations(self) -> set[str]:
        own = {known.organization for known in self._known() if known.kind == "ca"}
        return set(self._security.organizations) or own

    def path_problem(self, der: bytes, now: Milliseconds) -> str | None:
        """Why a certificate that a proxy has seen is not good, by what OpenSSL asks for where there is no proxy: it is
        for a client, strong, issued by a CA of ours, and not revoked.
        """
        from csmsd.pki.names import UNREADABLE

        try:
            return self._path_problem(der, now)
        except TlsProblem as error:
            return str(error)
        except UNREADABLE as error:
            return f"it cannot be read: {error}"

    def _path_problem(self, der: bytes, now: Milliseconds) -> str | None:
        from cryptography import x509

        from csmsd.pki.chains import is_ca, is_issued_by
        from csmsd.pki.names import milliseconds

        def over(certificate: x509.Certificate) -> bool:
            since, until = milliseconds(certificate.not_valid_before_utc), milliseconds(certificate.not_valid_after_utc)
            return not since <= now <= until

        found = x509.load_der_x509_certificate(der)
        authorities, lists = self._trusted()
        problem = _usage_problem(found) or _weakness(found) or _revocation(found, lists, now)
        if problem is not None:
            return problem
        at = found
        for _ in range(_MOST_IN_PATH):
            if over(at):
                return "it is over, or not valid yet"
            issuer = next((ca for ca in authorities if is_ca(ca) and is_issued_by(at, ca)), None)
            if issuer is None:
                return "no CA that is known here has issued it"
            if issuer.subject == issuer.issuer:
                return "its CA is over" if over(issuer) else None
            at = issuer
        return "its path is too long"

    def _trusted(self) -> "tuple[list[x509.Certificate], list[x509.CertificateRevocationList]]":
        """The CAs and lists of the files that there are now. Raises TlsProblem."""
        from csmsd.pki.contexts import read_certificates, revocation_lists

        files = self._contexts.files()
        now = [(path, _changed(path)) for path in (*files.client_ca, *files.client_crl)]
        if self._loaded is None or self._loaded[0] != now:
            self._loaded = (
                now,
                [one for path in files.client_ca for one in read_certificates(path)],
                [one for path in files.client_crl for one in revocation_lists(path, read_public_file(path))],
            )
        return self._loaded[1], self._loaded[2]


def _usage_problem(certificate: "x509.Certificate") -> str | None:
    from cryptography import x509

    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None  # it is for whatever it may be wanted
    return None if x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH in usage else "it is none of a client"


def _weakness(certificate: "x509.Certificate") -> str | None:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    from csmsd.pki.contexts import LEAST_EC_BITS, LEAST_RSA_BITS

    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        least = LEAST_RSA_BITS
    elif isinstance(public, ec.EllipticCurvePublicKey):
        least = LEAST_EC_BITS
    else:
        return "its key is neither RSA nor ECDSA"
    if public.key_size < least:
        return f"its key has {public.key_size} bits, and needs {least}"
    return None


def _revocation(
    certificate: "x509.Certificate", lists: "list[x509.CertificateRevocationList]", now: Milliseconds
) -> str | None:
    from csmsd.pki.names import milliseconds

    for crl in lists:
        if crl.issuer != certificate.issuer:
            continue
        if crl.next_update_utc is not None and milliseconds(crl.next_update_utc) < now:
            return "the list of what its CA has revoked is over"
        if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            return "it is revoked"
    return None


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0
