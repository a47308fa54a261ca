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


def period(start: str, end: str, limit: float | None, *because: Params) -> Params:
    return {
        "start": f"2026-03-01T{start}:00.000Z",
        "end": f"2026-03-01T{end}:00.000Z",
        "start_s": 0.0,
        "duration_s": 0.0,
        "limit": limit,
        "phases": 3,
        "min_charging_rate": None,
        "because": list(because),
    }


CAUSE: Params = {
    "id": 1,
    "name": "night",
    "purpose": "TxDefaultProfile",
    "connector": 0,
    "stack_level": 0,
    "limit": 16.0,
    "unit": "A",
    "phases": 3,
    "decides": "limit",
}
COMPOSITE: Params = {
    "schema_version": 1,
    "charge_point": "CP1",
    "connector": 1,
    "unit": "A",
    "voltage": 230,
    "phases": 3,
    "transaction": None,
    "start": "2026-03-01T12:00:00.000Z",
    "end": "2026-03-01T16:00:00.000Z",
    "periods": [period("12:00", "14:00", 16.0, CAUSE), period("14:00", "16:00", None)],
    "findings": [],
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
    daemon.replies["profile.add"] = {"changed": False, "differs": True, "profile": record()}
    other = csmsctl("profile", "add", "night", "--daily", "00:00-24:00=6A")
    assert other.code == 0
    assert "is another profile" in other.err


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


def test_preview(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    daemon.replies["profile.preview"] = COMPOSITE
    words = ["profile", "preview", "CP1", "--connector", "1"]
    ended = csmsctl(*words, "--duration", "14400", "--unit", "a", "--with", "night")
    assert ended.out.splitlines()[1:] == [
        "2026-03-01T12:00:00.000Z  2026-03-01T14:00:00.000Z        16  A          3  night (TxDefaultProfile, level 0)",
        "2026-03-01T14:00:00.000Z  2026-03-01T16:00:00.000Z  no limit  -          3  -",
    ]
    assert daemon.params("profile.preview") == {
        "charge_point": "CP1",
        "connector": 1,
        "duration": 14400,
        "unit": "A",
        "with": "night",
    }
    assert csmsctl(*words, "--json").document == COMPOSITE
    assert (
        csmsctl(*words, "--csv").out.splitlines()[1].startswith("2026-03-01T12:00:00.000Z,2026-03-01T14:00:00.000Z,16")
    )
    drawn = csmsctl(*words, "--color", "always", COLUMNS="60").out
    assert "16 A ┤" in drawn
    assert "█" in drawn
    assert "┄" in drawn
    file = tmp_path / "p.json"
    file.write_text('{"stackLevel":0}')
    csmsctl(*words, "--with", str(file))
    assert daemon.params("profile.preview")["with"] == {"stackLevel": 0}


def test_preview_says_what_decided(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    watts = {**CAUSE, "unit": "W", "limit": 11000.0, "name": None}
    phases = {**CAUSE, "decides": "phases", "phases": 1}
    finding = {"text": "No transaction is running.", "rejected": True}
    both = period("12:00", "16:00", 15.9, watts, phases)
    daemon.replies["profile.preview"] = {**COMPOSITE, "periods": [both], "findings": [finding]}
    ended = csmsctl("profile", "preview", "CP1", "--connector", "1")
    assert "id 1 (TxDefaultProfile, level 0, 11000 W), night (TxDefaultProfile, level 0, phases 1)" in ended.out
    assert "No transaction is running." in ended.err


ACCEPTED: Params = {
    "charge_point": "CP1",
    "action": "GetCompositeSchedule",
    "outcome": "accepted",
    "status": "Accepted",
    "request": {},
    "response": {},
    "error": None,
    "duration_ms": 1,
    "task": 1,
}
DIFFERENCE = {
    "start": "2026-03-01T12:00:00.000Z",
    "end": "2026-03-01T14:00:00.000Z",
    "kind": "higher",
    "expected": 16.0,
    "reported": None,
}


def verified(**fields: Any) -> Params:
    agreeing = {"results": [ACCEPTED], "agrees": True, "differences": [], "reported": [], "clock_offset_s": 0}
    return COMPOSITE | agreeing | fields


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (verified(), 0, "is what should hold"),
        (verified(agrees=False, differences=[DIFFERENCE]), 1, "no limit"),
        (verified(agrees=False, differences=[DIFFERENCE], reported=None), 1, "no schedule reported"),
        (verified(clock_offset_s=-3600), 0, "its clock is 3600 s behind"),
        ({"results": [{**ACCEPTED, "outcome": "rejected", "status": "Rejected"}], "agrees": None}, 7, "Rejected"),
        ({"results": [{**ACCEPTED, "outcome": "timeout", "status": None}], "agrees": None}, 8, "timeout"),
    ],
)
def test_verify(csmsctl: Csmsctl, daemon: ScriptedDaemon, answer: Params, code: int, words: str) -> None:
    daemon.replies["profile.verify"] = {"schema_version": 1, **answer}
    ended = csmsctl("profile", "verify", "CP1", "--connector", "1")
    assert ended.code == code
    assert words in ended.out + ended.err
    assert csmsctl("profile", "verify", "CP1", "--connector", "1", "--json").code == code


def test_a_profile_of_an_operation_is_a_name_or_a_file(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    daemon.replies["operation.run"] = {"schema_version": 1, "results": [{**ACCEPTED, "action": "SetChargingProfile"}]}
    words = ["set-charging-profile", "CP1", "--connector", "1", "--profile"]
    file = tmp_path / "p.json"
    file.write_text('{"stackLevel":0}')
    for given, sent in (("night", "night"), (str(file), {"stackLevel": 0})):
        assert csmsctl(*words, given).code == 0
        assert daemon.params("operation.run")["parameters"] == {"connector": 1, "profile": sent}
    assert csmsctl(*words, "-", stdin='{"a":1}').code == 0
    assert daemon.params("operation.run")["parameters"]["profile"] == {"a": 1}
    assert csmsctl(*words, "missing.json").code == 2
    assert csmsctl(*words, "-", stdin="[]").code == 2


def test_a_composite_schedule_is_a_table(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    schedule = {
        "duration": 60,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 30, "limit": 8.0}],
    }
    response: Params = {"status": "Accepted", "connectorId": 1, "chargingSchedule": schedule}
    daemon.replies["operation.run"] = {"schema_version": 1, "results": [{**ACCEPTED, "response": response}]}
    words = ["get-composite-schedule", "CP1", "--connector", "1", "--duration", "60"]
    ended = csmsctl(*words)
    assert [line.split() for line in ended.out.splitlines()] == [["STARTPERIOD", "LIMIT"], ["0", "16"], ["30", "8"]]
    assert "chargingRateUnit=A" in ended.err
    daemon.replies["operation.run"]["results"][0]["response"] = {"status": "Accepted"}
    assert "no schedule reported" in csmsctl(*words).out
