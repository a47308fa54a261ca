"""`cp add`, `cp set` and the others that change what is known of a charge point."""

import re
from typing import Any

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_cp_add_prints_password_and_url(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    added = {"changed": True, "charge_point": samples.charge_point("CP9"), "password": "s3cret"}
    daemon.replies |= {"charge_point.add": added, "daemon.info": samples.info()}
    ended = csmsctl("cp", "add", "CP9", "--label", "north", "--label", "new", "--generate-password")
    assert ended.out.splitlines() == ["URL:      ws://127.0.0.1:9000/ocpp/CP9", "password: s3cret"]
    assert daemon.params("charge_point.add") == {"id": "CP9", "labels": ["north", "new"], "generate_password": True}
    document = csmsctl("cp", "add", "CP9", "--json").document
    assert (document["changed"], document["password"], document["url"]) == (
        True,
        "s3cret",
        "ws://127.0.0.1:9000/ocpp/CP9",
    )


def test_cp_add_names_this_host_when_it_listens_everywhere(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    import socket

    secure = samples.charge_point("CP9", security_profile=2)
    daemon.replies |= {
        "charge_point.add": {"changed": True, "charge_point": secure},
        "daemon.info": samples.info(listen=["0.0.0.0:9443"]),
    }
    first, *others = csmsctl("cp", "add", "CP9").out.splitlines()
    assert first == f"URL: wss://{socket.gethostname()}:9443/ocpp/CP9"
    # By the addresses in the networks of this machine, of which there may be none.
    assert all(re.fullmatch(r"URL: wss://(?!127\.)[0-9.]+:9443/ocpp/CP9", line) for line in others)


def test_cp_add_of_what_is_there(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["charge_point.add"] = {"changed": False, "charge_point": samples.charge_point()}
    ended = csmsctl("cp", "add", "CP1")
    assert (ended.code, ended.out) == (0, "")
    assert "already" in ended.err
    assert csmsctl("cp", "add", "CP1", "--json").document["changed"] is False


def test_cp_passwords_come_from_files_or_standard_input(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Any
) -> None:
    daemon.replies["charge_point.set"] = {"changed": True, "charge_point": samples.charge_point()}
    csmsctl("cp", "set", "CP1", "--password-file", "-", stdin="from stdin\n")
    assert daemon.params("charge_point.set") == {"id": "CP1", "password": "from stdin"}
    file = tmp_path / "password"
    file.write_text("from file")
    csmsctl("cp", "set", "CP1", "--password-file", str(file))
    assert daemon.params("charge_point.set") == {"id": "CP1", "password": "from file"}
    assert csmsctl("cp", "set", "CP1", "--password-file", "-", stdin="").code == 2
    assert csmsctl("cp", "set", "CP1", "--password-file", str(file), "--generate-password").code == 2
    ended = csmsctl("cp", "set", "CP1", "--password-file", "/nowhere/password", "--json")
    assert (ended.code, ended.error["message"]) == (1, "/nowhere/password: No such file or directory.")
