"""What plays a charge point looks at certificates as strictly as one should."""

import hashlib
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from csmsctl.link.certificates import (
    expired_certificate,
    is_issued_by,
    new_key_and_request,
    new_root,
    new_signing_certificate,
    problem_of_chain,
    problem_of_root,
    problem_of_signature,
    problem_of_signing_certificate,
    signature_of,
)

NOW = int(time.time() * 1000)
DAY = 86_400_000
ORGANIZATION = "My CPO"
DIGEST = hashlib.sha256(b"firmware").digest()


class Authority:
    """A root, and what it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
        self.pem = self._signed(self._name, self._key.public_key(), ca=True)

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool, days: int = 1) -> str:
        begin = datetime.now(UTC) - timedelta(days=2)
        end = datetime.now(UTC) + timedelta(days=days)
        made = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number(), begin, end)
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        return made.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()

    def certify(self, other: "Authority", *, ca: bool) -> str:
        return self._signed(other._name, other._key.public_key(), ca=ca)

    def issue(self, csr: str, *, days: int = 1) -> str:
        request = x509.load_pem_x509_csr(csr.encode())
        key = request.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return self._signed(request.subject, key, ca=False, days=days)


def test_a_root_is_a_ca_that_is_signed_by_itself_and_valid() -> None:
    root = new_root("root")
    assert problem_of_root(root, NOW) is None
    assert problem_of_root(root, NOW + 20 * DAY) == "it is not valid now"
    assert "no CA" in (problem_of_root(new_signing_certificate("x")[0], NOW) or "")
    assert "not signed by itself" in (problem_of_root("no certificate", NOW) or "")
    authority = Authority()
    leaf = authority.issue(new_key_and_request("CP1", ORGANIZATION)[1])
    assert "not signed by itself" in (problem_of_root(leaf, NOW) or "")
    assert (is_issued_by(leaf, authority.pem), is_issued_by(leaf, root)) == (True, False)


def test_a_certificate_that_comes_is_for_its_key_its_name_and_now() -> None:
    authority = Authority()
    key, csr = new_key_and_request("CP1", ORGANIZATION)
    other_key, other_csr = new_key_and_request("CP2", ORGANIZATION)
    good, roots = authority.issue(csr), [new_root("another"), authority.pem]
    impostor = Authority()
    none_of_ours = impostor.issue(csr) + authority.certify(impostor, ca=False)
    below = impostor.issue(csr) + authority.certify(impostor, ca=True)
    assert problem_of_chain(below, roots, key, "CP1", ORGANIZATION, NOW) is None
    assert problem_of_chain(good, roots, key, "CP1", ORGANIZATION, NOW) is None
    for chain, trusted, own, name, organization, now, said in (
        (good, roots[:1], key, "CP1", ORGANIZATION, NOW, "no root"),
        (good, roots, other_key, "CP1", ORGANIZATION, NOW, "not for the key"),
        (authority.issue(other_csr), roots, other_key, "CP1", ORGANIZATION, NOW, "another name"),
        (good, roots, key, "CP1", "Not My CPO", NOW, "another organization"),
        (good, roots, key, "CP1", ORGANIZATION, NOW + 9 * DAY, "not valid now"),
        (none_of_ours, roots, key, "CP1", ORGANIZATION, NOW, "an issuer that is no CA"),
        (good + new_root("x"), roots, key, "CP1", ORGANIZATION, NOW, "chain is broken"),
        ("none", roots, key, "CP1", ORGANIZATION, NOW, "cannot be read"),
    ):
        assert said in (problem_of_chain(chain, trusted, own, name, organization, now) or ""), said


def test_one_without_a_name_is_for_nobody() -> None:
    authority = Authority()
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    found = problem_of_chain(authority.issue(csr), [authority.pem], pem, "CP1", ORGANIZATION, NOW)
    assert found == "it is for another name"


def test_one_that_is_over_is_over() -> None:
    pem, key = expired_certificate("CP1", ORGANIZATION, NOW)
    assert problem_of_chain(pem, [pem], key, "CP1", ORGANIZATION, NOW) == "it is not valid now"


def test_signed_firmware() -> None:
    certificate, key = new_signing_certificate("ACME")
    signature = signature_of(key, DIGEST)
    assert problem_of_signature(certificate, signature, DIGEST) is None
    assert problem_of_signature(certificate, signature, hashlib.sha256(b"other").digest()) is not None
    assert problem_of_signature(new_signing_certificate("x")[0], signature, DIGEST) is not None
    assert problem_of_signature(certificate, "no base64", DIGEST) is not None
    assert problem_of_signing_certificate(certificate, [], NOW) is None
    assert problem_of_signing_certificate(certificate, [new_root("x")], NOW) is not None
    assert problem_of_signing_certificate(certificate, [certificate], NOW) is None
    assert problem_of_signing_certificate(certificate, [], NOW + 20 * DAY) == "it is not valid now"


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_request_is_signed_with_its_own_key(kind: str) -> None:
    _, csr = new_key_and_request("CP1", ORGANIZATION, kind=kind)  # type: ignore[arg-type]
    assert x509.load_pem_x509_csr(csr.encode()).is_signature_valid
