"""What clients would refuse in a server's certificate, and why: libraries disagree about names, usages and keys.

OpenSSL, mbedTLS (2.28), GnuTLS and Go are what charge points are built with.
"""

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Literal, NamedTuple, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from csmsd.pki.chains import is_ca, is_issued_by
from csmsd.pki.names import UNREADABLE

E = TypeVar("E", bound=x509.ExtensionType)

EVERYBODY = "every client"
_SOON = timedelta(days=14)
_SMALL_DEVICE_BYTES = 4096  # of the chain: buffers of small TLS libraries
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_PSS = x509.oid.SignatureAlgorithmOID.RSASSA_PSS


class Finding(NamedTuple):
    """`refused`: these clients do not connect; `warning`: some may not, or will not for long."""

    severity: Literal["refused", "warning"]
    who: str
    text: str


def lint_chain(chain: Sequence[x509.Certificate], names: Sequence[str], now: datetime) -> list[Finding]:
    """What speaks against a chain, leaf first, for clients that connect to one of the names or addresses."""
    leaf = chain[0]
    rules = [_validity(leaf, now), _usages(leaf), _key(leaf), _signatures(chain), _names(leaf, names), _order(chain)]
    found = [finding for rule in rules for finding in rule]
    return sorted(found, key=lambda finding: finding.severity != "refused")


def described(chain: Sequence[x509.Certificate]) -> dict[str, object]:
    """A chain as operators are shown it."""
    leaf = chain[0]
    return {
        "subject": leaf.subject.rfc4514_string(),
        "issuer": leaf.issuer.rfc4514_string(),
        "names": [*dict.fromkeys([*_dns_names(leaf), *map(str, _addresses(leaf))])],
        "key": key_text(leaf),
        "key_usages": _usage_words(leaf),
        "not_before": _time(leaf.not_valid_before_utc),
        "not_after": _time(leaf.not_valid_after_utc),
        "fingerprint": leaf.fingerprint(hashes.SHA256()).hex(),
        "chain": [one.subject.rfc4514_string() for one in chain[1:]],
    }


def key_text(certificate: x509.Certificate) -> str:
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return f"RSA {public.key_size}"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return f"ECDSA {public.curve.name}"
    return type(public).__name__


def names_in(certificate: x509.Certificate) -> list[str]:
    """What a client may call the server by: its names and addresses, or its CN where it has none."""
    named = list(dict.fromkeys([*_dns_names(certificate), *map(str, _addresses(certificate))]))
    return named or _common_names(certificate)


# --- rules


def _validity(leaf: x509.Certificate, now: datetime) -> Iterator[Finding]:
    if now > leaf.not_valid_after_utc:
        yield Finding("refused", EVERYBODY, f"it has expired on {leaf.not_valid_after_utc:%Y-%m-%d}")
    elif now > leaf.not_valid_after_utc - _SOON:
        yield Finding("warning", EVERYBODY, f"it expires on {leaf.not_valid_after_utc:%Y-%m-%d}")
    if now < leaf.not_valid_before_utc:
        yield Finding("refused", EVERYBODY, f"it is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")


def _usages(leaf: x509.Certificate) -> Iterator[Finding]:
    usage = _extension(leaf, x509.KeyUsage)
    if usage is not None:
        if not usage.digital_signature:
            yield Finding("refused", EVERYBODY, "the key may not sign (digitalSignature), as all ECDHE suites need it")
        if isinstance(leaf.public_key(), rsa.RSAPublicKey) and not usage.key_encipherment:
            yield Finding(
                "refused",
                "mbedTLS and GnuTLS",
                "the key may not encipher (keyEncipherment), as the two TLS_RSA suites need it: charge points that "
                "have no others stay out",
            )
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    if extended is not None and not {
        x509.oid.ExtendedKeyUsageOID.SERVER_AUTH,
        x509.oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    } & set(extended):
        yield Finding("refused", EVERYBODY, "it is not for servers (serverAuth is missing)")
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        yield Finding("warning", "some clients", "it is that of a CA, which no server should have")
    if leaf.subject != leaf.issuer and _extension(leaf, x509.AuthorityKeyIdentifier) is None:
        yield Finding("refused", "OpenSSL where it is strict", "it has no authority key identifier")


def _key(leaf: x509.Certificate) -> Iterator[Finding]:
    public = leaf.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < 2048:
            yield Finding("refused", EVERYBODY, f"its RSA key has {public.key_size} bits, and needs 2048 (A00.FR.502)")
        elif public.key_size > 2048:
            yield Finding(
                "warning",
                "small charge points",
                f"its RSA key has {public.key_size} bits; with more than 2048 a handshake overtaxes them (J 6.2.1)",
            )
    elif isinstance(public, ec.EllipticCurvePublicKey):
        if not isinstance(public.curve, _CURVES):
            yield Finding("refused", "OpenSSL and Go", f"its key is on the curve {public.curve.name}")
    else:
        yield Finding("refused", "charge points", "its key is neither RSA nor ECDSA: no suite of the whitepaper fits")


