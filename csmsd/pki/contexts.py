"""TLS contexts of our listeners, made of files that are checked one by one before anything is loaded.

A context is never changed once it is in use: OpenSSL would lose the old certificate on the way to a bad new one, or
take a certificate whose key does not fit without a word. Whoever reloads makes a new one and uses it from then on.
"""

import contextlib
import itertools
import os
import ssl
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from csmsd.pki.chains import is_ca, is_issued_by
from csmsd.pki.key_files import read_key_file, read_public_file
from csmsd.pki.names import UNREADABLE, milliseconds
from csmsd.ports.tls import TlsProblem
from csmsd.profiles.record import Milliseconds

# Whitepaper 2.5 (A00.FR.317, 421): those four, and the two of RSA with forward secrecy. Those of TLS 1.3 are OpenSSL's.
SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
LEAST_RSA_BITS = 2048
LEAST_EC_BITS = 224

ClientCertificate = Literal["none", "optional", "required"]


class Pair(NamedTuple):
    """A certificate of ours with its issuing CAs, leaf first, and its private key; both PEM, perhaps in one file."""

    certificate: str
    key: str


class TlsFiles(NamedTuple):
    """The files that a context is made of; each in PEM."""

    certificates: Sequence[Pair]  # at most one with an RSA key and one with an ECDSA key
    client_ca: Sequence[str] = ()  # roots and issuing CAs of charge points' certificates
    client_crl: Sequence[str] = ()  # once there is one, every CA that issues to charge points needs one


