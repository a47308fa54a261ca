"""What the site's CA issues, as openssl sees it."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from csmsd.pki.authority import (
    Authority,
    canonical_name,
    chain_pem,
    create_authority,
    create_server_certificates,
    load_authority,
    load_server_certificates,
    names_of,
    publish,
)
from csmsd.pki.own_files import OwnFiles
from csmsd.pki.requests import read_request
from csmsd.ports.tls import TlsProblem
from tests.csmsd.pki.conftest import ORGANIZATION, needs_openssl
from tests.csmsd.pki.issuing import request_pem, rsa_key

NOW = datetime.now(UTC)
NAMES = ["csms.local", "192.168.1.10", "2001:db8::1"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> OwnFiles:
    files = OwnFiles(tmp_path_factory.mktemp("state"))
    create_server_certificates(files, create_authority(files, ORGANIZATION, NOW), NAMES, NOW, 90)
    return files


@pytest.fixture(scope="module")
def ca(own: OwnFiles) -> Authority:
    found = load_authority(own)
    assert found is not None
    return found


def openssl(*arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout


def written(directory: Path, name: str, certificate: x509.Certificate) -> str:
    (directory / name).write_text(chain_pem(certificate))
    return str(directory / name)


@needs_openssl
def test_a_certificate_of_a_charge_point(own: OwnFiles, ca: Authority, tmp_path: Path) -> None:
    made = ca.issue(read_request(request_pem("SN1", ca=True, key=rsa_key())), NOW, 365)
    path = written(tmp_path, "client.pem", made)
    assert openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", str(own.ca), path).endswith("OK\n")
    text = openssl("x509", "-in", path, "-noout", "-text")
    assert "CA:FALSE" in text
    assert "X509v3 Key Usage: critical\n                Digital Signature\n" in text
    assert "TLS Web Client Authentication\n" in text
    assert "Subject Alternative Name" not in text  # W A00.FR.511
    assert "sha256" in text.lower()
    assert made.issuer.public_bytes() == ca.certificate.subject.public_bytes()
    assert made.not_valid_before_utc == NOW.replace(microsecond=0) - timedelta(days=1)
    assert made.not_valid_after_utc == NOW.replace(microsecond=0) + timedelta(days=365)


@needs_openssl
@pytest.mark.parametrize("which", ["rsa", "ec"])
def test_certificates_of_csmsd(own: OwnFiles, which: str) -> None:
    path = str(own.rsa if which == "rsa" else own.ec)
    for name in ("-verify_hostname csms.local", "-verify_ip 192.168.1.10", "-verify_ip 2001:db8::1"):
        strict = ("verify", "-x509_strict", "-purpose", "sslserver", *name.split(), "-CAfile", str(own.ca), path)
        assert openssl(*strict).endswith("OK\n")
    text = openssl("x509", "-in", path, "-noout", "-text")
    assert "Public-Key: (2048 bit)" in text if which == "rsa" else "NIST CURVE: P-256" in text
    usage = "Digital Signature, Key Encipherment\n" if which == "rsa" else "Digital Signature\n"
    assert f"X509v3 Key Usage: critical\n                {usage}" in text
    assert "TLS Web Server Authentication\n" in text
    # mbedTLS looks for an address among the names, and for a CN nowhere beside them.
    assert "DNS:csms.local, IP Address:192.168.1.10, DNS:192.168.1.10" in text
    assert "CN = csms.local" in text


@needs_openssl
def test_the_root_and_its_list(own: OwnFiles, ca: Authority, tmp_path: Path) -> None:
    text = openssl("x509", "-in", str(own.ca), "-noout", "-text")
    assert "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0" in text
    assert "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign" in text
    assert "BEGIN PRIVATE KEY" not in own.ca.read_text()
    kept, gone = (ca.issue(read_request(request_pem(name)), NOW, 9) for name in ("SN1", "SN2"))
    publish(own, ca, [(f"{gone.serial_number:x}", NOW)])
    checked = ("openssl", "verify", "-crl_check", "-CAfile", str(own.ca), "-CRLfile", str(own.crl))
    assert openssl(*checked[1:], written(tmp_path, "kept.pem", kept)).endswith("OK\n")
    refused = subprocess.run([*checked, written(tmp_path, "gone.pem", gone)], capture_output=True, text=True)
    assert "certificate revoked" in refused.stderr
    publish(own, ca)


def test_nothing_is_good_for_longer_than_the_root(ca: Authority) -> None:
    late = ca.certificate.not_valid_after_utc - timedelta(days=10)
    made = ca.issue(read_request(request_pem("SN1")), late, 365)
    assert made.not_valid_after_utc == ca.certificate.not_valid_after_utc
    early = ca.issue(read_request(request_pem("SN1")), ca.certificate.not_valid_before_utc, 365)
    assert early.not_valid_before_utc == ca.certificate.not_valid_before_utc


def test_files_are_for_csmsd_alone_and_are_read_again(own: OwnFiles, ca: Authority) -> None:
    for path in (own.ca_key, own.rsa, own.ec):
        assert path.stat().st_mode & 0o077 == 0
    assert ca.organization == ORGANIZATION
    assert [names_of(one) for one in load_server_certificates(own)] == [NAMES, NAMES]


def test_a_root_of_a_long_organization_has_a_name_of_its_own(tmp_path: Path) -> None:
    first = create_authority(OwnFiles(tmp_path), "x" * 64, NOW).certificate.subject
    second = create_authority(OwnFiles(tmp_path), "x" * 64, NOW).certificate.subject
    assert first != second


def test_a_ca_without_its_key_or_with_another_is_told(tmp_path: Path) -> None:
    own = OwnFiles(tmp_path)
    assert load_authority(own) is None
    create_authority(own, ORGANIZATION, NOW)
    good = own.ca_key.read_bytes()
    other = OwnFiles(tmp_path / "other")
    (tmp_path / "other").mkdir()
    create_authority(other, ORGANIZATION, NOW)
    key, certificate = good.split(b"-----BEGIN CERT")[0], other.ca_key.read_bytes().split(b"KEY-----\n")[2]
    for content, reason in ((key + certificate, "not that of the certificate"), (key, "no key with its certificate")):
        own.ca_key.write_bytes(content)
        with pytest.raises(TlsProblem, match=reason):
            load_authority(own)
    own.ca_key.unlink()
    with pytest.raises(TlsProblem, match="cert export-ca"):
        load_authority(own)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("CSMS.local.", "csms.local"),
        ("192.168.1.10", "192.168.1.10"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("csms", "csms"),
    ],
)
def test_names_as_certificates_have_them(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


@pytest.mark.parametrize(
    "name", ["", "*.local", "csms.local:9000", "wss://csms.local", "a b", "-a.local", "999", "1.2.3.400"]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(TlsProblem):
        canonical_name(name)
