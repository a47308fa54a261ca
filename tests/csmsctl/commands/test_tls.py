"""`tls`: what would keep charge points away, and the hook for certbot, which is run."""

import os
import pwd
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Any

from tests.csmsctl.conftest import Csmsctl, failed
from tests.csmsctl.scripted_daemon import ScriptedDaemon

FINDING = {"severity": "refused", "who": "Go", "text": "ECDSA: csms.local stands in its CN alone"}


def checked(*findings: dict[str, Any]) -> dict[str, Any]:
    suite = {"suite": "TLS_RSA_WITH_AES_128_GCM_SHA256", "offered": True, "certificate": "RSA 2048", "refusal": None}
    return {
        "schema_version": 1,
        "address": "csms.local:9000",
        "names": ["csms.local"],
        "versions": [{"version": "TLS 1.3", "offered": True}, {"version": "TLS 1.1", "offered": False}],
        "suites": [suite],
        "certificates": [
            {
                "kind": "RSA",
                "subject": "CN=csms.local",
                "issuer": "CN=Root",
                "names": ["csms.local"],
                "key": "RSA 2048",
                "key_usages": [],
                "not_before": "2026-01-01T00:00:00.000Z",
                "not_after": "2026-04-01T00:00:00.000Z",
                "fingerprint": "ff",
                "chain": [],
            }
        ],
        "findings": list(findings),
    }


def test_check_has_the_exit_code_of_its_findings(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tls.check"] = checked()
    good = csmsctl("tls", "check", "csms.local:9000", "--name", "csms.local")
    assert "Nothing would keep a charge point away" in good.err
    assert "TLS 1.3" in good.out
    assert "TLS 1.1" not in good.out
    asked = {"address": "csms.local:9000", "names": ["csms.local"], "timeout": 5.0}
    assert daemon.params("tls.check") == asked
    daemon.replies["tls.check"] = checked(FINDING)
    assert "stands in its CN alone" in failed(csmsctl("tls", "check"), 1).out
    assert failed(csmsctl("tls", "check", "--json"), 1).document["findings"] == [FINDING]
    daemon.replies["tls.check"] = checked(FINDING | {"severity": "warning"})
    csmsctl("tls", "check")


def test_reload(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tls.reload"] = {"on": True, "ends": [{"file": "a", "at": "2026-04-01T00:00:00.000Z"}]}
    assert "TLS is on, until 2026-04-01" in csmsctl("tls", "reload").err
    daemon.replies["tls.reload"] = {"on": False, "ends": []}
    assert "There is no TLS" in csmsctl("tls", "reload").err


def test_the_hook_for_certbot_does_what_it_says(csmsctl: Csmsctl, tmp_path: Path) -> None:
    user = pwd.getpwuid(os.geteuid()).pw_name
    place = tmp_path / "etc" / "tls"
    script = csmsctl("tls", "hook", "certbot", "--user", user, "--directory", str(place)).out
    lineage = tmp_path / "live" / "csms-rsa"
    lineage.mkdir(parents=True)
    (lineage / "fullchain.pem").write_text("chain\n")
    (lineage / "privkey.pem").write_text("key\n")
    told = tmp_path / "csmsctl"
    told.write_text(f'#!/bin/sh\necho "$@" >{shlex.quote(str(tmp_path))}/told\n')
    told.chmod(0o755)
    (tmp_path / "hook").write_text(script)

    path = f"{tmp_path}:{os.environ['PATH']}"
    for _ in range(2):
        subprocess.run(["sh", tmp_path / "hook"], env={"RENEWED_LINEAGE": str(lineage), "PATH": path}, check=True)
        given = place / "csms-rsa.pem"
        assert (given.read_text(), stat.S_IMODE(given.stat().st_mode)) == ("chain\nkey\n", 0o600)
        assert [path.name for path in place.iterdir()] == ["csms-rsa.pem"]
        assert (tmp_path / "told").read_text() == "tls reload\n"
        assert stat.S_IMODE(place.stat().st_mode) == 0o755, "csmsd comes by, and changes nothing there"


def test_the_hook_for_certbot_follows_no_link_that_was_laid_for_root(csmsctl: Csmsctl, tmp_path: Path) -> None:
    """By whoever has taken over csmsd, whose directory it was."""
    place, lineage, precious = tmp_path / "tls", tmp_path / "live" / "csms", tmp_path / "shadow"
    lineage.mkdir(parents=True)
    for name in ("fullchain.pem", "privkey.pem"):
        (lineage / name).write_text(f"{name}\n")
    (tmp_path / "csmsctl").symlink_to("/bin/true")
    precious.write_text("root\n")
    elsewhere = tmp_path / "cron.d"
    elsewhere.mkdir()
    place.mkdir(mode=0o777)
    (place / ".csms.pem.new").symlink_to(precious)
    (place / "csms.pem").symlink_to(elsewhere)
    nobody = pwd.getpwuid(65_534).pw_name if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        os.chown(place, 65_534, -1)
    (tmp_path / "hook").write_text(csmsctl("tls", "hook", "certbot", "--user", nobody, "--directory", str(place)).out)
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["sh", tmp_path / "hook"], env={"RENEWED_LINEAGE": str(lineage), "PATH": path}, check=True)
    assert (precious.read_text(), precious.stat().st_uid) == ("root\n", os.geteuid())
    assert list(elsewhere.iterdir()) == []
    given = place / "csms.pem"
    assert (given.is_symlink(), given.owner(), given.read_text()) == (False, nobody, "fullchain.pem\nprivkey.pem\n")
    assert (place.stat().st_uid, place.stat().st_mode & 0o022) == (os.geteuid(), 0), "and nobody can lay another"


def test_a_hook_has_no_words_of_a_shell_in_it(csmsctl: Csmsctl) -> None:
    for arguments in (("--user", "a; rm"), ("--directory", "tls"), ("--directory", '/tls"$(x)')):
        assert failed(csmsctl("tls", "hook", "certbot", *arguments), 2).out == ""
