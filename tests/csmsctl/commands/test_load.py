"""`load status`: what is on the circuits."""

from pathlib import Path

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, ScriptedDaemon

STATUS: Params = {
    "schema_version": 1,
    "paused": None,
    "circuits": [
        {"circuit": "main", "phase": "L1", "limit": 63.0, "other": 12.4, "given": 32.0, "drawn": 30.1, "stale": False}
    ],
    "members": [
        {
            "circuit": "main",
            "charge_point": "CP1",
            "connector": 1,
            "state": "charging",
            "transaction": 7,
            "limit": 32.0,
            "most": 32.0,
            "drawn": 30.1,
            "fallback": 8.0,
            "lease_until": "2026-03-01T12:00:00.000Z",
            "arrival": None,
        }
    ],
}


def test_circuits_and_members_are_shown(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["load.status"] = STATUS
    lines = csmsctl("load", "status").out.splitlines()
    assert lines[1].split() == ["main", "L1", "63", "12.4", "32", "30.1", "no"]
    assert lines[4].split()[:9] == ["main", "CP1", "1", "charging", "7", "32", "32", "30.1", "8"]
    assert csmsctl("load", "status", "--json").document == STATUS
    assert csmsctl("load", "status", "--csv").out.splitlines()[0].startswith("circuit,charge_point,connector,state")


def test_where_there_is_none_that_is_said(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["load.status"] = {"schema_version": 1, "paused": None, "circuits": [], "members": []}
    assert "There are no circuits" in csmsctl("load", "status").err


def test_why_a_connector_has_what_it_has_is_said_in_sentences(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["load.explain"] = {"schema_version": 1, "because": ["It hangs on main.", "It may draw 8 A."]}
    assert csmsctl("load", "explain", "CP1", "--connector", "2").out == "It hangs on main.\nIt may draw 8 A.\n"
    assert daemon.params("load.explain") == {"charge_point": "CP1", "connector": 2}
    assert csmsctl("load", "explain", "CP1", "--json").document["because"][1] == "It may draw 8 A."


def test_what_other_circuits_would_change_is_shown(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    daemon.replies["load.plan"] = {
        "schema_version": 1,
        "members": [
            {
                "charge_point": "CP1",
                "connector": 1,
                "circuit": "main",
                "circuit_then": None,
                "share": 16.0,
                "share_then": None,
                "fallback": 8.0,
                "fallback_then": None,
            }
        ],
        "over": [{"circuit": "small", "phase": "L1", "limit": 10.0, "other": 5.0, "fallbacks": 8.0}],
    }
    file = tmp_path / "circuits.toml"
    file.write_text('[circuits.small]\nlimit = "10A"\n')
    shown = csmsctl("load", "plan", str(file))
    assert daemon.params("load.plan") == {"circuits": {"small": {"limit": "10A"}}}
    assert shown.out.splitlines()[1].split() == ["CP1", "1", "main", "-", "16", "-", "8", "-"]
    assert "L1 of small would not carry all: of 10 A, 5 A are for what else draws on it" in shown.err
    file.write_text("[tariffs]\n")
    assert csmsctl("load", "plan", str(file)).code == 2


def test_a_pause_is_said_with_its_end_and_in_the_status(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    pause = {"since": "2026-03-01T12:00:00.000Z", "until": "2026-03-01T13:00:00.000Z"}
    daemon.replies["load.pause"] = {"changed": True, "paused": pause}
    assert "is paused until 2026-03-01T13:00:00.000Z" in csmsctl("load", "pause", "--until", "+1h").err
    daemon.replies["load.status"] = STATUS | {"paused": pause}
    assert "See: csmsctl load resume" in csmsctl("load", "status").err
    daemon.replies["load.resume"] = {"changed": False}
    assert csmsctl("load", "resume").err == "Load management was not paused.\n"


def test_priorities_are_shown_given_and_taken_back(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    told = [{"kind": "label", "name": "north", "weight": 3}]
    daemon.replies["load.priorities"] = {"schema_version": 1, "priorities": told}
    assert csmsctl("load", "priority").out.splitlines()[1].split() == ["label", "north", "3"]
    daemon.replies["load.priorities"] = {"schema_version": 1, "priorities": []}
    assert csmsctl("load", "priority").err.startswith("Nobody has priority")
    daemon.replies["load.manners"] = {"schema_version": 1, "manners": []}
    assert csmsctl("load", "manner").err.startswith("No charge point takes limits otherwise")
    daemon.replies["load.prioritize"] = {"changed": True}
    assert csmsctl("load", "priority", "--transaction", "17", "--weight", "5").code == 0
    assert daemon.params("load.prioritize") == {"kind": "transaction", "name": "17", "weight": 5}
    assert csmsctl("load", "priority", "--tag", "A1", "--clear").code == 0
    for wrong in (["--tag", "A1"], ["--weight", "2"], ["--tag", "A1", "--label", "x", "--weight", "2"], ["--clear"]):
        assert csmsctl("load", "priority", *wrong).code == 2
