"""What each library would refuse, as the certificates say that they would."""

import inspect
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from csmsd.pki.authority import create_authority
from csmsd.pki.lint import described, lint_chain, names_in
from csmsd.pki.own_files import OwnFiles
from tests.csmsd.pki.issuing import Issued, authority, distinguished, ec_key, issue, rsa_key

NOW = datetime.now(UTC)
CA = authority("Root")
ADDRESS = "192.168.1.10"


def lint(certificate: Issued | Sequence[Issued], *names: str, now: datetime = NOW) -> list[tuple[str, str, str]]:
    chain = [certificate] if isinstance(certificate, Issued) else certificate
    found = lint_chain([one.certificate for one in chain], names, now)
    # What our plain test certificates lack on purpose everywhere.
    return [(*one,) for one in found if "authority key identifier" not in one.text]


def server(*names: x509.GeneralName, cn: Sequence[str] = ("csms.local",), **more: Any) -> Issued:
    return issue(distinguished(*cn), CA, names=names, **more)


DNS = x509.DNSName


def test_nothing_speaks_against_what_we_make_ourselves(tmp_path: Any) -> None:
    made = create_authority(OwnFiles(tmp_path), "My CPO", NOW)
    for key in (rsa_key(), ec_key()):
        certificate = made.issue_server(["csms.local", ADDRESS, "2001:db8::1"], key, NOW, 90)
        assert lint_chain([certificate], ["csms.local", ADDRESS, "2001:db8::1", "CSMS.LOCAL."], NOW) == []


@pytest.mark.parametrize(
    ("certificate", "name", "who"),
    [
        (server(DNS("csms.local")), "csms.local", None),
        (server(), "csms.local", "Go"),
        (server(DNS("other.local")), "csms.local", "every client"),
        (server(DNS("other.local")), "other.local", None),
        (server(x509.IPAddress(ip_address(ADDRESS)), cn=[ADDRESS]), ADDRESS, "mbedTLS"),
        (server(cn=[ADDRESS]), ADDRESS, "OpenSSL and GnuTLS and Go"),
        (server(DNS(ADDRESS), cn=[ADDRESS]), ADDRESS, "OpenSSL and GnuTLS and Go"),
        (server(DNS(ADDRESS), x509.IPAddress(ip_address(ADDRESS)), cn=[ADDRESS]), ADDRESS, None),
        (server(DNS("csms.local")), ADDRESS, "every client"),
    ],
)
def test_names_and_addresses(certificate: Issued, name: str, who: str | None) -> None:
    found = lint(certificate, name)
    assert [(severity, whom) for severity, whom, _ in found] == ([("refused", who)] if who else [])


def test_wildcards() -> None:
    found = lint(server(DNS("*.cpo.example")), "csms.cpo.example")
    assert found == [("refused", "libocpp", "*.cpo.example is a wildcard")]
    assert ("refused", "every client", "it is not for a.b.cpo.example") in lint(
        server(DNS("*.cpo.example")), "a.b.cpo.example"
    )


def usages(certificate: Issued, usage: Sequence[str], *extended: x509.ObjectIdentifier) -> Issued:
    """The same with these usages."""
    names = inspect.signature(x509.KeyUsage).parameters
    given = {name: name in usage for name in names}
    old = certificate.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(1)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([DNS("csms.local")]), critical=False)
        .add_extension(x509.KeyUsage(**given), critical=True)
    )
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    return Issued(builder.sign(CA.key, hashes.SHA256()), certificate.key)


def test_usages() -> None:
    rsa, elliptic = server(DNS("csms.local"), key=rsa_key()), server(DNS("csms.local"))
    both = ["digital_signature", "key_encipherment"]
    assert lint(usages(rsa, both, ExtendedKeyUsageOID.SERVER_AUTH)) == []
    assert lint(usages(elliptic, both[:1])) == []
    [(_, who, text)] = lint(usages(rsa, both[:1]))
    assert who == "mbedTLS and GnuTLS"
    assert "TLS_RSA" in text
    [(_, who, text)] = lint(usages(elliptic, both[1:]))
    assert "digitalSignature" in text
    [(_, who, text)] = lint(usages(elliptic, both, ExtendedKeyUsageOID.CLIENT_AUTH))
    assert "serverAuth is missing" in text


@pytest.mark.parametrize(
    ("key", "severity", "text"),
    [
        (rsa_key(1024), "refused", "1024 bits"),
        (rsa_key(3072), "warning", "J 6.2.1"),
        (ec_key(ec.SECP224R1()), "refused", "secp224r1"),
        (ec_key(ec.SECP521R1()), None, ""),
    ],
)
def test_keys(key: Any, severity: str | None, text: str) -> None:
    found = lint(server(DNS("csms.local"), key=key), "csms.local")
    assert [one[0] for one in found] == ([severity] if severity else [])
    assert all(text in one[2] for one in found)


def test_time() -> None:
    certificate = server(DNS("csms.local"))
    for days, severity, text in (
        (31, "refused", "has expired"),
        (20, "warning", "expires on"),
        (-2, "refused", "before"),
    ):
        [(found, _, said)] = lint(certificate, now=NOW + timedelta(days=days))
        assert (found, text in said) == (severity, True)
    assert lint(certificate, now=NOW + timedelta(days=10)) == []


def test_chains() -> None:
    between = authority("Between", CA)
    leaf = issue(distinguished("csms.local"), between, names=[DNS("csms.local")])
    assert lint([leaf, between]) == []
    assert "the root is sent" in lint([leaf, between, CA])[0][2]
    assert "follows, and has not issued" in lint([leaf, CA])[0][2]
    fake = issue(distinguished("csms.local"), leaf, names=[DNS("csms.local")])
    assert "and is no CA" in lint([fake, leaf])[0][2]
    big = [authority("x" * 60, key=rsa_key(3072)) for _ in range(4)]
    assert any("buffers" in text for _, _, text in lint(big))


def test_what_the_whitepaper_wants_in_a_subject() -> None:
    bare = issue(x509.Name([]), CA, names=[DNS("csms.local")])
    assert {text for _, _, text in lint(bare, "csms.local")} == {
        "its subject has no CN (A00.FR.510)",
        "its subject has no O (A00.FR.509)",
    }


def test_what_is_shown_of_a_chain() -> None:
    between = authority("Between", CA)
    leaf = issue(distinguished("csms.local"), between, names=[DNS("a.local"), x509.IPAddress(ip_address(ADDRESS))])
    shown = described([leaf.certificate, between.certificate])
    assert (shown["key"], shown["names"], shown["chain"]) == (
        "ECDSA secp256r1",
        ["a.local", ADDRESS],
        ["CN=Between,O=My CPO"],
    )
    assert names_in(leaf.certificate) == ["a.local", ADDRESS]
    assert names_in(server().certificate) == ["csms.local"]