def _signatures(chain: Sequence[x509.Certificate]) -> Iterator[Finding]:
    for one in chain:
        if one.subject == one.issuer:
            continue  # nobody checks the signature of a root
        name = "it" if one is chain[0] else one.subject.rfc4514_string()
        algorithm = one.signature_hash_algorithm
        if isinstance(algorithm, hashes.SHA1 | hashes.MD5):
            yield Finding("refused", EVERYBODY, f"{name} is signed with {algorithm.name.upper()}")
        if one.signature_algorithm_oid == _PSS:
            yield Finding("warning", "mbedTLS, and the certification's test tool", f"{name} is signed with RSA-PSS")


def _names(leaf: x509.Certificate, names: Sequence[str]) -> Iterator[Finding]:
    dns, addresses, common = _dns_names(leaf), _addresses(leaf), _common_names(leaf)
    if not common:
        yield Finding("warning", "charge points that go by the whitepaper", "its subject has no CN (A00.FR.510)")
    if not leaf.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME):
        yield Finding("warning", "charge points that go by the whitepaper", "its subject has no O (A00.FR.509)")
    for name in dns:
        if "*" in name:
            yield Finding("refused", "libocpp", f"{name} is a wildcard")
    for name in names:
        refusing = _who_refuses(name, dns, addresses, common)
        if len(refusing) == len(_LIBRARIES):
            yield Finding("refused", EVERYBODY, f"it is not for {name}")
        elif refusing:
            yield Finding("refused", " and ".join(refusing), _why_refused(name, dns, addresses))


_LIBRARIES = ("OpenSSL", "GnuTLS", "Go", "mbedTLS")


def _who_refuses(name: str, dns: Sequence[str], addresses: Sequence[object], common: Sequence[str]) -> list[str]:
    """Of the four libraries those that do not find a name or an address in the certificate."""
    named = any(_fits(pattern, name) for pattern in dns)
    # A CN is looked at where there is no name beside it.
    by_common = not dns and not addresses and any(_fits(pattern, name) for pattern in common)
    try:
        address = ip_address(name)
    except ValueError:
        found = {
            "OpenSSL": named or by_common,
            "GnuTLS": named or by_common,
            "Go": named,
            "mbedTLS": named or by_common,
        }
    else:
        there = address in addresses
        found = {"OpenSSL": there, "GnuTLS": there, "Go": there, "mbedTLS": named or by_common}
    return [library for library in _LIBRARIES if not found[library]]


def _why_refused(name: str, dns: Sequence[str], addresses: Sequence[object]) -> str:
    try:
        there = ip_address(name) in addresses
    except ValueError:
        return f"{name} stands in its CN alone, which they do not read"
    if there:
        return f"{name} stands there as an address, and they look for it among the names"
    return f"{name} is an address, and stands nowhere as one"


def _fits(pattern: str, name: str) -> bool:
    pattern, name = pattern.lower().rstrip("."), name.lower().rstrip(".")
    if pattern.startswith("*."):
        return "." in name and name.partition(".")[2] == pattern[2:]
    return pattern == name


def _order(chain: Sequence[x509.Certificate]) -> Iterator[Finding]:
    for one, above in itertools.pairwise(chain):
        if not is_issued_by(one, above):
            yield Finding(
                "refused",
                "clients that do not sort",
                f"{above.subject.rfc4514_string()} follows, and has not issued {one.subject.rfc4514_string()}",
            )
        elif not is_ca(above):
            yield Finding("refused", EVERYBODY, f"{above.subject.rfc4514_string()} issued it, and is no CA")
    last = chain[-1]
    if len(chain) > 1 and last.subject == last.issuer:
        yield Finding("warning", "small charge points", "the root is sent, too, which none of them needs")
    size = sum(len(one.public_bytes(Encoding.DER)) for one in chain)
    if size > _SMALL_DEVICE_BYTES:
        yield Finding("warning", "small charge points", f"the chain has {size} bytes, and buffers often {4096}")


# --- what stands in it


def _dns_names(certificate: x509.Certificate) -> list[str]:
    alternatives = _extension(certificate, x509.SubjectAlternativeName)
    return [] if alternatives is None else alternatives.get_values_for_type(x509.DNSName)


def _addresses(certificate: x509.Certificate) -> list[object]:
    alternatives = _extension(certificate, x509.SubjectAlternativeName)
    return [] if alternatives is None else list(alternatives.get_values_for_type(x509.IPAddress))


def _common_names(certificate: x509.Certificate) -> list[str]:
    return [str(one.value) for one in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]


def _usage_words(certificate: x509.Certificate) -> list[str]:
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None:
        return []
    words = {
        "digitalSignature": usage.digital_signature,
        "keyEncipherment": usage.key_encipherment,
        "keyAgreement": usage.key_agreement,
        "keyCertSign": usage.key_cert_sign,
    }
    return [word for word, there in words.items() if there]


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"
