"""What `csmsd --check-config` finds in certificates and keys, and what it says."""

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from csmsd.pki.authority import create_authority, create_server_certificates
from csmsd.pki.files_check import Findings, check_tls_files
from csmsd.pki.own_files import OwnFiles
from csmsd.settings.reading import load_settings
from csmsd.settings.sections import Settings
from tests.csmsd.pki.issuing import authority, distinguished, issue
from tests.support.site import ROOT, environment

NO_TLS = "there is no certificate"


def settings(directory: Path, text: str = "") -> Settings:
    file = directory / "csmsd.toml"
    file.write_text(text)
    return load_settings(file, {"store.directory": str(directory / "state")})


def own_files(directory: Path, **ago: float) -> OwnFiles:
    """What `cert init` makes, as of then."""
    (directory / "state").mkdir()
    files, now = OwnFiles(directory / "state"), datetime.now(UTC) - timedelta(**ago)
    create_server_certificates(files, create_authority(files, "My CPO", now), ["csms.local", "192.0.2.1"], now, 90)
    return files


async def test_what_csmsd_makes_itself_is_good(tmp_path: Path) -> None:
    own_files(tmp_path)
    assert await check_tls_files(settings(tmp_path)) == Findings([], [])


async def test_what_ends_or_has_ended(tmp_path: Path) -> None:
    own_files(tmp_path, days=80)
    found = await check_tls_files(settings(tmp_path))
    assert found.wrong == []
    assert [text.split(" on ")[0] for text in found.doubtful] == [
        f"the certificate for {kind}: it expires" for kind in ("ECDSA", "RSA")
    ]
    shutil.rmtree(tmp_path / "state")
    own_files(tmp_path, days=100)
    found = await check_tls_files(settings(tmp_path))
    assert [text.split(" on ")[0] for text in found.wrong] == [
        f"the certificate for {kind}: it has expired" for kind in ("ECDSA", "RSA")
    ]


async def test_the_keys_of_csmsd_itself(tmp_path: Path) -> None:
    files = own_files(tmp_path)
    files.ec.chmod(0o644)
    [text] = (await check_tls_files(settings(tmp_path))).wrong
    assert text.startswith(f"there is no TLS: {files.ec}: others than its owner may use this private key")
    assert f"do: chmod 600 {files.ec}" in text
    files.ec.chmod(0o600)
    files.ca_key.unlink()
    [text] = (await check_tls_files(settings(tmp_path))).wrong
    assert "the key of the CA is missing" in text


async def test_files_that_the_settings_name(tmp_path: Path) -> None:
    certificate, key = issue(distinguished("csms.local")).written(tmp_path, "named")
    _, another = issue(distinguished("csms.local")).written(tmp_path, "another")
    named = "[[tls.certificates]]\ncertificate = '{}'\nkey = '{}'\n[tls]\nclient_ca = ['{}']\n"
    over = tmp_path / "over.pem"
    over.write_bytes(authority("Over", days=(-30, -1)).pem)
    [text] = (await check_tls_files(settings(tmp_path, named.format(certificate, another, over)))).wrong
    assert "is that of another certificate" in text
    found = await check_tls_files(settings(tmp_path, named.format(certificate, key, over)))
    assert any(text.startswith(f"{over}: it has expired at ") for text in found.wrong)
    over.write_bytes(authority("Soon", days=(-30, 1)).pem)
    found = await check_tls_files(settings(tmp_path, named.format(certificate, key, over)))
    assert any(text.startswith(f"{over}: it expires at ") for text in found.doubtful)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", None),
        ("[security]\nminimum_profile = 2\n", "security.minimum_profile is 2, and there is no certificate"),
        (
            "[security]\nminimum_profile = 2\n"
            "[[server.listeners]]\naddress = '127.0.0.1:1'\ntransport = 'proxy'\npeers = ['127.0.0.1']\n",
            None,
        ),
        ("[[server.listeners]]\naddress = '127.0.0.1:1'\ntransport = 'tls'\n", "one takes TLS alone"),
    ],
)
async def test_settings_that_want_tls_and_have_none(tmp_path: Path, text: str, says: str | None) -> None:
    found = await check_tls_files(settings(tmp_path, text))
    assert [says in one for one in found.wrong if says is not None] == ([True] if says else [])
    assert says is not None or found.wrong == []


async def test_certificates_that_are_required_and_cannot_be_checked(tmp_path: Path) -> None:
    certificate, key = issue(distinguished("csms.local")).written(tmp_path, "named")
    text = f"[[tls.certificates]]\ncertificate = '{certificate}'\nkey = '{key}'\n"
    text += "[[server.listeners]]\naddress = '127.0.0.1:1'\ntransport = 'tls'\nclient_certificate = 'required'\n"
    found = await check_tls_files(settings(tmp_path, text))
    assert any("there is no CA to check them with" in one for one in found.wrong)


def checked(state: Path, **more: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "csmsd", "--state-dir", str(state), "--check-config"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment(HOME=str(state.parent)) | more,
    )


def test_of_the_process_and_its_exit_status(tmp_path: Path) -> None:
    files = own_files(tmp_path)
    ended = checked(tmp_path / "state")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "The settings are good.\n", "")
    files.rsa.write_bytes(files.ec.read_bytes())
    ended = checked(tmp_path / "state")
    assert (ended.returncode, ended.stdout) == (78, "")
    assert ended.stderr.startswith("csmsd: there is no TLS: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of somebody else")
def test_root_sees_what_the_owner_of_the_directory_does() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o755)
        files = own_files(directory)
        for path in (directory / "state").rglob("*"):
            os.chown(path, 65534, 65534)
        os.chown(directory / "state", 65534, 65534)
        assert checked(directory / "state").returncode == 0
        os.chown(files.ec, 65533, 65533)
        ended = checked(directory / "state")
        assert (ended.returncode, "csmsd (uid 65534) may not read it" in ended.stderr) == (78, True), ended.stderr
