"""Signatures of firmware: made and verified here, and by openssl."""

import hashlib
import ssl
import subprocess
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from csmsd.pki.signing import UnusableSignature, signature_of_digest, verified_signature

IMAGE = b"firmware 2.1" * 1000
DIGEST = hashlib.sha256(IMAGE).digest()
NOW = datetime(2026, 3, 1, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KEYS: dict[str, Key] = {
    "RSA": rsa.generate_private_key(65537, 2048),
    "EC": ec.generate_private_key(ec.SECP256R1()),
}


def pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate(key: Key) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME firmware")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=30))
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("kind", "padding", "name", "options"),
    [
        ("RSA", "pss", "RSA-PSS", ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")),
        ("RSA", "pkcs1", "RSA PKCS#1 v1.5", ()),
        ("EC", "pss", "ECDSA", ()),
    ],
)
def test_openssl_verifies_what_was_signed(
    tmp_path: Path, kind: str, padding: Literal["pss", "pkcs1"], name: str, options: tuple[str, ...]
) -> None:
    key = KEYS[kind]
    signature = signature_of_digest(pem(key), DIGEST, padding)
    assert len(signature) <= 800
    assert verified_signature(certificate(key), DIGEST, signature, NOW + timedelta(days=1)) == name
    files = {"image": IMAGE, "signature": b64decode(signature), "cert.pem": certificate(key)}
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)

    def openssl(*words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True, check=False)

    (tmp_path / "public.pem").write_bytes(openssl("x509", "-in", "cert.pem", "-noout", "-pubkey").stdout)
    how = ("dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", *options, "image")
    assert openssl(*how).stdout == b"Verified OK\n"


@pytest.mark.parametrize("kind", KEYS)
def test_another_file_key_or_signature_is_refused(kind: str) -> None:
    key = KEYS[kind]
    signature = signature_of_digest(pem(key), DIGEST)
    at = NOW + timedelta(days=1)
    spoilt = bytearray(b64decode(signature))
    spoilt[-1] ^= 1
    other = KEYS["EC" if kind == "RSA" else "RSA"]
    for proof, digest, given in (
        (certificate(key), hashlib.sha256(b"other").digest(), signature),
        (certificate(other), DIGEST, signature),
        (certificate(key), DIGEST, b64encode(spoilt).decode()),
    ):
        with pytest.raises(UnusableSignature, match="not that of this file"):
            verified_signature(proof, digest, given, at)


def test_a_certificate_out_of_its_time_proves_nothing() -> None:
    signature = signature_of_digest(pem(KEYS["EC"]), DIGEST)
    for at in (NOW - timedelta(seconds=1), NOW + timedelta(days=31)):
        with pytest.raises(UnusableSignature, match="valid from 2026-03-01 to 2026-03-31 only"):
            verified_signature(certificate(KEYS["EC"]), DIGEST, signature, at)


def test_what_is_no_key_no_certificate_and_no_signature_is_said() -> None:
    edwards = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(UnusableSignature, match="cannot be used"):
        signature_of_digest(b"no key", DIGEST)
    with pytest.raises(UnusableSignature, match="neither RSA"):
        signature_of_digest(edwards.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), DIGEST)
    of_version_7 = ssl.PEM_cert_to_DER_cert(certificate(KEYS["EC"]).decode()).replace(
        b"\x02\x01\x02", b"\x02\x01\x06", 1
    )
    for odd in (b"no certificate", ssl.DER_cert_to_PEM_cert(of_version_7).encode()):
        with pytest.raises(UnusableSignature, match="cannot be read"):
            verified_signature(odd, DIGEST, "")
    with pytest.raises(UnusableSignature, match="no base64"):
        verified_signature(certificate(KEYS["EC"]), DIGEST, "%", NOW)
