"""The `circuit` commands: what they ask the daemon, what they print."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, ScriptedDaemon

MAIN: Params = {
    "name": "main",
    "parent": None,
    "l1_a": 63.0,
    "l2_a": 63.0,
    "l3_a": 63.0,
    "power_w": None,
    "reserve_a": [0.0, 0.0, 0.0],
    "reading_max_age_s": 120,
    "timetable": None,
    "members": 1,
    "lowered_a": 25.0,
    "lowered_w": None,
    "lowered_until": "2026-03-01T12:00:00.000Z",
    "reading_a": None,
    "reading_at": None,
}
MEMBER: Params = {
    "charge_point": "CP1",
    "connector": 1,
    "phases": "L1L2L3",
    "rating_a": 32.0,
    "minimum_a": 6.0,
    "fallback_a": None,
    "weight": 1,
    "step_a": 1.0,
    "lowest_a": 0.0,
    "clock_skew_s": 10,
}


def test_circuits_are_listed_and_shown(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["circuit.list"] = {"schema_version": 1, "circuits": [MAIN]}
    daemon.replies["circuit.show"] = {"schema_version": 1, **MAIN, "on_it": [MEMBER]}
    assert csmsctl("circuit", "list").out.splitlines()[1].split()[:6] == ["main", "-", "63", "63", "63", "-"]
    shown = csmsctl("circuit", "show", "main")
    assert "CP1" in shown.out
    assert daemon.params("circuit.show") == {"name": "main"}
    assert csmsctl("circuit", "show", "main", "--json").document["circuits"][0]["on_it"] == [MEMBER]
    daemon.replies["circuit.list"] = {"schema_version": 1, "circuits": []}
    assert "circuit add main" in csmsctl("circuit", "list").err


@pytest.mark.parametrize(
    ("words", "method", "asked"),
    [
        (
            ("add", "main", "--limit", "63A,63A,none", "--power", "40kW", "--reserve", "5A", "--reading-max-age", "5m"),
            "circuit.add",
            {
                "name": "main",
                "limit": ["63A", "63A", "none"],
                "power": "40kW",
                "reserve": ["5A"],
                "reading_max_age": 300,
            },
        ),
        (
            ("set", "main", "--parent", "none", "--timetable", "17:00-20:00=25A"),
            "circuit.set",
            {"name": "main", "parent": "none", "timetable": "17:00-20:00=25A"},
        ),
        (("remove", "main"), "circuit.remove", {"name": "main"}),
        (("limit", "main", "--clear"), "circuit.limit", {"name": "main"}),
        (
            ("limit", "main", "25A", "--until", "2099-01-01T00:00:00Z"),
            "circuit.limit",
            {"name": "main", "limit": "25A", "until": "2099-01-01T00:00:00.000Z"},
        ),
        (("reading", "main", "--l1", "12.4"), "circuit.measure", {"name": "main", "l1": 12.4}),
        (
            ("member", "add", "main", "CP1", "--connector", "2", "--phases", "L2", "--decimals", "--clock-skew", "30"),
            "circuit.add_member",
            {
                "circuit": "main",
                "charge_point": "CP1",
                "connector": 2,
                "phases": "L2",
                "decimals": True,
                "clock_skew": 30,
            },
        ),
        (
            ("member", "remove", "main", "CP1"),
            "circuit.remove_member",
            {"circuit": "main", "charge_point": "CP1", "connector": 1},
        ),
    ],
)
def test_what_is_typed_is_asked_for(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, words: tuple[str, ...], method: str, asked: Params
) -> None:
    daemon.replies[method] = {"changed": True, "member": {"phases": "L1L2L3"}, "circuit": lowered(25)}
    ended = csmsctl("circuit", *words)
    assert ended.code == 0, ended.err
    assert daemon.params(method) == asked


def lowered(amperes: float | None = None, watts: int | None = None) -> dict[str, Any]:
    own = {"l1_a": 63.0, "l2_a": 63.0, "l3_a": 50.0, "power_w": 40_000}
    return {"name": "main", "lowered_until": "LATER", "lowered_a": amperes, "lowered_w": watts} | own


@pytest.mark.parametrize(
    ("limit", "circuit", "lowers"),
    [
        ("25A", lowered(amperes=25), True),
        ("60A", lowered(amperes=60), True),
        ("250A", lowered(amperes=250), False),
        ("11kW", lowered(watts=11_000), True),
        ("40kW", lowered(watts=40_000), False),
    ],
)
def test_a_lower_limit_that_lowers_nothing_is_told(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, limit: str, circuit: dict[str, Any], lowers: bool
) -> None:
    daemon.replies["circuit.limit"] = {"changed": True, "circuit": circuit}
    said = csmsctl("circuit", "limit", "main", limit, "--until", "+1h").err
    assert f"main is limited to {limit} until LATER." in said
    assert ("That lowers nothing" in said) != lowers


@pytest.mark.parametrize("words", [("limit", "main"), ("limit", "main", "25A"), ("limit", "main", "25A", "--clear")])
def test_a_lower_limit_says_how_much_and_until_when(csmsctl: Csmsctl, words: tuple[str, ...]) -> None:
    assert csmsctl("circuit", *words).code == 2


def test_what_is_exported_can_be_imported(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    described = {"main": {"limit": "63A", "members": [{"charge_point": "CP1", "fallback": "8A"}]}}
    daemon.replies["circuit.export"] = {"circuits": described}
    file = tmp_path / "circuits.toml"
    assert csmsctl("circuit", "export", "--output", str(file)).code == 0
    assert tomllib.loads(file.read_text()) == {"circuits": described}
    assert tomllib.loads(csmsctl("circuit", "export").out) == {"circuits": described}
    assert "\n\n\n" not in file.read_text()
    assert csmsctl("circuit", "export", "--json").document["circuits"] == described
    daemon.replies["circuit.import"] = {"changed": 2, "circuits": 1, "members": 1}
    ended = csmsctl("circuit", "import", str(file), "--yes")
    assert ended.out == "1 circuit, 1 member, 2 changes\n"
    assert daemon.params("circuit.import") == {"circuits": described}
    asked = [params.get("dry_run") for method, params in daemon.requests if method == "circuit.import"]
    assert asked == [True, None], "what cannot be is told before anybody is asked"
    csmsctl("circuit", "import", "-", "--dry-run", stdin=file.read_text())
    assert daemon.params("circuit.import") == {"circuits": described, "dry_run": True}


@pytest.mark.parametrize(("text", "why"), [("[", "is no TOML"), ("[circuit]", "something besides circuits")])
def test_what_is_no_description_is_not_sent(csmsctl: Csmsctl, daemon: ScriptedDaemon, text: str, why: str) -> None:
    ended = csmsctl("circuit", "import", "-", "--yes", stdin=text)
    assert (ended.code, why in ended.err) == (2, True)
    assert daemon.requests == []
