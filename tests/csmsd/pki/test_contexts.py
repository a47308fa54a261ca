"""Contexts of listeners: what is served, and which files are refused with which reason."""

import os
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from csmsd.pki.contexts import SUITES, ClientCertificate, Pair, TlsFiles, server_context
from csmsd.ports.tls import TlsProblem
from tests.csmsd.pki.issuing import Issued, authority, distinguished, ec_key, issue, revocation_list, rsa_key

ROOT = authority("Root of Charge Points")
ISSUING = authority("Issuing CA", ROOT)
SERVER_CA = authority("Root of Servers")
RSA = issue(distinguished("csms.local"), SERVER_CA, key=rsa_key())
ECDSA = issue(distinguished("csms.local"), SERVER_CA)
CLIENT = issue(distinguished("SN1"), ISSUING)


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    return [Pair(*RSA.written(tmp_path, "rsa")), Pair(*ECDSA.written(tmp_path, "ec"))]


def put(directory: Path, name: str, *contents: bytes) -> str:
    (directory / name).write_bytes(b"".join(contents))
    return str(directory / name)


def _common_name(peer: Any) -> str:
    return {key: value for ((key, value),) in peer["subject"]}["commonName"]


def handshake(
    server: ssl.SSLContext,
    client: ssl.SSLContext | None = None,
    presented: Issued | None = None,
    where: Path | None = None,
) -> tuple[str, str, str]:
    """Over a real socket pair: suite, kind of key that the server showed, and the CN that it saw. Raises OSError."""
    if client is None:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(cadata=SERVER_CA.pem.decode())
    if presented is not None:
        assert where is not None
        client.load_cert_chain(*presented.written(where, "presented"))
    ours, theirs = socket.socketpair()
    failures: list[OSError] = []
    seen: list[str] = []

    def serve() -> None:
        try:
            with server.wrap_socket(ours, server_side=True) as end:
                peer = end.getpeercert()
                seen.append(_common_name(peer) if peer else "")
                end.sendall(b"x")
        except OSError as error:
            failures.append(error)
            ours.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        theirs.settimeout(10)
        with client.wrap_socket(theirs) as end:
            assert end.recv(1) == b"x"  # with TLS 1.3 a refusal shows with the first byte
            suite = end.cipher()
            shown = end.getpeercert(binary_form=True)
            assert suite is not None
            assert shown is not None
            return suite[0], "RSA" if shown == RSA.der else "ECDSA" if shown == ECDSA.der else "other", seen[0]
    except OSError:
        thread.join(10)
        if failures:
            raise failures[0] from None
        raise
    finally:
        thread.join(10)


# --- what is served


@pytest.mark.parametrize("suite", SUITES)
def test_each_of_the_six_suites_is_served_with_the_certificate_that_suits_it(pairs: list[Pair], suite: str) -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(suite)

    used, kind, _ = handshake(server_context(TlsFiles(pairs)), client)

    assert (used, kind) == (suite, "ECDSA" if "ECDSA" in suite else "RSA")


def test_tls_1_3_is_served_without_resumption(pairs: list[Pair]) -> None:
    context = server_context(TlsFiles(pairs))
    assert handshake(context)[0].startswith("TLS_AES_")
    assert context.num_tickets == 0
    assert context.options & ssl.OP_NO_TICKET


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_1_1_and_other_suites_are_refused(pairs: list[Pair]) -> None:
    old, other = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    other.maximum_version = ssl.TLSVersion.TLSv1_2
    other.set_ciphers("ECDHE-RSA-CHACHA20-POLY1305:AES128-SHA")
    with pytest.raises(ssl.SSLError, match=r"(?i)unsupported.protocol"):
        handshake(server_context(TlsFiles(pairs)), old)
    with pytest.raises(ssl.SSLError, match=r"(?i)no.shared.cipher"):
        handshake(server_context(TlsFiles(pairs)), other)


