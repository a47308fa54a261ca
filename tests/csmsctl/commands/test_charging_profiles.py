"""The `profile` commands: what they ask the daemon, what they print."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, ScriptedDaemon


def record(name: str = "night", **fields: Any) -> Params:
    return {
        "id": 1,
        "name": name,
        "purpose": "TxDefaultProfile",
        "kind": "Recurring",
        "recurrency": "Daily",
        "stack_level": 0,
        "unit": "A",
        "lowest_limit": 8.0,
        "highest_limit": 32.0,
        "periods": 3,
        "duration": 86400,
        "valid_from": None,
        "valid_to": None,
        "installed": 1,
        "note": None,
        "created_at": "2026-03-01T12:00:00.000Z",
        **fields,
    }


PLACE: Params = {
    "charge_point": "CP1",
    "connector": 1,
    "purpose": "TxDefaultProfile",
    "stack_level": 0,
    "id": 1,
    "name": "night",
    "transaction": None,
    "awaits_id_tag": None,
    "accepted_at": "2026-03-01T12:00:00.000Z",
    "profile": {},
}


DETAILS = {
    "profile": {"chargingProfileId": 1},
    "findings": [{"text": "validTo is over.", "rejected": False}],
    "installed_on": [PLACE],
}


def test_list_and_installed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["profile.list"] = {"schema_version": 1, "profiles": [record(note="cheap")]}
    [line] = csmsctl("profile", "list", "--no-headers").out.splitlines()
    assert line.split()[:5] == ["1", "night", "TxDefaultProfile", "0", "Recurring"]
    assert csmsctl("profile", "list", "--json").document == daemon.replies["profile.list"]
    daemon.replies["profile.list"] = {"schema_version": 1, "profiles": []}
    assert "csmsctl profile add night" in csmsctl("profile", "list").err
    daemon.replies["profile.installed"] = {"schema_version": 1, "installed_profiles": [PLACE]}
    assert csmsctl("profile", "installed", "CP*", "--no-headers").out.split()[:3] == ["CP1", "1", "TxDefaultProfile"]
    assert daemon.params("profile.installed") == {"targets": ["CP*"]}


def test_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["profile.show"] = {"schema_version": 1, **record(), **DETAILS}
    ended = csmsctl("profile", "show", "night")
    assert '  "chargingProfileId": 1' in ended.out
    assert "CP1" in ended.out
    assert "validTo is over." in ended.err
    assert csmsctl("profile", "show", "night", "--json").document["profiles"][0]["id"] == 1


def test_add(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    daemon.replies["profile.add"] = {"changed": True, "profile": {**record(), **DETAILS}}
    words = "--limit 16A --purpose txprofile --kind relative --stack-level 2 --phases 1 --duration 60 --note cheap"
    ended = csmsctl("profile", "add", "night", *words.split())
    assert ended.code == 0
    assert "its id on the wire is 1" in ended.err
    assert daemon.params("profile.add") == {
        "name": "night",
        "limit": "16A",
        "purpose": "TxProfile",
        "kind": "Relative",
        "stack_level": 2,
        "phases": 1,
        "duration": 60,
        "note": "cheap",
    }
    file = tmp_path / "night.json"
    file.write_text(json.dumps({"stackLevel": 0}))
    csmsctl("profile", "add", "night", "--file", str(file), "--replace", "--force")
    expected = {"name": "night", "profile": {"stackLevel": 0}, "replace": True, "force": True}
    assert daemon.params("profile.add") == expected
    assert csmsctl("profile", "add", "night", "--file", "-", stdin='{"stackLevel":0}').code == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "--file FILE, --limit 16A or --daily WINDOWS"),
        (["--limit", "16A", "--daily", "00:00-24:00=6A"], "in one way"),
        (["--file", "/no/such.json"], "/no/such.json cannot be read: No such file"),
        (["--file", "-"], "standard input is not JSON"),
        (["--limit", "16A", "--phases", "4"], "4"),
    ],
)
def test_add_that_makes_no_sense(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str], text: str) -> None:
    ended = csmsctl("profile", "add", "night", *words)
    assert ended.code == 2
    assert text in ended.err
    assert daemon.requests == []


def test_remove(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["profile.remove"] = {"changed": True, "installed_on": [PLACE]}
    assert "CP1 still has it: csmsctl clear-charging-profile CP1 --id 1" in csmsctl("profile", "remove", "night").err


def test_reassert(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    result: Params = {
        "charge_point": "CP1",
        "action": "SetChargingProfile",
        "outcome": "rejected",
        "status": "Rejected",
        "request": {},
        "response": {},
        "error": None,
        "duration_ms": 1,
        "task": 1,
    }
    daemon.replies["profile.reassert"] = {"schema_version": 1, "results": [result]}
    assert csmsctl("profile", "reassert", "CP1").code == 7
    assert daemon.params("profile.reassert")["targets"] == ["CP1"]
    assert csmsctl("profile", "reassert").code == 2
