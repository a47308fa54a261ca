"""`cp list`, `cp show`, `cp pending`: what is known of charge points."""

from tests.csmsctl import samples
from tests.csmsctl.commands.listing import EVIL, listing
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_cp_list_and_pending(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    evil = samples.charge_point("CP2", vendor=EVIL, note="=cmd()")
    daemon.replies["charge_point.list"] = listing("charge_points", samples.charge_point(), evil)
    ended = csmsctl("cp", "list", "CP*")
    assert daemon.params("charge_point.list") == {"targets": ["CP*"]}
    assert "\\x1b[31m[bold]\\u202e\\ud800" in ended.out
    assert "'=cmd()" in csmsctl("cp", "list", "--csv").out
    assert len(csmsctl("cp", "list", "--json").document["charge_points"]) == 2
    daemon.replies["charge_point.pending"] = listing("pending")
    ended = csmsctl("cp", "pending")
    assert (ended.code, ended.out, ended.err) == (0, "", "Nobody is waiting.\n")


def test_cp_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    shown = samples.charge_point(
        deviations=[{"action": "StartTransaction", "field": "idTag", "kind": "too_long", "count": 3, "last_at": None}],
        configuration=[{"key": "HeartbeatInterval", "value": "300", "readonly": False, "reported_at": None}],
    )
    daemon.replies["charge_point.show"] = shown
    ended = csmsctl("cp", "show", "CP1")
    for expected in ("ACME", "connectors", "Charging", "HeartbeatInterval", "too_long"):
        assert expected in ended.out
    assert csmsctl("cp", "show", "CP1", "--json").document == listing("charge_points", shown)
