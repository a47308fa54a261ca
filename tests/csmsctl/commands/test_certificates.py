"""`cert`, as people and programs see it."""

import stat
from pathlib import Path
from typing import Any

from tests.csmsctl.conftest import Csmsctl, failed
from tests.csmsctl.scripted_daemon import ScriptedDaemon

PEM = "-----BEGIN CERTIFICATE-----\nleaf\n-----END CERTIFICATE-----\n"
ROOT = "-----BEGIN CERTIFICATE-----\nroot\n-----END CERTIFICATE-----\n"


def certificate(number: int = 4, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "charge_point": "CP1",
        "kind": "charge_point",
        "state": "issued",
        "organization": "My CPO",
        "common_name": "SN1",
        "issuer": "CN=My CPO CSMS Root",
        "serial": "abc",
        "fingerprint": "ff",
        "not_before": "2026-01-01T00:00:00.000Z",
        "not_after": "2027-01-01T00:00:00.000Z",
        "task": None,
        "created_at": "2026-01-01T00:00:00.000Z",
        "changed_at": "2026-01-01T00:00:00.000Z",
        "reason": None,
        **fields,
    }


def made(**fields: Any) -> dict[str, Any]:
    return {
        "changed": True,
        "certificates": [
            certificate(1, kind="ca", common_name="My CPO CSMS Root", charge_point=None),
            certificate(2, kind="server", charge_point=None),
        ],
        "root": ROOT,
        "listen": ["0.0.0.0:9443"],
        "minimum_profile": 0,
        **fields,
    }


