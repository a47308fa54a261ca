"""`firmware`: images in pieces to csmsd, what charge points are at, and rollouts."""

import base64
import hashlib
from pathlib import Path

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon

IMAGE = bytes(range(256)) * 5000  # more than one piece


@pytest.fixture
def taking(daemon: ScriptedDaemon) -> bytearray:
    """What csmsd took of a file."""
    taken = bytearray()

    def write(_peer: Peer, params: Params) -> Params:
        taken.extend(base64.b64decode(params["data"]))
        return {"size": len(taken)}

    def finish(_peer: Peer, params: Params) -> Params:
        record = {"name": params["name"], "size": len(taken), "sha256": hashlib.sha256(taken).hexdigest()}
        return {"changed": True, "firmware": record}

    daemon.replies |= {"firmware.begin": {"upload": "u1"}, "firmware.write": write, "firmware.finish": finish}
    return taken


def test_an_image_goes_in_pieces(csmsctl: Csmsctl, daemon: ScriptedDaemon, taking: bytearray, tmp_path: Path) -> None:
    file = tmp_path / "acme-2.1.bin"
    file.write_bytes(IMAGE)
    ended = csmsctl("firmware", "add", str(file), "--version", "2.1", "--note", "from the vendor")
    assert ended.code == 0
    assert bytes(taking) == IMAGE
    assert [method for method, _ in daemon.requests] == ["firmware.begin", *2 * ["firmware.write"], "firmware.finish"]
    assert daemon.params("firmware.begin") == {"name": "acme-2.1.bin", "size": len(IMAGE)}
    assert daemon.params("firmware.finish") == {
        "upload": "u1",
        "name": "acme-2.1.bin",
        "version": "2.1",
        "note": "from the vendor",
    }
    assert ended.err == (f"acme-2.1.bin is stored: {len(IMAGE)} bytes, SHA-256 {hashlib.sha256(IMAGE).hexdigest()}\n")
    record = {"name": "other.bin", "size": 1, "sha256": "x"}
    daemon.replies["firmware.finish"] = {"changed": False, "firmware": record}
    again = csmsctl("firmware", "add", str(file), "--name", "other.bin")
    assert daemon.params("firmware.begin")["name"] == "other.bin"
    assert "other.bin is there already" in again.err
    assert csmsctl("firmware", "add", str(file), "--json").document["changed"] is False


def test_what_is_no_file_is_not_sent(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "none"):
        assert csmsctl("firmware", "add", str(file)).code == 2
    assert daemon.requests == []


def test_removed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"firmware.remove": {"changed": True}, "firmware.list": {"firmware": [{"name": "a.bin"}]}}
    assert csmsctl("firmware", "remove", "a.bin").code == 10
    assert csmsctl("firmware", "remove", "b.bin").code == 3
    assert {method for method, _ in daemon.requests} == {"firmware.list"}
    assert csmsctl("firmware", "remove", "a.bin", "--yes").err == "a.bin is removed.\n"
    assert daemon.params("firmware.remove") == {"name": "a.bin"}
    csmsctl("firmware", "remove", "a.bin", "--yes", "--force")
    assert daemon.params("firmware.remove") == {"name": "a.bin", "force": True}


def test_listed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    image = {"name": "a.bin", "size": 5, "sha256": "x", "version": "2.1", "note": None, "added_at": None}
    daemon.replies |= {"firmware.list": {"schema_version": 1, "firmware": [image]}, "firmware.status": {"updates": []}}
    assert csmsctl("firmware", "list", "--no-headers").out.split()[:3] == ["a.bin", "2.1", "5"]
    assert csmsctl("firmware", "status").err == "No update was ever ordered.\n"
    assert daemon.params("firmware.status") == {}
    csmsctl("firmware", "status", "@north")
    assert daemon.params("firmware.status") == {"targets": ["@north"]}


def test_a_rollout(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["rollout.start"] = {"changed": True, "rollout": {"id": 3, "charge_points": 12}}
    ended = csmsctl("firmware", "rollout", "--all", "--file", "a.bin")
    assert ended.err == "Rollout 3 has begun, for 12 charge points.\n"
    assert daemon.params("rollout.start") == {"targets": ["*"], "file": "a.bin", "parallel": 1}
    words = "--parallel 4 --canary 1 --only-idle --window 22:00-06:00 --max-failures 2 --retries 3 --protocol ftp"
    csmsctl("firmware", "rollout", "CP1", "@north", "--file", "a.bin", *words.split())
    assert daemon.params("rollout.start") == {
        "targets": ["CP1", "@north"],
        "file": "a.bin",
        "parallel": 4,
        "canary": 1,
        "only_idle": True,
        "window": "22:00-06:00",
        "max_failures": 2,
        "retries": 3,
        "protocol": "ftp",
    }
    assert csmsctl("firmware", "rollout", "--file", "a.bin").code == 2
