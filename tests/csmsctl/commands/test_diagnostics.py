"""`diagnostics`: files of charge points, got in pieces and under names of ours."""

import base64
import hashlib
from pathlib import Path

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon

CONTENT = bytes(range(256)) * 5000  # more than one piece
UPLOAD = {
    "task": 7,
    "charge_point": "CP1",
    "state": "uploaded",
    "name": "diag.zip",
    "size": 1_280_000,
    "received_at": "2026-01-31T12:00:00.000Z",
    "changed_at": "2026-01-31T12:00:00.000Z",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "error": None,
}


@pytest.fixture
def holding(daemon: ScriptedDaemon) -> ScriptedDaemon:
    """A csmsd that has the file of task 7."""

    def read(_peer: Peer, params: Params) -> Params:
        piece = CONTENT[params.get("offset", 0) :][: params["length"]]
        known = {"size": len(CONTENT), "name": UPLOAD["name"], "sha256": UPLOAD["sha256"]}
        return {"data": base64.b64encode(piece).decode(), **known}

    daemon.replies |= {"diagnostics.read": read, "diagnostics.status": {"diagnostics": [UPLOAD]}}
    return daemon


def test_got_in_pieces(csmsctl: Csmsctl, holding: ScriptedDaemon, tmp_path: Path) -> None:
    file = tmp_path / "cp1.zip"
    assert csmsctl("diagnostics", "get", "7", "--output", str(file)).code == 0
    assert file.read_bytes() == CONTENT
    assert [params.get("offset") for method, params in holding.requests if method == "diagnostics.read"] == [
        None,
        1_048_576,
    ]


@pytest.mark.parametrize(
    ("identity", "name", "file"),
    [
        ("CP1", "diag.zip", "CP1-7.zip"),
        ("CP1", "logs.tar.gz", "CP1-7.tar.gz"),
        ("CP1", "../../.profile", "CP1-7.bin"),
        ("CP1", "../x.sh", "CP1-7.sh"),
        ("CP1", "evil.;rm -rf", "CP1-7.bin"),
        ("CP1", None, "CP1-7.bin"),
        ("DE*ABC/E1", "x.log", "DE_ABC_E1-7.log"),
    ],
)
def test_the_name_is_ours(
    csmsctl: Csmsctl,
    holding: ScriptedDaemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    identity: str,
    name: str | None,
    file: str,
) -> None:
    """Whatever the charge point called it, it lies in the current directory, and nothing in the name is a path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(UPLOAD, "name", name)
    monkeypatch.setitem(UPLOAD, "charge_point", identity)
    assert csmsctl("diagnostics", "get", "7").code == 0
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_a_file_that_is_not_what_arrived_is_not_kept(
    csmsctl: Csmsctl, holding: ScriptedDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(UPLOAD, "sha256", "0" * 64)
    ended = csmsctl("diagnostics", "get", "7", "--output", str(tmp_path / "x"))
    assert (ended.code, "its SHA-256 differs" in ended.err) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_became_shorter_is_not_kept(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    def read(_peer: Peer, params: Params) -> Params:
        data = b"" if params.get("offset") else b"half"
        return {"data": base64.b64encode(data).decode(), "size": 8, "name": "x", "sha256": ""}

    daemon.replies["diagnostics.read"] = read
    ended = csmsctl("diagnostics", "get", "7", "--output", str(tmp_path / "x"))
    assert (ended.code, "4 of 8 bytes" in ended.err) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_listed_and_removed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "diagnostics.list": {"schema_version": 1, "diagnostics": [UPLOAD]},
        "diagnostics.status": {"schema_version": 1, "diagnostics": []},
        "diagnostics.remove": {"changed": True},
        "diagnostics.read": {"data": "", "size": 0},
    }
    assert csmsctl("diagnostics", "list", "--charge-point", "CP1", "--no-headers").out.split()[:5] == [
        *("7", "CP1", "uploaded", "diag.zip", "1280000")
    ]
    assert daemon.params("diagnostics.list") == {"targets": ["CP1"]}
    nothing = "No diagnostics were ever asked for; ask with: csmsctl get-diagnostics\n"
    assert csmsctl("diagnostics", "status", "CP*", "@north").err == nothing
    assert daemon.params("diagnostics.status") == {"targets": ["CP*", "@north"]}
    assert csmsctl("diagnostics", "remove", "7").code == 10
    assert csmsctl("diagnostics", "remove", "7", "--yes").err == "The diagnostics of task 7 are removed.\n"
    assert daemon.params("diagnostics.remove") == {"task": 7}


def test_where_there_are_none_it_is_said_which_uploads_failed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    failed = UPLOAD | {"state": "upload_failed", "changed_at": "2026-01-31T12:00:00.000Z", "error": "no such host"}
    daemon.replies |= {"diagnostics.list": {"diagnostics": []}, "diagnostics.status": {"diagnostics": [UPLOAD, failed]}}
    said = csmsctl("diagnostics", "list").err
    assert said.startswith("There are none")
    assert said.endswith("CP1: upload failed 2026-01-31T12:00:00.000Z (task 7): no such host\n")
