"""A test that does not come to its end: nothing that was seen goes untold."""

from pathlib import Path

import pytest

from csmsctl.failure import UNREACHABLE
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Hangup, Params, Peer, ScriptedDaemon


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_csmsd_that_goes_away(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    def end(_peer: Peer, _params: Params) -> None:
        raise Hangup

    daemon.replies |= {
        "charge_point.show": samples.charge_point(connected=True, deviations=[]),
        "log.subscribe": {},
        "event.subscribe": {},
        "operation.run": end,
    }
    ended = csmsctl("--json", "cp", "test", "CP1", "--suite", "quick")
    assert ended.code == UNREACHABLE
    report = ended.document
    assert (report["passed"], report["failed"], report["skipped"]) == (0, 1, 6)
    assert "closed the connection" in report["steps"][0]["reason"]
    assert {step["reason"] for step in report["steps"][1:]} == {"csmsd went away"}

    # Nor does a full disk take it away.
    (tmp_path / "full.md").symlink_to("/dev/full")
    ended = csmsctl("--json", "cp", "test", "CP1", "--suite", "quick", "--report", str(tmp_path / "full.md"))
    assert (ended.code, ended.document["failed"]) == (1, 1)
    assert "No space left" in ended.err