def test_a_file_may_hold_key_and_chain(tmp_path: Path) -> None:
    between = authority("Between", SERVER_CA)
    leaf = issue(distinguished("csms.local"), between)
    file = tmp_path / "all.pem"
    file.touch(mode=0o600)
    file.write_bytes(leaf.key_pem + leaf.pem + between.pem)
    assert handshake(server_context(TlsFiles([Pair(str(file), str(file))])))[1] == "other"


def test_nobody_is_asked_for_a_password_and_no_file_of_ours_stays_open(pairs: list[Pair]) -> None:
    before = sorted(Path("/proc/self/fd").iterdir())
    server_context(TlsFiles(pairs))
    assert sorted(Path("/proc/self/fd").iterdir()) == before


# --- pairs that are refused


def why(files: TlsFiles, client_certificate: ClientCertificate = "none") -> str:
    with pytest.raises(TlsProblem) as found:
        server_context(files, client_certificate)
    return str(found.value)


def test_a_certificate_whose_key_is_another_one_is_refused(tmp_path: Path, pairs: list[Pair]) -> None:
    (rsa, rsa_key_file), (ecdsa, ecdsa_key_file) = pairs
    other = issue(distinguished("csms.local"), SERVER_CA).written(tmp_path, "other")
    for pair in (Pair(ecdsa, rsa_key_file), Pair(rsa, ecdsa_key_file), Pair(ecdsa, other[1])):
        assert "that of another certificate" in why(TlsFiles([pairs[0], pair]))


def test_the_leaf_comes_first_and_the_issuers_in_order(tmp_path: Path) -> None:
    between = authority("Between", SERVER_CA)
    leaf = issue(distinguished("csms.local"), between)
    _, key = leaf.written(tmp_path, "leaf")
    wrong = put(tmp_path, "wrong", between.pem, leaf.pem)
    assert "must come first" in why(TlsFiles([Pair(wrong, key)]))
    wrong = put(tmp_path, "gap", leaf.pem, SERVER_CA.pem)
    assert "is not issued by" in why(TlsFiles([Pair(wrong, key)]))


def test_weak_encrypted_and_strange_keys_are_refused(tmp_path: Path) -> None:
    small = issue(distinguished("csms.local"), SERVER_CA, key=rsa_key(1024))
    assert "1024 bits" in why(TlsFiles([Pair(*small.written(tmp_path, "small"))]))
    tiny = issue(distinguished("csms.local"), SERVER_CA, key=ec_key(ec.SECP192R1()))
    assert "192 bits" in why(TlsFiles([Pair(*tiny.written(tmp_path, "tiny"))]))

    certificate, key = ECDSA.written(tmp_path, "ec")
    for secret, reason in (
        (ECDSA.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")), "is encrypted"),
        (ECDSA.pem, "no private key"),
        (b"\xff" * 100, "no private key"),
        (
            ed25519.Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM,
                PrivateFormat.PKCS8,
                NoEncryption(),
            ),
            "charge points know no other",
        ),
    ):
        Path(key).write_bytes(secret)
        assert reason in why(TlsFiles([Pair(certificate, key)]))


def test_two_of_a_kind_and_none_at_all_are_refused(tmp_path: Path, pairs: list[Pair]) -> None:
    again = Pair(*issue(distinguished("csms.local"), SERVER_CA).written(tmp_path, "again"))
    assert "both have an ECDSA key" in why(TlsFiles([*pairs, again]))
    assert "cert init" in why(TlsFiles([]))
    assert "openssl x509 -inform DER" in why(TlsFiles([Pair(put(tmp_path, "der", ECDSA.der), pairs[1].key)]))


# --- files


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
def test_a_key_that_others_may_use_is_refused(pairs: list[Pair], mode: int) -> None:
    Path(pairs[0].key).chmod(mode)
    assert f"mode {mode:04o}" in why(TlsFiles(pairs))
    Path(pairs[0].key).chmod(0o400)
    server_context(TlsFiles(pairs))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_key_of_somebody_else_is_refused(pairs: list[Pair]) -> None:
    os.chown(pairs[0].key, 12345, 0)
    assert "belongs to uid 12345" in why(TlsFiles(pairs))


