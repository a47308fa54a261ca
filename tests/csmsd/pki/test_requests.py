"""Requests of charge points: every form that they come in, and what is refused, with the reason."""

import re
import subprocess
import textwrap
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from csmsd.pki.requests import MOST_CHARACTERS, RequestRefused, read_request, require_names
from tests.csmsd.pki.conftest import needs_openssl
from tests.csmsd.pki.issuing import ec_key, request, request_pem, rsa_key

CSR = request("SN1")
PEM = CSR.public_bytes(Encoding.PEM).decode()
DER = CSR.public_bytes(Encoding.DER)


def why(text: str) -> str:
    with pytest.raises(RequestRefused) as found:
        read_request(text)
    return str(found.value)


# --- forms


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        PEM.replace("\n", "\r\n"),
        PEM.strip(),
        PEM.replace("\n", "\\n"),
        PEM.replace("\n", "\\r\\n"),
        b64encode(DER).decode(),
        textwrap.fill(b64encode(DER).decode(), 64),
        DER.hex(),
        DER.hex().upper(),
        f"\n  {PEM}  \n",
    ],
    ids=["pem", "crlf", "no end", "literal n", "literal rn", "base64", "wrapped", "hex", "HEX", "blanks"],
)
def test_every_form_is_the_same_request(text: str) -> None:
    found = read_request(text)
    assert (found.organization, found.common_name, found.pem) == ("My CPO", "SN1", PEM)
    assert found.hash == read_request(PEM).hash


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cannot be read"),
        ("hello, world!", "neither PEM nor base64"),
        (PEM + PEM, "no single CERTIFICATE REQUEST"),
        (PEM.replace("CERTIFICATE REQUEST", "CERTIFICATE"), "no single CERTIFICATE REQUEST"),
        (PEM[:200], "no single CERTIFICATE REQUEST"),
        (b64encode(DER[:-1]).decode(), "cannot be read"),
        (DER.replace(b"\x0c\x03SN1", b"\x03\x03\x00N1").hex(), "cannot be read"),  # a CN of bits
        ("A" * (MOST_CHARACTERS + 1), "longer than 5500"),
    ],
)
def test_what_is_no_request(text: str, reason: str) -> None:
    assert reason in why(text)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_comes_is_a_good_request_or_refused(data: st.DataObject) -> None:
    """Bytes changed anywhere: the signature covers all that counts, so nothing else may come out."""
    form = data.draw(st.sampled_from(["der", "text", "junk"]))
    if form == "junk":
        text = data.draw(st.text(max_size=300))
    elif form == "text":
        at = data.draw(st.integers(0, len(PEM) - 1))
        text = PEM[:at] + data.draw(st.characters(codec="latin-1")) + PEM[at + 1 :]
    else:
        broken = bytearray(DER)
        for _ in range(data.draw(st.integers(1, 4))):
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
        text = bytes(broken).hex()
    try:
        found = read_request(text)
    except RequestRefused:
        return
    assert (found.organization, found.common_name) == ("My CPO", "SN1")
    assert found.key_hash == read_request(PEM).key_hash


# --- keys and signatures


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (rsa_key(1024), "1024 bits; it must have 2048"),
        (ec_key(ec.SECP224R1()), "curve secp224r1, with which OpenSSL lets nobody in"),
        (ec_key(ec.SECP192R1()), "curve secp192r1"),
        (ec_key(ec.SECP256K1()), "curve secp256k1"),
        (ec_key(ec.BrainpoolP256R1()), "curve brainpoolP256r1"),
    ],
)
def test_keys_that_would_not_be_let_in(key: Any, reason: str) -> None:
    assert reason in why(request_pem("SN1", key=key))


@pytest.mark.parametrize("key", [rsa_key(), ec_key(ec.SECP384R1()), ec_key(ec.SECP521R1())])
def test_keys_that_are_taken(key: Any) -> None:
    assert read_request(request_pem("SN1", key=key)).common_name == "SN1"


def test_other_kinds_of_keys_are_refused() -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "SN1")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    made = builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
    assert "neither RSA nor ECDSA" in why(made.public_bytes(Encoding.PEM).decode())


def test_the_signature_must_be_that_of_the_key_in_it() -> None:
    broken = bytearray(DER)
    broken[-1] ^= 1
    assert "signature of the request" in why(bytes(broken).hex())


@needs_openssl
def test_sha_1_is_refused(tmp_path: Path) -> None:
    made = ["openssl", "req", "-new", "-sha1", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=My CPO/CN=SN1"]
    made += ["-keyout", str(tmp_path / "key")]
    assert "SHA-256" in why(subprocess.run(made, capture_output=True, text=True, check=True).stdout)


# --- names


@pytest.mark.parametrize(
    ("common_names", "organizations", "reason"),
    [
        (["SN1"], [], "CpoName"),
        ([], ["My CPO"], "no CN"),
        (["SN1", "SN2"], ["My CPO"], "2 CN"),
        (["SN1"], ["My CPO", "Other"], "2 O"),
        (["SN1\0"], ["My CPO"], "no name"),
        (["192.168.1.10"], ["My CPO"], "IP address"),
        (["[2001:db8::1]"], ["My CPO"], "IP address"),
        (["wss://csms.local/CP1"], ["My CPO"], "URL"),
    ],
)
def test_subjects_that_name_no_charge_point(common_names: list[str], organizations: list[str], reason: str) -> None:
    assert reason in why(request_pem(*common_names, organizations=organizations))


def test_organization_and_name_are_compared_whole() -> None:
    found = read_request(PEM)
    require_names(found, ["Other", "My CPO"], None)
    require_names(found, ["My CPO"], "SN1")
    for organizations, name, reason in (
        (["Not My CPO"], None, "must be 'Not My CPO'"),
        (["My"], None, "CpoName"),
        (["My CPO"], "SN11", "bear 'SN11'"),
        (["My CPO"], "sn1", "bear 'sn1'"),
    ):
        with pytest.raises(RequestRefused, match=re.escape(reason)):
            require_names(found, organizations, name)
