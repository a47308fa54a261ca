"""Options that name files: what is sent of them, and that a key is not."""

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon

IMAGE = b"firmware 2.1"
HOSTED = {"firmware": [{"name": "acme.bin", "sha256": hashlib.sha256(IMAGE).hexdigest()}]}


@pytest.fixture
def signing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the image, a key, and its certificate."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme.bin").write_bytes(IMAGE)
    made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ACME", "-days", "30")
    subprocess.run(
        ["openssl", "req", "-x509", *made, "-keyout", "key.pem", "-out", "cert.pem"], check=True, capture_output=True
    )
    return tmp_path


@pytest.fixture
def hosting(daemon: ScriptedDaemon) -> ScriptedDaemon:
    result = {"charge_point": "CP1", "action": "SignedUpdateFirmware", "outcome": "accepted", "status": "Accepted"}
    daemon.replies |= {"firmware.list": HOSTED, "operation.run": {"results": [result]}}
    return daemon


def parameters(daemon: ScriptedDaemon) -> dict[str, str]:
    found = daemon.params("operation.run")["parameters"]
    assert isinstance(found, dict)
    return found


COMMAND = ("signed-update-firmware", "CP1", "--file", "acme.bin", "--signing-certificate", "cert.pem")


def test_a_key_signs_here_and_is_not_sent(csmsctl: Csmsctl, hosting: ScriptedDaemon, signing: Path) -> None:
    assert csmsctl(*COMMAND, "--sign-with", "key.pem").code == 0
    sent = parameters(hosting)
    assert sorted(sent) == ["file", "signature", "signing_certificate"]
    assert sent["signing_certificate"] == (signing / "cert.pem").read_text()
    (signing / "sig").write_bytes(base64.b64decode(sent["signature"]))
    subprocess.run("openssl x509 -in cert.pem -noout -pubkey > pub.pem", shell=True, check=True)
    verify = ["openssl", "dgst", "-sha256", "-verify", "pub.pem", "-signature", "sig", "acme.bin"]
    assert subprocess.run(verify, capture_output=True, check=True).stdout == b"Verified OK\n"


@pytest.mark.parametrize("form", ["binary", "base64"])
def test_a_given_signature_is_checked_before_it_is_sent(
    csmsctl: Csmsctl, hosting: ScriptedDaemon, signing: Path, form: str
) -> None:
    subprocess.run(["openssl", "dgst", "-sha256", "-sign", "key.pem", "-out", "sig", "acme.bin"], check=True)
    good = (signing / "sig").read_bytes()
    if form == "base64":
        (signing / "sig").write_bytes(base64.encodebytes(good))
    assert csmsctl(*COMMAND, "--signature", "sig").code == 0
    assert base64.b64decode(parameters(hosting)["signature"]) == good
    (signing / "sig").write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    hosting.requests.clear()
    refused = csmsctl(*COMMAND, "--signature", "sig")
    assert (refused.code, "not that of this file" in refused.err) == (2, True)
    assert [method for method, _ in hosting.requests if method == "operation.run"] == []
    assert csmsctl(*COMMAND, "--signature", "sig", "--force").code == 0
    assert csmsctl(*COMMAND, "--signature", "sig", "--bad-signature").code == 0
    assert parameters(hosting)["bad_signature"]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--sign-with", "key.pem", "--signature", "acme.bin"), 2, "either given or made"),
        (("--padding", "pss", "--signature", "acme.bin"), 2, "makes no sense without it"),
        (("--sign-with", "cert.pem"), 2, "cannot be used"),
        (("--sign-with", "nothing.pem"), 2, "nothing.pem cannot be read: No such file"),
    ],
)
def test_what_makes_no_sense(
    csmsctl: Csmsctl, hosting: ScriptedDaemon, signing: Path, words: tuple[str, ...], code: int, text: str
) -> None:
    ended = csmsctl(*COMMAND, *words)
    assert (ended.code, text in ended.err) == (code, True), ended.err


def test_what_is_not_hosted_or_no_certificate(csmsctl: Csmsctl, hosting: ScriptedDaemon, signing: Path) -> None:
    unknown = csmsctl(*COMMAND[:3], "other.bin", *COMMAND[4:], "--sign-with", "key.pem")
    assert (unknown.code, "No firmware other.bin" in unknown.err) == (3, True)
    none = csmsctl(*COMMAND[:5], "acme.bin", "--signature", "acme.bin")
    assert (none.code, "holds no certificate in PEM" in none.err) == (2, True)
    elsewhere = ("signed-update-firmware", "CP1", "--location", "http://h/f", "--signing-certificate", "cert.pem")
    assert csmsctl(*elsewhere, "--sign-with", "key.pem").code == 2
    assert csmsctl(*elsewhere, "--signature", "acme.bin").code == 0


def test_a_rollout_sends_signed_firmware(csmsctl: Csmsctl, hosting: ScriptedDaemon, signing: Path) -> None:
    hosting.replies["rollout.start"] = {"changed": True, "rollout": {"id": 1, "charge_points": 2}}
    words = ("--signing-certificate", "cert.pem", "--sign-with", "key.pem")
    assert csmsctl("firmware", "rollout", "@north", "--file", "acme.bin", *words).code == 0
    sent = hosting.params("rollout.start")
    assert "BEGIN CERTIFICATE" in sent["signing_certificate"]
    assert base64.b64decode(sent["signature"])
    assert csmsctl("firmware", "rollout", "@north", "--file", "acme.bin", *words[:2]).code == 2