def test_what_is_no_file_is_refused_and_waited_for_by_nobody(tmp_path: Path, pairs: list[Pair]) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert "this is no file" in why(TlsFiles([Pair(pairs[0].certificate, str(tmp_path / "fifo"))]))
    assert "this is no file" in why(TlsFiles([Pair(str(tmp_path), pairs[0].key)]))
    assert "no such file" in why(TlsFiles([Pair(str(tmp_path / "gone"), pairs[0].key)]))
    big = put(tmp_path, "big", b"x" * 1_048_577)
    assert "larger than" in why(TlsFiles([Pair(big, pairs[0].key)]))


# --- certificates of charge points


def test_a_certificate_of_a_known_ca_is_seen_and_another_refused(tmp_path: Path, pairs: list[Pair]) -> None:
    ca = put(tmp_path, "ca", ROOT.pem, ISSUING.pem)
    files = TlsFiles(pairs, [ca])
    optional, required = server_context(files, "optional"), server_context(files, "required")

    assert handshake(optional)[2] == ""
    for context in (optional, required):
        assert handshake(context, presented=CLIENT, where=tmp_path)[2] == "SN1"
        for stranger in (
            issue(distinguished("SN1"), authority("Issuing CA")),
            issue(distinguished("SN1"), ISSUING, days=(-2, -1)),
            issue(distinguished("SN1"), ISSUING, days=(1, 2)),
        ):
            with pytest.raises(ssl.SSLError, match=r"(?i)certificate.verify.failed"):
                handshake(context, presented=stranger, where=tmp_path)
    with pytest.raises(ssl.SSLError, match=r"(?i)did.not.return.a.certificate"):
        handshake(required)
    assert handshake(server_context(files), presented=issue(distinguished("SN1")), where=tmp_path)[2] == ""


def test_a_ca_needs_its_root_and_must_be_one(tmp_path: Path, pairs: list[Pair]) -> None:
    assert "up to the root" in why(TlsFiles(pairs, [put(tmp_path, "issuing", ISSUING.pem)]), "optional")
    assert "is no CA" in why(TlsFiles(pairs, [put(tmp_path, "leaf", ROOT.pem, CLIENT.pem)]), "optional")
    assert "tls.client_ca" in why(TlsFiles(pairs), "required")


def test_who_is_on_the_list_of_his_ca_is_refused(tmp_path: Path, pairs: list[Pair]) -> None:
    ca = put(tmp_path, "ca", ROOT.pem, ISSUING.pem)
    other = issue(distinguished("SN2"), ISSUING)
    crl = put(tmp_path, "crl", revocation_list(ISSUING, other))
    context = server_context(TlsFiles(pairs, [ca], [crl]), "optional")

    assert handshake(context, presented=CLIENT, where=tmp_path)[2] == "SN1"
    with pytest.raises(ssl.SSLError, match="certificate revoked"):
        handshake(context, presented=other, where=tmp_path)


def test_a_list_is_of_a_ca_that_is_known_and_each_has_one(tmp_path: Path, pairs: list[Pair]) -> None:
    second = authority("Second Root")
    ca = put(tmp_path, "ca", ROOT.pem, ISSUING.pem, second.pem)
    crl = put(tmp_path, "crl", revocation_list(ISSUING))
    assert "no list of CN=Second Root" in why(TlsFiles(pairs, [ca], [crl]), "optional")
    both = put(tmp_path, "both", revocation_list(ISSUING), b"\n", revocation_list(second))
    server_context(TlsFiles(pairs, [ca], [both]), "optional")
    forged = put(tmp_path, "forged", revocation_list(authority("Issuing CA")))
    assert "no CA of tls.client_ca has signed it" in why(TlsFiles(pairs, [ca], [forged]), "optional")
    assert "openssl crl" in why(TlsFiles(pairs, [ca], [put(tmp_path, "none", b"x")]), "optional")
