"""`profile preview` and `profile verify`: which limits hold when, and whether the charge point says so, too."""

from pathlib import Path
from typing import Any

import pytest

from tests.csmsctl.commands.profile_samples import ACCEPTED
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, ScriptedDaemon


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