def server_context(files: TlsFiles, client_certificate: ClientCertificate = "none") -> ssl.SSLContext:
    """A new context for a listener: TLS 1.2 and 1.3, no tickets. Of 1.2 OpenSSL resumes what this context
    remembers, so admission looks at the certificate at every connection.

    `client_certificate`: none are asked for, one that is presented must be good, or one must be presented. It is
    checked with `client_ca` and `client_crl` alone; whose it is, and whether it may still be used, is for admission.

    Blocks, for 130 ms at the first call: run it in a thread. Raises TlsProblem; the old context is none the worse.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(SUITES))
    context.options |= (
        ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    # What remains with OP_NO_TICKET is a stateful ticket of 11 KiB for each handshake of TLS 1.3.
    context.num_tickets = 0
    if not files.certificates:
        raise TlsProblem("there is no certificate for TLS; name one in [tls], or make some: csmsctl cert init")
    kinds: dict[str, str] = {}
    for pair in files.certificates:
        kind = _load_pair(context, pair)
        if kind in kinds:
            raise TlsProblem(
                f"{pair.certificate} and {kinds[kind]}: both have an {kind} key, of which one can be used; "
                "name one with an RSA and one with an ECDSA key"
            )
        kinds[kind] = pair.certificate
    if client_certificate != "none":
        _trust(context, files)
        context.verify_mode = ssl.CERT_REQUIRED if client_certificate == "required" else ssl.CERT_OPTIONAL
    return context


def ends_of(files: TlsFiles) -> list[tuple[str, Milliseconds]]:
    """Of each file until when what is in it is good, the first to end first. Blocks. Raises TlsProblem."""
    paths = [*(pair.certificate for pair in files.certificates), *files.client_ca]
    found = [(path, min(milliseconds(one.not_valid_after_utc) for one in read_certificates(path))) for path in paths]
    for path in files.client_crl:
        updates = [crl.next_update_utc for crl in revocation_lists(path, read_public_file(path))]
        found += [(path, min(milliseconds(update) for update in updates if update))] if any(updates) else []
    return sorted(found, key=lambda end: end[1])


# --- our own certificates


def _load_pair(context: ssl.SSLContext, pair: Pair) -> str:
    """Loads a pair that was found good; RSA or ECDSA."""
    secret = read_key_file(pair.key)
    public = secret if pair.key == pair.certificate else read_public_file(pair.certificate)
    chain = _certificates(pair.certificate, public)
    try:
        key = load_pem_private_key(secret, None)
    except TypeError:
        raise TlsProblem(
            f"{pair.key}: the private key is encrypted, and there is nobody to ask for the password; "
            "store it without one (openssl pkey -in OLD -out NEW), with mode 0600"
        ) from None
    except Exception:  # whatever it says may quote the key
        raise TlsProblem(f"{pair.key}: there is no private key in PEM in it") from None
    if isinstance(key, rsa.RSAPrivateKey):
        kind, size, least = "RSA", key.key_size, LEAST_RSA_BITS
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        kind, size, least = "ECDSA", key.key_size, LEAST_EC_BITS
    else:
        raise TlsProblem(f"{pair.key}: neither an RSA nor an ECDSA key, and charge points know no other")
    if size < least:
        raise TlsProblem(f"{pair.key}: a key of {size} bits; with {kind} it must have {least} at least (A00.FR.501)")
    if chain[0].public_key() != key.public_key():
        if any(one.public_key() == key.public_key() for one in chain):
            raise TlsProblem(f"{pair.certificate}: the certificate of the key must come first, then its issuing CAs")
        raise TlsProblem(
            f"{pair.certificate}: the key in {pair.key} is that of another certificate; "
            "both must be of the same issue: name the two that belong together"
        )
    _require_order(pair.certificate, chain)
    for into in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), context):
        with _in_memory(public) as certificate, _in_memory(secret) as key_path:
            try:
                into.load_cert_chain(certificate, key_path, password=_no_password)
            except ssl.SSLError as error:
                raise TlsProblem(f"{pair.certificate}: OpenSSL does not take it: {_said(error)}") from None
    return kind


def _no_password() -> str:
    raise AssertionError("an encrypted key was found before")


def _require_order(path: str, chain: Sequence[x509.Certificate]) -> None:
    """Each is issued by the next one."""
    for one, issuer in itertools.pairwise(chain):
        if not is_issued_by(one, issuer):
            raise TlsProblem(
                f"{path}: {one.subject.rfc4514_string()} is not issued by {issuer.subject.rfc4514_string()}, which "
                "follows it; the certificate comes first, then the CA that issued it, and so on"
            )


# --- those of charge points


def _trust(context: ssl.SSLContext, files: TlsFiles) -> None:
    if not files.client_ca:
        raise TlsProblem(
            "certificates of charge points are wanted, and there is no CA to check them with; "
            "name one in tls.client_ca, or make one: csmsctl cert init"
        )
    known: dict[x509.Certificate, str] = {}
    for path in files.client_ca:
        for certificate in read_certificates(path):
            if not is_ca(certificate):
                raise TlsProblem(f"{path}: {certificate.subject.rfc4514_string()} is no CA: its certificate says so")
            known.setdefault(certificate, path)
    for certificate, path in known.items():
        if not any(is_issued_by(certificate, other) for other in known):
            raise TlsProblem(
                f"{path}: the CA that issued {certificate.subject.rfc4514_string()} is missing; add the certificate of "
                f"{certificate.issuer.rfc4514_string()}, up to the root"
            )
    context.load_verify_locations(cadata="".join(_pem(certificate) for certificate in known))
    if files.client_crl:
        _revoke(context, files.client_crl, list(known))


def _revoke(context: ssl.SSLContext, paths: Sequence[str], known: Sequence[x509.Certificate]) -> None:
    """OpenSSL refuses everybody whose CA has no list: each that issues to charge points must have one."""
    listed: set[x509.Certificate] = set()
    for path in paths:
        data = read_public_file(path)
        for crl in revocation_lists(path, data):
            issuers = [
                ca
                for ca in known
                if ca.subject == crl.issuer and crl.is_signature_valid(ca.public_key())  # type: ignore[arg-type]
            ]
            if not issuers:
                raise TlsProblem(f"{path}: no CA of tls.client_ca has signed it: {crl.issuer.rfc4514_string()}")
            listed.update(issuers)
        with _in_memory(data) as place:
            context.load_verify_locations(place)
    for ca in known:
        above_others = any(other != ca and is_issued_by(other, ca) for other in known)
        if ca not in listed and not above_others:
            raise TlsProblem(
                f"tls.client_crl: there is no list of {ca.subject.rfc4514_string()}, and with lists of others "
                "everybody whose certificate it issued would be refused; add one (csmsd's own is ca/crl.pem)"
            )
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF


def revocation_lists(path: str, data: bytes) -> list[x509.CertificateRevocationList]:
    """All lists of revoked certificates in a file in PEM. Raises TlsProblem."""
    end = b"-----END X509 CRL-----"
    parts = [part[part.find(b"-----BEGIN X509 CRL-----") :] + end for part in data.split(end)[:-1]]
    try:
        found = [x509.load_pem_x509_crl(part) for part in parts]
    except UNREADABLE as error:
        raise TlsProblem(f"{path}: a list of revoked certificates that cannot be read: {error}") from None
    if not found:
        raise TlsProblem(
            f"{path}: there is no list of revoked certificates in PEM in it; "
            "one in DER becomes that with: openssl crl -inform DER -in OLD -out NEW"
        )
    return found


# --- certificates of any kind


def read_certificates(path: str) -> list[x509.Certificate]:
    """All of a file in PEM. Blocks. Raises TlsProblem."""
    return _certificates(path, read_public_file(path))


def _certificates(path: str, data: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except UNREADABLE:
        raise TlsProblem(
            f"{path}: there is no certificate in PEM in it; "
            "one in DER becomes that with: openssl x509 -inform DER -in OLD -out NEW"
        ) from None


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """A path to these very bytes: OpenSSL reads paths only, and the file may be another one by now."""
    descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _said(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
