"""`status --problems`: only what wants attention."""

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon

FAULT = samples.problem("faulted", severity="critical", connector=1, text="Faulted: \x1b[31mGroundFailure")
REBOOT = samples.problem("reboot_required", since=None)
STRANGERS = samples.problem("unknown_charge_points", charge_point=None, next="csmsctl cp pending")


def test_problems_of_site_and_charge_points_the_worst_first(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["status"] = samples.status(
        samples.charge_point(problems=[REBOOT]),
        samples.charge_point("CP2", problems=[{**FAULT, "charge_point": "CP2"}]),
        problems=[STRANGERS],
    )
    document = csmsctl("status", "--problems", "--json").document
    assert [problem["kind"] for problem in document["problems"]] == [
        "faulted",
        "unknown_charge_points",
        "reboot_required",
    ]
    lines = csmsctl("status", "--problems").out.splitlines()
    assert len(lines) == 4
    assert "CP2" in lines[1]
    assert "\\x1b[31mGroundFailure" in lines[1]
    assert lines[2].endswith("csmsctl cp pending")
    rows = csmsctl("status", "--problems", "--csv").out.splitlines()
    assert rows[0] == "kind,severity,charge_point,connector,since,last_at,text,next"
    assert len(rows) == 4


def test_nothing_to_do_is_said_and_is_success(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["status"] = samples.status(samples.charge_point())
    ended = csmsctl("status", "--problems")
    assert (ended.code, ended.out, ended.err) == (0, "", "Nothing wants attention.\n")
    assert csmsctl("status", "--problems", "--json").document == {"schema_version": 1, "problems": []}
