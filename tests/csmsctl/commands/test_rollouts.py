"""`rollout`: where one stands, what became of each charge point, and halting it."""

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, ScriptedDaemon

MEMBER: Params = {
    "charge_point": "CP1",
    "state": "failed",
    "canary": True,
    "task": 5,
    "reported": "DownloadFailed",
    "version_before": "1.0",
    "version_after": None,
    "confirmed": None,
    "begun_at": "2026-01-31T10:00:00.000Z",
    "ended_at": "2026-01-31T10:05:00.000Z",
    "note": "download failed",
}
ROLLOUT: Params = {
    "id": 3,
    "state": "paused",
    "reason": "1 failed, at most 0 may",
    "file": "a.bin",
    "created_at": "2026-01-31T09:00:00.000Z",
    "ended_at": None,
    "charge_points": 4,
    "waiting": 2,
    "updating": 0,
    "done": 1,
    "failed": 1,
    "cancelled": 0,
    "members": [MEMBER],
}


def test_show_leaves_the_members_to_the_report(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["rollout.show"] = {"schema_version": 1, **ROLLOUT}
    shown = csmsctl("rollout", "show", "3").out
    assert "reason:" in shown
    assert "2026-01-31T09:00:00.000Z" in shown
    assert "CP1" not in shown
    assert csmsctl("rollout", "show", "3", "--json").document["rollouts"] == [ROLLOUT]


def test_report(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["rollout.show"] = {"schema_version": 1, **ROLLOUT}
    ended = csmsctl("rollout", "report", "3", "--csv")
    assert ended.out.splitlines() == [
        "charge_point,state,canary,version_before,version_after,confirmed,begun_at,ended_at,task,note",
        "CP1,failed,true,1.0,,,2026-01-31T10:00:00.000Z,2026-01-31T10:05:00.000Z,5,download failed",
    ]
    assert ended.err == "Rollout 3 is paused: 1 done, 2 waiting, 1 failed.\n"  # what is 0 is not told


@pytest.mark.parametrize(
    ("command", "changed", "said"),
    [
        ("pause", True, "Rollout 3 is paused.\n"),
        ("pause", False, "Rollout 3 was paused already.\n"),
        ("resume", True, "Rollout 3 goes on.\n"),
        ("resume", False, "Rollout 3 was running already.\n"),
        ("cancel", True, "Rollout 3 is cancelled.\n"),
        ("cancel", False, "Rollout 3 was over already.\n"),
    ],
)
def test_halted(csmsctl: Csmsctl, daemon: ScriptedDaemon, command: str, changed: bool, said: str) -> None:
    daemon.replies[f"rollout.{command}"] = {"changed": changed, "rollout": ROLLOUT}
    assert csmsctl("rollout", command, "3", "--yes").err == said
    assert daemon.params(f"rollout.{command}") == {"id": 3}


def test_an_end_is_asked_about(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["rollout.show"] = ROLLOUT
    assert csmsctl("rollout", "cancel", "3").code == 10
    assert daemon.requests == [("rollout.show", {"id": 3})]


def test_the_list(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["rollout.list"] = {"schema_version": 1, "rollouts": []}
    assert "csmsctl firmware rollout --help" in csmsctl("rollout", "list").err