def test_init_tells_what_a_charge_point_wants_to_know(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["certificate.init"] = made()
    ended = csmsctl("cert", "init", "--name", "csms.local", "--name", "2001:db8::1", "--organization", "My CPO")
    assert daemon.params("certificate.init") == {"organization": "My CPO", "names": ["csms.local", "2001:db8::1"]}
    assert "wss://csms.local:9443/ocpp/, wss://[2001:db8::1]:9443/ocpp/" in ended.out
    for text in ("csmsctl cert export-ca FILE", "security.minimum_profile = 2"):
        assert text in ended.err
    daemon.replies["certificate.init"] = made(minimum_profile=2)
    assert "minimum_profile" not in csmsctl("cert", "init", "--name", "x", "--organization", "My CPO").err
    daemon.replies["certificate.init"] = made(changed=False)
    again = csmsctl("cert", "init", "--name", "x", "--organization", "My CPO")
    assert (again.out, "Nothing changed" in again.err) == ("", True)


def test_list_and_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["certificate.list"] = {"schema_version": 1, "certificates": [certificate()]}
    listed = csmsctl("cert", "list", "CP1", "--expiring", "30d", "--kind", "charge_point", "--state", "issued")
    assert listed.out.split("\n")[1].split()[:5] == ["4", "CP1", "charge_point", "SN1", "issued"]
    asked = {"targets": ["CP1"], "kind": "charge_point", "state": "issued", "expiring_s": 30 * 86_400}
    assert daemon.params("certificate.list") == asked | {"limit": 101}
    daemon.replies["certificate.show"] = {"schema_version": 1, **certificate(), "pem": PEM, "csr": "x"}
    shown = csmsctl("cert", "show", "4").out
    assert "SN1" in shown
    assert "BEGIN" not in shown
    [document] = csmsctl("cert", "show", "4", "--json").document["certificates"]
    assert document["pem"] == PEM


def test_sign_from_a_file_writes_what_the_charge_point_is_given(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    daemon.replies["certificate.sign"] = {"certificate": certificate(), "pem": PEM, "results": []}
    (tmp_path / "csr").write_text("csr")
    (tmp_path / "der").write_bytes(b"\x30\x82\xff")
    assert csmsctl("cert", "sign", "CP1", "--csr", str(tmp_path / "csr")).out == PEM
    assert daemon.params("certificate.sign")["csr"] == "csr"
    csmsctl("cert", "sign", "CP1", "--csr", str(tmp_path / "csr"), "--output", str(tmp_path / "pem"))
    assert (tmp_path / "pem").read_text() == PEM
    refused = failed(csmsctl("cert", "sign", "CP1", "--csr", str(tmp_path / "der")), 2)
    assert "openssl req" in refused.err


def test_sign_what_waits_has_the_exit_code_of_the_charge_point_s_answer(
    csmsctl: Csmsctl, daemon: ScriptedDaemon
) -> None:
    result: dict[str, Any] = {
        "charge_point": "CP1",
        "action": "CertificateSigned",
        "outcome": "rejected",
        "status": "Rejected",
        "request": {},
        "response": {},
        "error": None,
        "duration_ms": 1,
        "task": 5,
    }
    daemon.replies["certificate.sign"] = {"certificate": certificate(), "pem": PEM, "results": [result]}
    assert "Rejected" in failed(csmsctl("cert", "sign", "CP1"), 7).out
    assert failed(csmsctl("cert", "sign", "CP1", "--json"), 7).document["results"] == [result]


def test_renew_without_targets_is_for_csmsd_itself(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["certificate.renew"] = {"changed": True, "certificates": [certificate(2, kind="server")]}
    assert "good until 2027" in csmsctl("cert", "renew").err
    daemon.replies["operation.run"] = {"schema_version": 1, "results": []}
    csmsctl("cert", "renew", "CP1", "--yes")
    asked = daemon.params("operation.run")
    assert (asked["command"], asked["parameters"], asked["targets"]) == (
        "extended-trigger-message",
        {"message": "SignChargePointCertificate"},
        ["CP1"],
    )


def test_revoke_asks_with_the_charge_point_s_name(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "certificate.show": {"schema_version": 1, **certificate(), "pem": PEM, "csr": None},
        "certificate.revoke": {
            "changed": True,
            "certificate": certificate(state="revoked"),
            "certificates": [certificate(3, state="revoked"), certificate(state="revoked")],
        },
    }
    asked = failed(csmsctl("cert", "revoke", "4", "--reason", "stolen"), 10)
    assert "certificate 4 of CP1" in asked.err
    assert csmsctl("cert", "revoke", "4", "--reason", "stolen", "--yes").code == 0
    assert daemon.params("certificate.revoke") == {"certificate": 4, "reason": "stolen"}
    assert "all certificates of CP1" in failed(csmsctl("cert", "revoke", "cp1", "--reason", "stolen"), 10).err
    ended = csmsctl("cert", "revoke", "cp1", "--reason", "stolen", "--yes")
    assert "Of the certificates of CP1 3 is revoked, 4 is revoked." in ended.err
    assert daemon.params("certificate.revoke") == {"certificate": "cp1", "reason": "stolen"}


def test_export(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "certificate.root": {"schema_version": 1, "pem": ROOT},
        "certificate.show": {"schema_version": 1, **certificate(), "pem": PEM, "csr": None},
    }
    assert csmsctl("cert", "export").out == ROOT
    assert csmsctl("cert", "export", "CP1").out == PEM
    assert csmsctl("cert", "export", "CP1", "--with-root").out == PEM + ROOT
    assert csmsctl("cert", "export", "--json").document["pem"] == ROOT
    daemon.replies["certificate.show"] = {
        "schema_version": 1,
        **certificate(state="requested"),
        "pem": None,
        "csr": "x",
    }
    assert "is requested" in failed(csmsctl("cert", "export", "CP1"), 2).err


def test_the_key_of_the_ca_goes_into_a_file_of_its_owner(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    daemon.replies["certificate.export_ca"] = {"pem": "sEcReT"}
    file = tmp_path / "ca.key"
    assert "sEcReT" not in csmsctl("cert", "export-ca", str(file), "--json").out
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("sEcReT", 0o600)
    assert "there already" in failed(csmsctl("cert", "export-ca", str(file)), 2).err
    assert csmsctl("cert", "export-ca", "-").out == "sEcReT"
